"""Who takes the kernel for packed rows: by torch's version, the GPU, the model, and what it computes in."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from rm_saved import saved  # noqa: E402
from rm_tiny import CHAT, texts, tiny_base  # noqa: E402

from reward_models.models import attention  # noqa: E402
from reward_models.models.apart import prefers_varlen  # noqa: E402
from reward_models.models.layout import packed  # noqa: E402
from reward_models.models.reward_model import RewardModel  # noqa: E402
from reward_models.serving.local import LocalEngine, LocalSettings  # noqa: E402
from reward_models.training.building import build_model  # noqa: E402
from reward_models.training.settings import load_settings  # noqa: E402

pytestmark = pytest.mark.trainers


def now(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1), enable_gqa=False):
    """As torch has it."""


def first(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False, *, return_aux=None):
    """As torch had it first."""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "has_kernel", lambda device: True)


@pytest.mark.parametrize(
    ("function", "capability", "device", "has"),
    [
        (now, (9, 0), "cuda:1", True),
        (now, (8, 0), "cuda", True),
        (now, (7, 5), "cuda", False),
        (now, (9, 0), "cpu", False),
        (first, (9, 0), "cuda", False),
        (None, (9, 0), "cuda", False),
    ],
)
def test_kernel_when_torch_or_the_gpu_is_too_old_then_is_not_taken(
    function: Any, capability: tuple[int, int], device: str, has: bool, monkeypatch: pytest.MonkeyPatch
):
    module = SimpleNamespace(varlen_attn=function) if function else None
    monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", module)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    attention._torch_has_kernel.cache_clear()
    assert attention.has_kernel(device) is has
    attention._torch_has_kernel.cache_clear()


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(
    ("kind", "given", "takes"),
    [("llama", "", True), ("llama", "eager", False), ("gemma2", "", False), ("gpt2", "", False), ("bert", "", False)],
)
def test_varlen_when_nothing_is_named_then_is_taken_where_the_model_can(
    tmp_path: Path, kind: str, given: str, takes: bool
):
    model = RewardModel.from_base(tiny_base(tmp_path, kind), attention=given)
    assert prefers_varlen(model.stock, "cuda") is takes


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ({"packing": True}, attention.NAME),
        ({"packing": True, "method": "lora"}, attention.NAME),
        ({"packing": True, "attention": "sdpa"}, "sdpa"),
        ({}, "sdpa"),
    ],
)
def test_build_when_rows_are_packed_on_a_gpu_then_does_not_pay_for_the_whole_square(
    tmp_path: Path, values: dict[str, Any], taken: str
):
    model = build_model(tiny_base(tmp_path, "llama", CHAT), load_settings(values=values), {})
    assert model.stock.config._attn_implementation == taken
    model.save(str(tmp_path / "rm"))
    assert attention.NAME not in (tmp_path / "rm" / "config.json").read_text()


@pytest.mark.usefixtures("kernel")
@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize(("compiled", "packs"), [(False, True), (True, False)])
def test_engine_when_on_a_gpu_then_packs_unless_compiled(tmp_path: Path, compiled: bool, packs: bool):
    engine = LocalEngine(saved(tmp_path, "llama", chat=CHAT), LocalSettings(compiled=compiled))
    assert engine._packs is packs


def test_varlen_when_autocast_is_on_then_attends_in_its_dtype(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []
    real = attention._one

    def noted(*tensors: Any) -> Any:
        seen.extend(tensor.dtype for tensor in tensors[:3])
        return real(*tensors)

    model = RewardModel.from_base(tiny_base(tmp_path, "llama", CHAT), attention="varlen")
    monkeypatch.setattr(attention, "_one", noted)
    with torch.autocast("cpu", torch.bfloat16):
        model.outputs(packed([one.ids for one in model.encode(*texts(3))]))
    assert set(seen) == {torch.bfloat16}
