"""The documents: what they show runs, what they name exists, both READMEs say the same."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from verifiers.cli.commands import load_command
from verifiers.contract import check
from verifiers.registry import find

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh-CN.md")
PAGES = [
    *READMES,
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/index.md",
    "docs/extending.md",
    "docs/cli.md",
    "docs/answers.md",
    "docs/bridge.md",
    "docs/reward_models.md",
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]+)?\)")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [body for name, body in BLOCK.findall(text) if name == language]


def teacher_files() -> Iterator[tuple[str, str, str]]:
    for page in (*READMES, "docs/extending.md"):
        for body in blocks(page, "python"):
            named = re.match(r"# (\w+\.py)\n", body)
            if named:
                yield page, named[1], body


@pytest.mark.parametrize(
    ("page", "name", "body"), list(teacher_files()), ids=lambda value: value if len(value) < 20 else ""
)
def test_teacher_in_a_page_when_written_to_a_file_then_passes_the_contract(page, name, body, tmp_path: Path):
    path = tmp_path / name
    path.write_text(body, encoding="utf-8")
    assert [found for found in check(find(str(path))) if not found.ok] == []


def shell_lines() -> list[tuple[str, list[str]]]:
    pages = [(page, body) for page in PAGES for body in blocks(page, "bash")]
    return [(page, shlex.split(line, comments=True)) for page, body in pages for line in body.splitlines()]


@pytest.mark.parametrize(
    ("page", "words"),
    [(page, words) for page, words in shell_lines() if words and words[0] == "verify"],
    ids=lambda value: "-".join(value[1:4]) if isinstance(value, list) else value,
)
def test_verify_line_in_a_page_when_read_then_command_and_options_exist(page: str, words: list[str]):
    command = load_command(words[1])
    if isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words[2])
    assert command is not None
    known = {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}
    assert {word for word in words[2:] if re.match(r"--?[a-z]", word)} <= known


def test_dev_line_in_a_page_when_read_then_command_exists():
    named = {words[2] for _, words in shell_lines() if words[:2] == ["python3", "dev.py"]}
    listed = subprocess.run([sys.executable, "dev.py"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert {"demo", "test"} <= named
    assert not [name for name in named if f"dev.py {name} " not in listed]


@pytest.mark.parametrize("page", PAGES)
def test_link_in_a_page_when_relative_then_leads_to_a_file(page: str):
    targets = {match[1] for match in LINK.finditer((ROOT / page).read_text(encoding="utf-8")) if "://" not in match[1]}
    assert not [target for target in targets if not ((ROOT / page).parent / target).exists()]


def test_readmes_when_compared_then_show_the_same():
    english, chinese = ((ROOT / page).read_text(encoding="utf-8") for page in READMES)
    for language in ("python", "text"):
        assert blocks(READMES[0], language) == blocks(READMES[1], language)
    lines = [[words for page, words in shell_lines() if page == readme and "clone" not in words] for readme in READMES]
    assert lines[0] == lines[1]
    assert len(re.findall(r"^## ", english, re.M)) == len(re.findall(r"^## ", chinese, re.M))
    assert english.count("\n| ") == chinese.count("\n| ")
