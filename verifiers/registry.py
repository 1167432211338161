"""Find teachers: in the catalog by path, by entry point, by file, by dotted path.

The catalog is read from its folders; nothing is imported before a teacher is asked for:

    catalog/choice.py            "choice"
    catalog/rules/ifeval.py      "rules/ifeval", and "ifeval" as long as no other id ends so
    catalog/math/teacher.py      "math"; the folder's other files belong to it and are no teachers

Names that start with `_` are never teachers. Third parties use the entry point group `verify.teachers`.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from verifiers import catalog
from verifiers.errors import TeacherNotFound, UsageError
from verifiers.loading import is_file, load, spec_from
from verifiers.teacher import TeacherSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "verify.teachers"
CATALOG = Path(catalog.__path__[0])
TEACHER_FILE = "teacher.py"
HOW_TO_LOAD = (
    "To load a teacher of your own, pass a file (./my_teacher.py or my_teacher.py:name) or a dotted path "
    "(my_package.module:name), or declare an entry point in the group 'verify.teachers'."
)


@dataclass(frozen=True)
class Listing:
    """One line of `verify list`.

    Attributes:
        name: The id to pass as `--task`.
        origin: `catalog`, or the distribution that declares the entry point.
        summary: First line of the docstring.
        error: Why it cannot be used, else empty.
    """

    name: str
    origin: str
    summary: str = ""
    error: str = ""


def catalog_names(root: Path = CATALOG) -> tuple[str, ...]:
    """Return the ids of all teachers in a catalog, sorted, without importing them."""
    return tuple(sorted(catalog_files(root)))


@lru_cache(maxsize=8)
def catalog_files(root: Path = CATALOG) -> dict[str, Path]:
    """Return each id's file.

    Raises:
        UsageError: If a file and a folder have the same id.
    """
    found: dict[str, Path] = {}
    for name, path in _scan(root, ""):
        if name in found:
            raise UsageError(f"two teachers have the id {name!r}: {found[name]} and {path}; rename one")
        found[name] = path
    return found


def _scan(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(("_", ".")):
            continue
        if entry.is_dir():
            own = entry / TEACHER_FILE
            if own.is_file():
                yield prefix + entry.name, own
            else:
                yield from _scan(entry, f"{prefix}{entry.name}/")
        elif entry.suffix == ".py":
            yield prefix + entry.stem, entry


def aliases(names: Sequence[str]) -> dict[str, str]:
    """Return short name -> id, for every last component that is unique and no id itself."""
    shorts = [name.rpartition("/")[2] for name in names]
    return {short: name for short, name in zip(shorts, names, strict=True) if shorts.count(short) == 1}


def declared() -> list[EntryPoint]:
    """Return the entry points of all installed distributions."""
    from importlib.metadata import entry_points  # takes longer to load than most teachers

    return list(entry_points(group=ENTRY_POINT_GROUP))


def find(name: str) -> TeacherSpec:
    """Return a teacher by catalog id, entry point, file path or dotted path.

    Args:
        name: E.g. `math`, `ifeval`, `./my_teacher.py`, `my_teacher.py:parity`, `my_package.module:parity`.

    Raises:
        TeacherNotFound: If there is none; lists close names.
        UsageError: If it is ambiguous or cannot be imported.
    """
    text = name.strip()
    files = catalog_files()
    known = text if text in files else aliases(tuple(files)).get(text)
    if known is not None:
        return _from_catalog(known)
    matches = [point for point in declared() if point.name == text]
    if matches:
        return _from_entry_points(matches)
    if is_file(text) or _looks_dotted(text):
        return load(text)
    raise TeacherNotFound(_unknown(text, tuple(files)))


def listings() -> list[Listing]:
    """Return every teacher that `find` knows by name; broken third-party ones carry their error.

    Catalog files are parsed, not imported.
    """
    files = catalog_files()
    rows = [Listing(name, "catalog", _summary(path)) for name, path in sorted(files.items())]
    points = sorted(declared(), key=lambda point: point.name)
    names = [point.name for point in points]
    for point in points:
        error = ""
        if point.name in files:
            error = "the catalog has a teacher of this name; the entry point is ignored"
        elif names.count(point.name) > 1:
            error = "several distributions declare this name; uninstall all but one"
        rows.append(_listing(point, error))
    return rows


def _listing(point: EntryPoint, error: str) -> Listing:
    origin = point.dist.name if point.dist is not None else "entry point"
    if error:
        return Listing(point.name, origin, error=error)
    try:
        spec = _from_entry_points([point])
    except UsageError as broken:
        return Listing(point.name, origin, error=str(broken))
    return Listing(point.name, origin, _first_line(spec.doc))


def _from_catalog(name: str) -> TeacherSpec:
    relative = catalog_files()[name].relative_to(CATALOG).with_suffix("")
    module = ".".join((catalog.__name__, *relative.parts))
    return replace(spec_from(module, name=name, locator=name), name=name)


def _from_entry_points(points: Sequence[EntryPoint]) -> TeacherSpec:
    if len(points) > 1:
        owners = ", ".join(sorted(point.dist.name if point.dist else point.value for point in points))
        raise UsageError(f"several distributions declare a teacher {points[0].name!r}: {owners}; uninstall all but one")
    return spec_from(points[0].value.strip(), name=points[0].name, locator=points[0].value.strip())


def _looks_dotted(text: str) -> bool:
    module, _, attribute = text.partition(":")
    parts = module.split(".")
    return all(part.isidentifier() for part in parts) and (len(parts) > 1 or attribute.isidentifier())


def _unknown(text: str, names: tuple[str, ...]) -> str:
    name, mark, assignments = text.partition("?")
    if mark:
        return (
            f"no teacher is called {text!r}: options do not belong to the name here. Give {name!r} and each option of "
            f"{assignments!r} by itself: --set KEY=VALUE on the command line, KEY=VALUE as keywords in Python."
        )
    if text.startswith(("http://", "https://")):
        return (
            "an address is no teacher. Trainers take the address of a `verify serve` server (trl_reward, GroupScorer); "
            "a reward model behind an address is --task remote_rm --set url=http://host:port"
        )
    known = sorted({*names, *(point.name for point in declared())})
    endings = [name for name in names if name.rpartition("/")[2] == text]
    close = endings or difflib.get_close_matches(text, sorted({*known, *aliases(names)}), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return f"no teacher is called {text!r}.{hint} Known: {', '.join(known) or 'none'}. {HOW_TO_LOAD}"


def _summary(path: Path) -> str:
    try:
        return _first_line(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
    except SyntaxError as error:
        return f"(broken: {error})"


def _first_line(doc: str) -> str:
    return doc.strip().partition("\n")[0]
