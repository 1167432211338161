"""The teacher `remote_rm` against servers without a model: dialects, batches, retries, deadlines, parity."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rm_servers import Served, serving

from reward_models.serving import server as server_module
from reward_models.serving.dialects import DIALECTS, Written, read_outputs
from reward_models.serving.engine import Ask, Marked, NotAnswered, Refused
from reward_models.serving.parity import mismatch
from reward_models.serving.remote import Options, remote_rm
from reward_models.serving.scale import Scale
from reward_models.serving.server import Parity, ServerEngine, ServerSettings, TooLate, meet
from verifiers.connections import Connections
from verifiers.errors import OptionError
from verifiers.scoring import score
from verifiers.types import Json, Sample, Status, Verdict

KINDS = ("vllm", "sglang", "tei", "openrlhf")


def length(text: str) -> float:
    return len(text) / 10


def of_ids(ids: Sequence[int]) -> float:
    return sum(ids) % 37 / 10 - 1.8


def scored(served: Served, samples: Sequence[Sample], **options: Json) -> list[Verdict]:
    return score(samples, remote_rm, options={"url": served.url, **options})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("told", [True, False], ids=["told", "found out"])
def test_score_when_a_server_of_a_kind_then_its_raw_scores(kind: str, told: bool):
    samples = [Sample("x" * n, prompt="ask ") for n in range(1, 60)]
    with serving(Served(kind, length)) as served:
        verdicts = scored(served, samples, server=kind if told else "auto", batch=16)
    assert [each.reward for each in verdicts] == [length("ask " + "x" * n) for n in range(1, 60)]
    assert {each.status for each in verdicts} == {Status.PARTIAL}
    assert len(served.requests) < 30, "asked in batches"


def test_score_when_chat_messages_then_their_texts_are_sent():
    sample = Sample([{"role": "assistant", "content": "an answer"}], prompt=[{"role": "user", "content": "ask "}])
    with serving(Served("openrlhf", length)) as served:
        (verdict,) = scored(served, [sample], server="openrlhf")
    assert served.requests[-1]["query"] == ["ask an answer"]
    assert verdict.reward == length("ask an answer")


def test_score_when_the_server_stumbles_then_is_asked_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "PAUSE_S", 0.01)
    faults = [(503, b"starting"), (429, b"slow down"), (500, b"oops")]
    with serving(Served("sglang", length, faults=faults)) as served:
        (verdict,) = scored(served, [Sample("an answer")], server="sglang")
    assert verdict.reward == length("an answer")


def test_score_when_the_server_takes_fewer_then_the_batch_is_halved():
    with serving(Served("tei", length, max_batch=3)) as served:
        verdicts = scored(served, [Sample("x" * n) for n in range(1, 20)], server="tei", parallel=1)
    assert [each.reward for each in verdicts] == [length("x" * n) for n in range(1, 20)]


def stumbling(*first: tuple[int, bytes]) -> Served:
    return Served("openrlhf", by_ids, faults=[*first, *[(503, b"busy")] * 1000])


def test_run_when_a_half_comes_too_late_then_the_other_halfs_answers_stay():
    settings = ServerSettings("openrlhf", "", 8, 1, 0.5, 0.05)
    with serving(stumbling((413, b"too many"), (200, b'{"rewards": [1, 2]}'))) as served:
        engine = meet(Connections(served.url, None), settings, write, has_ids=False, parity=None)
        found = engine.run(0, write([Ask("", text) for text in "abcd"]))
    assert [each.outputs for each in found[:2] if isinstance(each, Marked)] == [(1.0,), (2.0,)]
    assert [type(each) for each in found[2:]] == [TooLate] * 2


def test_meet_when_half_of_the_cards_texts_come_too_late_then_is_not_refused_for_good():
    body = json.dumps({"rewards": [CARD.expected[0]]}).encode()
    with serving(stumbling((413, b"too many"), (200, body))) as served, pytest.raises(TooLate, match="busy"):
        met(served, "openrlhf", deadline_s=0.5)


def test_score_when_the_server_refuses_one_answer_then_only_that_is_not_judged():
    def picky(text: str) -> float:
        if text == "too long":
            raise ValueError("longer than max_model_len")
        return length(text)

    with serving(Served("vllm", picky)) as served:
        verdicts = scored(served, [Sample(text) for text in ("a", "too long", "ccc")], server="vllm")
    assert [each.reward for each in verdicts] == [0.1, None, pytest.approx(0.3)]
    assert verdicts[1].status is Status.UNAVAILABLE
    assert "max_model_len" in verdicts[1].reason


def test_score_when_the_server_is_slow_then_the_deadline_holds():
    with serving(Served("sglang", length, delay_s=5)) as served:
        (verdict,) = scored(served, [Sample("an answer")], server="sglang", timeout_s=0.3)
    assert verdict.reward is None
    assert verdict.status is Status.DEADLINE_EXCEEDED


def test_score_when_nobody_listens_then_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "MEET_S", 0.3)
    (verdict,) = score([Sample("a")], remote_rm, options={"url": "http://127.0.0.1:9"})
    assert (verdict.reward, verdict.status) == (None, Status.UNAVAILABLE)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[]", "0 scores for 1 answers"),
        (b'[{"embedding": []}]', "no finite numbers"),
        (b'[{"embedding": [NaN]}]', "no finite numbers"),
        (b'[{"scores": [1]}]', "no scores where they belong"),
        (b'"text"', "no scores where they belong"),
        (b"<html>", "Expecting value"),
    ],
)
def test_score_when_the_reply_is_no_score_then_is_failed(body: bytes, told: str):
    with serving(Served("sglang", length, faults=[(200, body)])) as served:
        (verdict,) = scored(served, [Sample("a")], server="sglang")
    assert (verdict.reward, verdict.status) == (None, Status.FAILED)
    assert told in verdict.reason


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "url=http"),
        ({"url": "http://a", "batch": 0}, "batch 1 to"),
        ({"url": "http://a", "scores": "centred"}, "needs the model's card"),
        ({"url": "http://a", "model": "./no/such"}, "no folder"),
        ({"url": "nonsense"}, "no server's address"),
        ({"url": "localhost:8000"}, "does not begin with http://"),
    ],
)
def test_options_when_they_cannot_work_then_are_refused(options: dict[str, Json], told: str):
    with pytest.raises(ValueError, match=told):
        score([Sample("a")], remote_rm, options=options)


def write(asks: Sequence[Ask]) -> list[Written]:
    return [Written(tuple(map(ord, str(ask.response))), str(ask.response), str(ask.response), "") for ask in asks]


TEXTS = ("a", "bb", "a longer one")
CARD = Parity(tuple(Ask("", text) for text in TEXTS), tuple(of_ids([*map(ord, text)]) for text in TEXTS), Scale())


def met(served: Served, kind: str = "auto", parity: Parity | None = CARD, deadline_s: float = 10.0) -> ServerEngine:
    settings = ServerSettings(kind, "", 8, 2, deadline_s, 0.05)
    return meet(Connections(served.url, None), settings, write, has_ids=True, parity=parity)


def by_ids(text: str) -> float:
    return of_ids([*map(ord, text)])


@pytest.mark.parametrize("kind", KINDS)
def test_meet_when_the_server_gives_the_cards_scores_then_is_believed(kind: str):
    with serving(Served(kind, by_ids, of_ids)) as served:
        engine = met(served)
    assert engine.way is DIALECTS[kind].ways[0]


def test_meet_when_only_another_way_gives_them_then_that_is_taken():
    with serving(Served("vllm", by_ids, lambda ids: 0.0)) as served:
        engine = met(served)
    assert engine.way.told == "text"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (lambda x: 1 / (1 + math.exp(-x)), "applies a sigmoid"),
        (lambda x: 1.0, "softmax over one class"),
        (lambda x: x + 3, "shifted by 3"),
        (lambda x: (x - 5) / 2, "scaled by 0.5"),
        (lambda x: math.sin(9 * x), "another model"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_meet_when_the_server_answers_differently_then_is_refused(
    kind: str, after: Callable[[float], float], told: str
):
    with serving(Served(kind, by_ids, of_ids, after)) as served, pytest.raises(Refused, match=told):
        met(served)


def test_meet_when_vllm_ignores_use_activation_then_says_what_to_do():
    with serving(Served("vllm", by_ids, of_ids, has_activation=True)) as served, pytest.raises(Refused) as refused:
        met(served)
    assert "--pooler-config" in str(refused.value)


def test_meet_when_the_server_gives_two_numbers_then_is_refused():
    body = b'[{"embedding": [1, 2]}, {"embedding": [1, 2]}, {"embedding": [1, 2]}]'
    served = Served("sglang", by_ids, of_ids, faults=[(200, body)] * 2)
    with serving(served), pytest.raises(Refused, match="2 numbers"):
        met(served)


@pytest.mark.parametrize(
    "fault",
    [(500, b"warming up"), (401, b"no key"), (404, b""), (200, b"{"), (200, b"[]")],
    ids=["500", "401", "404", "half", "empty"],
)
def test_meet_when_the_server_gives_no_scores_at_first_then_is_not_taken_for_another_model(fault: tuple[int, bytes]):
    ways, tries = len(DIALECTS["vllm"].ways), 3 if fault[0] == 500 else 1
    served = Served("vllm", by_ids, of_ids, faults=[fault] * (ways * tries))
    with serving(served):
        with pytest.raises(NotAnswered, match="no scores") as lost:
            met(served, "vllm")
        assert not isinstance(lost.value, Refused)
        assert met(served, "vllm").way is DIALECTS["vllm"].ways[0]


def test_mismatch_when_within_bf16_then_is_none_and_when_beyond_then_told():
    assert mismatch([0.51, -1.02], [0.5, -1.0], 1.0) == ""
    assert mismatch([5.1, -10.2], [5.0, -10.0], 10.0) == "", "relative to the model's own spread"
    assert "shifted" in mismatch([0.6, -0.9], [0.5, -1.0], 1.0)


def test_read_outputs_when_vllm_reorders_then_by_index():
    reply = {"data": [{"index": 1, "probs": [2.0]}, {"index": 0, "probs": [1.0]}]}
    assert read_outputs(DIALECTS["vllm"], reply, 2) == [(1.0,), (2.0,)]


@pytest.mark.parametrize("indices", [(0, 0), (1, 2), ("0", "1"), (0, None)])
def test_read_outputs_when_vllms_indices_are_not_each_once_then_are_refused(indices: tuple[Any, Any]):
    reply = {"data": [{"index": index, "probs": [1.0]} for index in indices]}
    with pytest.raises(ValueError, match="no scores where they belong"):
        read_outputs(DIALECTS["vllm"], reply, 2)


@pytest.mark.parametrize("score", [True, "3", None, pytest.param(10**400, id="huge"), [1.0, "2"], {"a": 1}])
def test_read_outputs_when_a_score_is_no_number_then_is_refused(score: Any):
    with pytest.raises(ValueError, match="no scores where they belong"):
        read_outputs(DIALECTS["openrlhf"], {"rewards": [1.0, score]}, 2)


def test_persist_when_the_server_fails_three_times_then_its_answer_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "PAUSE_S", 0.01)
    with serving(Served("sglang", length, faults=[(500, b"broken")] * 5)) as served:
        (verdict,) = scored(served, [Sample("a")], server="sglang")
    assert "500: broken" in verdict.reason
    assert len(served.requests) == server_module.MAX_SERVER_ERRORS


def test_persist_when_the_server_keeps_failing_then_says_once_that_it_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(server_module, "PAUSE_S", 0.001)
    with serving(Served("sglang", length, faults=[(503, b"loading")] * 8)) as served:
        (verdict,) = scored(served, [Sample("abc")], server="sglang")
    assert verdict.status is Status.PARTIAL
    assert [record.getMessage().partition(";")[0] for record in caplog.records if "asking again" in record.message] == [
        f"{served.url} answered 503: loading"
    ]


def test_teacher_when_built_without_an_address_then_an_option_error():
    with pytest.raises(ValueError, match="url"):
        Options()
    with pytest.raises(OptionError):
        score([Sample("a")], remote_rm)
    assert issubclass(NotAnswered, Exception)
