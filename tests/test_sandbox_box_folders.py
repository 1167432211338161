from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.box import folders


def test_empty_when_folders_are_deeper_than_recursion_removes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_CLEANING_S", 60.0)
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1_100):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    assert folders.empty(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_empty_when_links_lead_out_leaves_what_they_lead_to(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for path in (outside, inside, inside / "a"):
        path.mkdir()
    (outside / "kept").touch()
    (inside / "link").symlink_to(outside)
    (inside / "a" / "link").symlink_to(outside)
    (inside / "a" / "gone").symlink_to("nowhere")
    os.mkfifo(inside / "a" / "fifo")
    assert folders.empty(str(inside))
    assert os.listdir(inside) == []
    assert os.listdir(outside) == ["kept"]


def test_empty_when_folders_are_closed_opens_them(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c" / "f").touch()
    for path in ("a/b/c", "a/b", "a"):
        (tmp_path / path).chmod(0)
    assert folders.empty(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_empty_with_names_to_keep_keeps_them(tmp_path: Path) -> None:
    for name in ("work", "job", "other"):
        (tmp_path / name).mkdir()
    assert folders.empty(str(tmp_path), ("work", "job"))
    assert sorted(os.listdir(tmp_path)) == ["job", "work"]


def test_empty_of_a_link_or_nothing_says_that_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert not folders.empty(str(tmp_path / "link"))
    assert not folders.empty(str(tmp_path / "nothing"))


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../../x", "a//b", "./x", "a\0b", "a/"])
def test_lay_when_a_name_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        folders.lay(str(tmp_path), [(name, b"x", False)])
    assert os.listdir(tmp_path) == []


def test_fingerprint_when_a_file_is_rewritten_alike_differs(tmp_path: Path) -> None:
    folders.lay(str(tmp_path), [("a/b", b"x", True), ("c", b"y", False)])
    before = folders.fingerprint(str(tmp_path))
    assert folders.fingerprint(str(tmp_path)) == before
    (tmp_path / "a" / "b").write_bytes(b"x")
    os.utime(tmp_path / "a" / "b", (0, 0))
    assert folders.fingerprint(str(tmp_path)) != before
