"""Kinds about sources: urls, citations."""

from __future__ import annotations

import re
from typing import Literal

from verifiers.catalog.rules.kinds_words import AT_LEAST_ONE, listed
from verifiers.catalog.rules.reading import Bounds, Strings
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View, cut

MAX_URL_CHARS = 2_000
MAX_URLS = 2_000
"""Links are read up to here."""

_URL = re.compile(
    r"(?<![A-Za-z0-9])(https?|ftp)://([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?"
    rf"([/?#][^\s<>\"'\]\u3000-\uffff]{{0,{MAX_URL_CHARS}}})?"
)
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{1,59})"
)


@kind("urls", group="sources", example=("urls: 1..3", "urls: {hosts: [who.int, nih.gov], https: true}"))
class Urls(Rule):
    """How many well-formed web addresses there are, and where they lead. Nothing is fetched.

    Attributes:
        count: How many different ones are allowed.
        hosts: Hosts that may be linked, their subdomains included; empty = any.
        https: Whether every one must be https.
    """

    count: Bounds = AT_LEAST_ONE
    hosts: Strings | None = None
    https: bool = False

    def expected(self) -> str:
        where = f" at {listed(self.hosts)}" if self.hosts else ""
        return f"{self.count} addresses{where}{' by https' if self.https else ''}"

    def check(self, view: View) -> Outcome:
        found: dict[str, tuple[str, str, tuple[int, int]]] = {}
        for match in _URL.finditer(view.text):
            if len(found) >= MAX_URLS:
                break
            address = match[0].rstrip(".,;:!?)*_")
            found.setdefault(
                address, (match[1], match[2].rstrip(".").lower(), (match.start(), match.start() + len(address)))
            )
        for address, (scheme, host, span) in found.items():
            fault = self._fault(scheme, host)
            if fault:
                return Outcome(0.0, cut(address), fault, span)
        reason = "" if self.count.hold(len(found)) else f"{len(found)} addresses"
        return Outcome(float(self.count.hold(len(found))), len(found), reason)

    def _fault(self, scheme: str, host: str) -> str:
        if _HOST.fullmatch(host) is None:
            return f"{cut(host)!r} is no host name"
        if self.https and scheme != "https":
            return "not https"
        if self.hosts and not any(host == each.lower() or host.endswith("." + each.lower()) for each in self.hosts):
            return f"the host {cut(host)!r} is not allowed"
        return ""


_NUMBERED = re.compile(r"\[([0-9]{1,4}(?:\s?[,;–-]\s?[0-9]{1,4}){0,20})\](?!\()")
_YEAR = r"(?:1[5-9]|20)[0-9]{2}[a-z]?"
_IN_BRACKETS = re.compile(r"\(([^()\n]{6,300})\)")
_NAME_YEAR = re.compile(rf"\s*+[A-Z\u00c0-\u024f\u4e00-\u9fff][^0-9]{{0,120}}+{_YEAR}\s*+")
_YEAR_AFTER_NAME = re.compile(
    rf"(?<![\w'-])[A-Z\u00c0-\u024f][\w'-]{{1,40}}+(?: et al\.| (?:and|&) [A-Z][\w'-]{{1,40}}+)? \({_YEAR}\)"
)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,30}\](?!:)")
_FOOTNOTE_TEXT = re.compile(r"^\[\^([^\]\s]{1,30})\]:[ \t]*+\S", re.MULTILINE)
_DOI = re.compile(r"(?<![\w.])10\.[0-9]{4,9}/[^\s\"<>]{1,200}")


@kind(
    "citations",
    group="sources",
    example=("citations: {style: numbered, sources: 5}", "citations: {style: author_year, count: 2..}"),
)
class Citations(Rule):
    """How many citations of a certain form there are; of numbered ones, that each names a source that exists.

    Attributes:
        style: numbered ([1], [2, 3]), author_year ((Smith, 2020), Smith et al. (2020)), footnote ([^1], with its
            text), doi.
        count: How many different ones are allowed.
        sources: Of numbered: how many sources there are; other numbers are invented.
    """

    style: Literal["numbered", "author_year", "footnote", "doi"] = "numbered"
    count: Bounds = AT_LEAST_ONE
    sources: int | None = None

    def __post_init__(self) -> None:
        if self.sources is not None and (self.style != "numbered" or not 1 <= self.sources <= 9999):
            raise ValueError("sources is a number from 1 to 9999, for style: numbered")

    def expected(self) -> str:
        known = f" of 1 to {self.sources}" if self.sources else ""
        return f"{self.count} {self.style} citations{known}"

    def check(self, view: View) -> Outcome:
        found = getattr(self, f"_{self.style}")(view.text)
        if isinstance(found, Outcome):
            return found
        reason = "" if self.count.hold(len(found)) else f"{len(found)} citations"
        return Outcome(float(self.count.hold(len(found))), len(found), reason)

    def _numbered(self, text: str) -> set[str] | Outcome:
        numbers = {each for group in set(_NUMBERED.findall(text)) for each in re.findall("[0-9]+", group)}
        invented = sorted(each for each in numbers if self.sources is not None and not 1 <= int(each) <= self.sources)
        if invented:
            return Outcome(0.0, invented[:5], f"[{invented[0]}] is no source")
        return numbers

    def _author_year(self, text: str) -> set[str]:
        listed_ones = [each for group in _IN_BRACKETS.findall(text) for each in group.split(";")]
        named = {" ".join(each.split()) for each in listed_ones if _NAME_YEAR.fullmatch(each)}
        return named | set(_YEAR_AFTER_NAME.findall(text))

    def _footnote(self, text: str) -> set[str] | Outcome:
        marks = set(_FOOTNOTE.findall(text))
        missing = sorted(each for each in marks if each[2:-1] not in set(_FOOTNOTE_TEXT.findall(text)))
        if missing:
            return Outcome(0.0, missing[:5], f"{cut(missing[0])} has no text")
        return marks

    def _doi(self, text: str) -> set[str]:
        return {each.rstrip(".,;)") for each in _DOI.findall(text)}
