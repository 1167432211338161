"""The image's recipe, where its packages come from, and what is remembered of what was built."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox.box.frames import encode
from sandbox.compiled import CompileCache
from sandbox.docker import building, images
from sandbox.docker.options import host_options
from sandbox.errors import SandboxUnavailable
from sandbox.image import store
from sandbox.image.recipe import UnknownExtra, recipe
from sandbox.image.sources import NoSources, release, source_lines
from sandbox.languages.language import CompileStep, File, Plan
from sandbox.owner import is_dead, me, space
from sandbox.settings import Settings
from sandbox.transport import STREAM_HEAD, _Unwrapper
from sandbox.types import Stdio

DEB822 = """# a comment
Types: deb deb-src
URIs: https://example.org/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
Enabled: no
URIs: https://example.org/off
Suites: bookworm
Components: main

Types: deb
URIs: https://example.org/node
Suites: nodistro
Components: main
"""
ONE_LINE = """deb [arch=amd64 signed-by=/k.gpg] https://example.org/sec bookworm-security main
deb-src https://example.org/src bookworm main
deb https://example.org/cloud cloud-sdk-bookworm main
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list").write_text(ONE_LINE)
    return tmp_path


def test_sources_when_of_several_vendors_then_only_the_releases_own_are_taken(apt: Path):
    assert source_lines("bookworm", apt) == [
        "deb [arch=amd64 signed-by=/k.gpg] https://example.org/sec bookworm-security main",
        "deb [signed-by=/usr/share/keyrings/debian.gpg] https://example.org/debian bookworm main contrib",
        "deb [signed-by=/usr/share/keyrings/debian.gpg] https://example.org/debian bookworm-updates main contrib",
    ]


def test_sources_when_there_are_none_then_says_where_it_looked(apt: Path):
    with pytest.raises(NoSources, match="No package source for sid in"):
        source_lines("sid", apt)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID=debian\nVERSION_CODENAME=bookworm\n", "bookworm"),
        ('ID=pop\nID_LIKE="ubuntu debian"\nVERSION_CODENAME="jammy"\n', "jammy"),
    ],
)
def test_release_when_of_debians_family_then_its_code_name(tmp_path: Path, text: str, expected: str):
    (tmp_path / "os-release").write_text(text)
    assert release(tmp_path / "os-release") == expected


def test_release_when_of_another_family_then_says_what_to_do(tmp_path: Path):
    (tmp_path / "os-release").write_text("ID=fedora\nVERSION_ID=40\n")
    with pytest.raises(NoSources, match="Build from the Dockerfile instead"):
        release(tmp_path / "os-release")


def test_recipe_when_languages_are_added_then_it_is_another_image():
    plain, larger = recipe("bookworm"), recipe("bookworm", ["rust", "java", "java"])
    assert larger.extras == ("java", "rust")
    assert {"rustc", "openjdk-17-jdk-headless"} <= set(larger.packages) - set(plain.packages)
    assert len({plain.tag, larger.tag, recipe("trixie").tag, recipe("dockerfile").tag}) == 4
    assert plain.tag == recipe("bookworm").tag


def test_recipe_when_a_language_is_unknown_then_says_which_there_are():
    with pytest.raises(UnknownExtra, match="'cobol' to add to the image; there are: java"):
        recipe("bookworm", ["cobol"])


def test_label_when_read_back_then_is_the_recipe_or_nothing():
    made = recipe("bookworm", ["go", "java"])
    assert store.parse_label(store.label(made)) == made
    assert store.parse_label("") is None
    assert store.parse_label("000000000000 bookworm") is None
    assert store.parse_label("000000000000 bookworm cobol") is None


def test_digest_when_noted_then_found_until_forgotten(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.noted_digests("a:1") == []
    store.note_digest("a:1", "sha256:1")
    store.note_digest("b:1", "sha256:2")
    store.forget_digest("a:1")
    assert (store.noted_digests("a:1"), store.noted_digests("b:1")) == ([], ["sha256:2"])
    (store.folder() / "images.json").write_text("not json")
    assert store.noted_digests("b:1") == []


class Engine:
    """As much of one as naming an image takes; told what happens, and what is noted by then."""

    def __init__(self, tag: str, *digests: str) -> None:
        self.tag = tag
        self.images = self
        self.all = [SimpleNamespace(id=digest, tags=[tag], tag=self._named) for digest in digests]
        self.steps: list[object] = []

    def list(self, _: str) -> list[SimpleNamespace]:
        return self.all[:1]

    def _named(self, *_: str) -> None:
        self.steps.append(("named", store.noted_digests(self.tag)))

    def remove(self, name: str) -> None:
        self.steps.append(("removed", name))


def test_image_when_built_again_then_it_is_noted_before_it_has_the_name_and_the_old_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = recipe("bookworm")
    store.note_digest(made.tag, "sha256:old")
    engine = Engine(made.tag, "sha256:old", "sha256:new")
    assert building._name(engine, made, engine.all[1]) == "sha256:new"
    assert engine.steps == [("named", ["sha256:new", "sha256:old"]), ("removed", "sha256:old")]
    for image in engine.all:  # at no moment is the name without a noted digest
        images._verify(image)
    with pytest.raises(SandboxUnavailable, match="is not one that was built here"):
        images._verify(SimpleNamespace(id="sha256:other", tags=[made.tag]))


def test_container_when_made_then_has_the_walls_that_were_agreed():
    options = host_options(Settings(), [])
    assert options["network_mode"] == "none"
    assert options["read_only"] is True
    assert options["cap_drop"] == ["ALL"]
    assert options["cap_add"] == ["SETUID", "SETGID", "KILL", "DAC_OVERRIDE"]
    assert options["security_opt"][0] == "no-new-privileges"
    assert '"socketpair"' in options["security_opt"][1]
    assert '"socket"' not in options["security_opt"][1]
    assert options["mem_limit"] == options["memswap_limit"] == 1 << 30
    assert options["ipc_mode"] == "none"
    assert all("nosuid,nodev" in mount and "nr_inodes=" in mount for mount in options["tmpfs"].values())


def test_container_when_strict_then_only_one_right_is_added():
    added = set(host_options(Settings(mode="strict"), [])["cap_add"]) - set(host_options(Settings(), [])["cap_add"])
    assert added == {"SYS_ADMIN"}


def test_owner_when_dead_then_known_only_in_its_own_space():
    assert not is_dead(me(), space())
    assert is_dead("999999999-1", space())
    assert is_dead(me() + "1", space()), "another process has the id now"
    assert not is_dead("999999999-1", "another machine")
    assert not is_dead("", space())


def test_compile_cache_when_full_then_the_longest_unused_go():
    def plan(source: str) -> Plan:
        step = CompileStep(("cc",), ("main",))
        return Plan("c", Stdio((b"",)), argv=("main",), files=(File("main.c", source.encode()),), compile=step)

    cache = CompileCache(max_bytes=3000)
    for source in ("a", "b"):
        cache.keep(plan(source), "image", (File("main", bytes(1000), executable=True),))
    assert cache.ready(plan("a"), "image").compile is None
    assert [file.name for file in cache.ready(plan("a"), "image").files] == ["main.c", "main"]
    assert cache.ready(plan("a"), "another image").compile is not None
    cache.keep(plan("c"), "image", (File("main", bytes(1000)),))
    assert cache.ready(plan("b"), "image").compile is not None
    assert cache.ready(plan("a"), "image").compile is None


def test_attach_stream_when_cut_anywhere_then_only_stdout_is_passed_on():
    frame = encode({"op": "pong", "id": 1})
    data = STREAM_HEAD.pack(1, len(frame)) + frame + STREAM_HEAD.pack(2, 4) + b"oops" + STREAM_HEAD.pack(1, 1) + b"x"
    for size in (1, 3, 8, 1000):
        unwrapper = _Unwrapper()
        parts = [part for at in range(0, len(data), size) for part in unwrapper.feed(data[at : at + size])]
        assert b"".join(parts) == frame + b"x"
        assert unwrapper.stderr == b"oops"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"mode": "loose"}, "mode must be one of uid, strict; 'loose' was given."),
        ({"slots": -1}, "slots must be 0 to 256; -1 was given."),
        ({"memory_bytes": 1}, "memory_bytes must be"),
    ],
)
def test_settings_when_wrong_then_say_what_is_allowed(chosen, message: str):
    with pytest.raises(ValueError, match=message):
        Settings(**chosen)
