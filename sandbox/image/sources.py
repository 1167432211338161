"""Where this machine gets Debian's packages from: the same place serves the image, and no host is named here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

APT = Path("/etc/apt")
OS_RELEASE = Path("/etc/os-release")
SUFFIXES = ("", "-updates", "-security")
"""Of a release's suites, those that the image takes packages from; other vendors' lists use other names."""


class NoSources(RuntimeError):
    """This machine has no Debian package lists to build from."""


def release(path: Path = OS_RELEASE) -> str:
    """Return the code name of this machine's release of Debian or Ubuntu.

    Raises:
        NoSources: If it is another system.
    """
    fields = dict(line.split("=", 1) for line in _lines(path) if "=" in line)
    name = fields.get("VERSION_CODENAME", "").strip("\"'")
    family = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}"
    if not name or "debian" not in family:
        raise NoSources(
            f"`--from-debian` copies packages with this machine's own apt; {path} names no Debian or Ubuntu release. "
            "Build from the Dockerfile instead (`verify sandbox build`), or build on a Debian machine."
        )
    return name


def source_lines(codename: str, apt: Path = APT) -> list[str]:
    """Return the one-line sources of a release that this machine uses.

    Raises:
        NoSources: If there are none.
    """
    suites = {codename + suffix for suffix in SUFFIXES}
    lines = [
        f"deb {options}{uri} {suite} {' '.join(components)}"
        for options, uri, suite, components in _entries(apt)
        if suite in suites
    ]
    if not lines:
        raise NoSources(f"No package source for {codename} in {apt}/sources.list or {apt}/sources.list.d.")
    return list(dict.fromkeys(lines))


def _entries(apt: Path) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield (options, uri, suite, components) of each binary source."""
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]:
        for line in _lines(path):
            yield from _one_line(line)
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        for stanza in _stanzas(path):
            yield from _of_stanza(stanza)


def _one_line(line: str) -> Iterator[tuple[str, str, str, list[str]]]:
    kind, _, rest = line.partition(" ")
    if kind != "deb":
        return
    options = ""
    rest = rest.strip()
    if rest.startswith("["):
        options, _, rest = rest.partition("]")
        options += "] "
    uri, suite, *components = rest.split()
    yield options, uri, suite, components


def _of_stanza(stanza: dict[str, str]) -> Iterator[tuple[str, str, str, list[str]]]:
    if "deb" not in stanza.get("types", "").split() or stanza.get("enabled", "yes").lower() == "no":
        return
    signed_by = stanza.get("signed-by", "")
    options = f"[signed-by={signed_by}] " if signed_by.startswith("/") else ""
    for uri in stanza.get("uris", "").split():
        for suite in stanza.get("suites", "").split():
            yield options, uri, suite, stanza.get("components", "").split()


def _stanzas(path: Path) -> Iterator[dict[str, str]]:
    stanza: dict[str, str] = {}
    key = ""
    for line in [*_lines(path, keep_empty=True), ""]:
        if not line.strip():
            if stanza:
                yield stanza
            stanza, key = {}, ""
        elif line[0] in " \t" and key:
            stanza[key] += "\n" + line.strip()
        else:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            stanza[key] = value.strip()


def _lines(path: Path, keep_empty: bool = False) -> list[str]:
    if not path.is_file():
        return []
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return lines if keep_empty else [line.strip() for line in lines if line.strip()]
