"""Kinds about data in the text: json, table."""

from __future__ import annotations

import csv
import io
import re
from functools import cached_property
from typing import Any, Literal

from verifiers.catalog.json_schema import Judged, compiled, read_reference, violations
from verifiers.catalog.rules.kinds_markdown import without_code
from verifiers.catalog.rules.kinds_words import listed
from verifiers.catalog.rules.reading import Bounds, Data, Strings
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View, cut, fold
from verifiers.json_values import JsonFault, find_json, parse_json
from verifiers.types import Json

MAX_TABLE_CHARS = 200_000
"""Longer tables are judged by their beginning."""
MAX_TABLE_ROWS = 10_000

_FENCED = re.compile(r"\A\s*+```[A-Za-z0-9]{0,12}[ \t]*+\n(.*?)\n[ \t]*+```\s*+\Z", re.DOTALL)


@kind(
    "json",
    group="data",
    example=("json: {schema: {type: object, required: [name]}}", "json: {where: found, keys: [a, b]}"),
    short="",
)
class JsonData(Rule):
    """The text is JSON, and fits a JSON Schema if one is given.

    Attributes:
        schema: A JSON Schema (2020-12 unless it names another); patterns in it are linear ones, without lookaround.
        keys: Keys that the object must have.
        where: whole (the text is nothing else, a code fence around it aside), or found (one value within other
            text).
    """

    schema: Data = None
    keys: Strings | None = None
    where: Literal["whole", "found"] = "whole"

    def prepare(self) -> None:
        self._validator  # noqa: B018 (made when first read)

    @cached_property
    def _validator(self) -> Any:
        """The compiled schema, by the teacher `json_schema`: linear patterns, no network."""
        if self.schema is None:
            return None
        try:
            return compiled(read_reference({"schema": self.schema}), formats=True)  # type: ignore[dict-item]
        except Judged as refused:
            raise ValueError(refused.verdict.reason) from refused

    def expected(self) -> str:
        keys = f" with the keys {listed(self.keys)}" if self.keys else ""
        return f"JSON{keys}{' that fits the schema' if self.schema is not None else ''}"

    def check(self, view: View) -> Outcome:
        try:
            value = self._read(view.raw)
        except JsonFault as fault:
            return Outcome(0.0, cut(view.text), f"not JSON: {fault}")
        missing = [key for key in self.keys or () if not isinstance(value, dict) or key not in value]
        if missing:
            return Outcome(0.0, type(value).__name__, f"the keys {listed(missing)} are missing")
        try:
            faults = violations(self._validator, value) if self._validator is not None else []
        except Judged as refused:
            return Outcome(0.0, None, refused.verdict.reason)
        if not faults:
            return Outcome(1.0)
        return Outcome(0.0, faults[0].details.get("pointer") or "(root)", cut(faults[0].reason))

    def _read(self, text: str) -> Json:
        if self.where == "whole":
            fenced = _FENCED.match(text) if "```" in text[:200] else None
            return parse_json(fenced[1] if fenced is not None else text)
        found = find_json(text)
        if len(found) != 1:
            raise JsonFault("no JSON value in the text" if not found else f"{len(found)} JSON values, one is wanted")
        return found[0].value


_RULER = re.compile(r"[ \t]*+\|?[ \t]*+:?-{1,}+:?[ \t]*+(?:\|[ \t]*+:?-{1,}+:?[ \t]*+)*+\|?[ \t]*+")


@kind(
    "table",
    group="data",
    example=("table: {columns: 3, rows: 2..}", "table: {format: csv, header: [name, age]}"),
    short="",
)
class Table(Rule):
    """There is a table of a certain shape: a Markdown table, or the text is CSV or TSV. Every row has as many cells.

    Attributes:
        format: markdown, csv, tsv.
        rows: How many rows are allowed, the header not counted.
        columns: How many columns are allowed.
        header: The header's cells, in this order.
        filled: Whether every cell needs a text.
    """

    format: Literal["markdown", "csv", "tsv"] = "markdown"
    rows: Bounds = Bounds(1, None)
    columns: Bounds = Bounds(1, None)
    header: Strings | None = None
    filled: bool = False

    def expected(self) -> str:
        head = f", header {listed(self.header)}" if self.header else ""
        return f"a {self.format} table of {self.columns} columns and {self.rows} rows{head}"

    def check(self, view: View) -> Outcome:
        try:
            table = self._markdown(view) if self.format == "markdown" else self._separated(view)
        except csv.Error as error:
            return Outcome(0.0, None, f"not {self.format}: {error}")
        if not table:
            return Outcome(0.0, None, f"no {self.format} table found")
        head, rows = table[0], table[1:]
        fault = self._fault(head, rows)
        return Outcome(float(not fault), f"{len(rows)} rows of {len(head)} columns", fault)

    def _fault(self, head: list[str], rows: list[list[str]]) -> str:
        if any(len(row) != len(head) for row in rows):
            index = next(index for index, row in enumerate(rows, 1) if len(row) != len(head))
            return f"row {index} has {len(rows[index - 1])} cells, the header {len(head)}"
        if not self.columns.hold(len(head)):
            return f"{len(head)} columns"
        if not self.rows.hold(len(rows)):
            return f"{len(rows)} rows"
        if self.header is not None and [_cell(each) for each in head] != [_cell(each) for each in self.header]:
            return f"the header is {listed([cut(each) for each in head])}"
        if self.filled and any(not cell.strip() for row in rows for cell in row):
            return "a cell is empty"
        return ""

    def _markdown(self, view: View) -> list[list[str]]:
        """Return the rows of the first Markdown table."""
        lines = without_code(view.text[:MAX_TABLE_CHARS])[0].split("\n")
        for index in range(1, len(lines)):
            if "-" in lines[index] and "|" in lines[index - 1] and _RULER.fullmatch(lines[index]):
                head = _cells(lines[index - 1])
                if len(head) == len(_cells(lines[index])):
                    body = []
                    for line in lines[index + 1 : index + 1 + MAX_TABLE_ROWS]:
                        if "|" not in line:
                            break
                        body.append(_cells(line))
                    return [head, *body]
        return []

    def _separated(self, view: View) -> list[list[str]]:
        """Return the rows of a text that is nothing but CSV or TSV, a code fence around it aside."""
        text = view.text[:MAX_TABLE_CHARS]
        fenced = _FENCED.match(text) if "```" in text[:200] else None
        source = io.StringIO((fenced[1] if fenced is not None else text).strip("\n"))
        reader = csv.reader(source, delimiter="," if self.format == "csv" else "\t", strict=True)
        rows = [row for row, _ in zip(reader, range(MAX_TABLE_ROWS), strict=False) if row]
        return rows if rows and (len(rows[0]) > 1 or self.columns.hold(1)) else []


def _cells(line: str) -> list[str]:
    line = line.strip().replace("\\|", "\uffff")
    cells = line.removeprefix("|").removesuffix("|").split("|")
    return [cell.replace("\uffff", "|").strip() for cell in cells]


def _cell(text: str) -> str:
    return fold(" ".join(text.split()).strip("*_ "))
