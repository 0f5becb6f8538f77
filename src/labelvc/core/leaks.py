"""Leaks: personal data and secrets that stand in plain in shards, other files, their names and the messages of commits.

A finding shows no value: what kind it is, how long, where, and of an address its first letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import encodings, pictures
from labelvc.codec.quick import UNREADABLE
from labelvc.core import detect, known
from labelvc.core.baseline import LETTERS
from labelvc.core.gate import Gate
from labelvc.model import jsonpointer
from labelvc.model.detection import Span
from labelvc.model.finding import Finding, Place, Severity
from labelvc.model.secret import ALPHABET

BY = "labelvc.privacy/1"
HINT = "take it out, or have `labelvc import` turn a field that is declared sensitive into a pseudonym"
HIDDEN = "***"
_SEVERITIES: Mapping[str, Severity] = {"block": "error", "warn": "warning"}


class Words(NamedTuple):
    """What a rule is called: in the catalogue, in a finding, and why it is one."""

    title: str
    found: str
    why: str
    stands: str = "in plain text"


RULES: Mapping[str, Words] = {
    "secret": Words("Secret in plain text", "a key or token", "Whoever clones the repository has what it opens."),
    "url": Words("URL with a password", "a URL with a password", "Whoever clones the repository can log in."),
    "email": Words(
        "E-mail address in plain text", "an e-mail address", "An address is a person; git never forgets it."
    ),
    "iban": Words(
        "Bank account in plain text", "a bank account number", "An account is a person; git never forgets it."
    ),
    "card": Words(
        "Payment card in plain text", "a payment card number", "Whoever has the number can try to pay with it."
    ),
    "ssn": Words(
        "Social Security number in plain text", "a US Social Security number", "It stays a person's for life."
    ),
    "address": Words(
        "Address of a device or host", "an IP or MAC address", "It leads to a person's connection or device."
    ),
    "identity": Words("Identity number in plain text", "a national identity number", "It stays a person's for life."),
    "phone": Words(
        "Telephone number in plain text", "a telephone number", "A number is a person; git never forgets it."
    ),
    "place": Words("Coordinates in plain text", "a place exact to a metre", "Where somebody sleeps says who it is."),
    "birth": Words(
        "Date of birth in plain text", "a date of birth", "With a place and a sex it says who most people are."
    ),
    "known": Words(
        "Known person in plain text", "what somebody is known by here", "A name that is on the list is a person's."
    ),
    "paper": Words("Passport or licence in plain text", "the number of a passport or licence", "It is one person's."),
    detect.UNREAD: Words(
        "Text written in more ways than are read",
        "a text",
        "What is escaped, in full width and quoted all at once, and long, was not read to its end.",
        "written in more ways than are read",
    ),
}
"""Every rule of `labelvc.codec.detectors.RULES`, that of `labelvc.core.known`, and what was not read; in findings after `privacy.`."""

# A string with its member's name where it has one, a name whose value is none, or a number that is long enough to be one.
_STRING = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_PIECE = re.compile(rf"(?:{_STRING}[ \t]*+:[ \t]*+)?+(?:{_STRING}|(-?[0-9][0-9.]{{5,}}(?:[eE][-+]?[0-9]+)?))|{_STRING}")
_PROVED = re.compile(r"[a-z]{3}_[bcdfghjklmnpqrstvwxz]{28,29}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}Z")
"""Forms that the schema of a record proves, of which a token or a time is nobody's secret."""
_IDENTIFIERS = frozenset(("/id", "/item", "/origin/ref"))
"""What the schemas of items and records say is an identifier: one random run of digits in ten has the check digit of a card."""
_MIDDLE = b',"rev":'
_GOVERNANCE = re.compile(r"(?m)^governance:.*\n(?:(?:[ \t#].*)?\n)*")
"""Who answers for a project is meant to be reached."""


def in_shard(
    path: str,
    data: bytes,
    key_of: Callable[[int], str],
    gate: Gate,
    told: Mapping[str, tuple[Span, ...]] | None = None,
) -> Iterator[Finding]:
    """Yield what stands in plain in a shard: in texts, numbers, names of members, wherever they are nested.

    A shard that is not lines of JSON is read as any other file is, since its pieces may be anywhere.

    Args:
        path: path of the shard.
        data: its bytes.
        key_of: returns the key of a line by its position from 0, empty when it cannot be read.
        gate: what judges.
        told: what `telling` said of its pieces, where it was asked of those of many shards at once.

    Yields:
        Findings by line.
    """
    said_here = pieces(data)
    text = data.decode("utf-8", "replace")
    if said_here is None:
        yield from in_file(path, text.encode(), gate)
        return
    told = telling(said_here, gate) if told is None else told
    found = {said: told[said] for said in said_here & told.keys()}
    if not found:
        return
    placed: set[str] = set()
    for number, line in enumerate(text.split("\n")):
        for pointer, said in _of_line(line, found, gate):
            placed.add(said)
            key = key_of(number)
            place = Place(path, number + 1, "" if gate.spans(key) else key, pointer)
            yield from _findings(
                [span for span in found[said] if not _identifies(pointer, span, said)], said, place, gate
            )
    for said in sorted(found.keys() - placed):  # a number that is not written as JSON writes it
        yield from _findings(found[said], said, Place(path), gate)


def in_file(path: str, data: bytes, gate: Gate) -> Iterator[Finding]:
    """Yield what stands in plain in any file, by line; of a file of bytes that are no text, what is readable in it."""
    if pictures.is_picture(data) and pictures.places(data) and "place.coordinates" not in gate.settings.off:
        message = "a picture says where it was taken (GPS in its metadata)"
        yield Finding(
            "privacy.place", "error", Place(path), message, f"labelvc media add {path} brings it in without", BY
        )
    for text, lines in encodings.readings(data):
        spans = gate.spans(text)
        shown = hidden(path, gate.spans(path)) if spans else path
        public = _GOVERNANCE.search(text) if path == "labelvc.yaml" and spans else None
        number, counted = 1, 0
        for span in spans:
            number += text.count("\n", counted, span.start)
            counted = span.start
            meant = path.startswith(PUBLIC) or (public and public.start() <= span.start < public.end())
            if not (meant and detect.rule_of(span) in _SIGNED) and not _signs(path, span):
                yield from _findings((span,), text, Place(shown, number if lines else 0), gate)


def values(data: bytes, rule: str, gate: Gate) -> set[str]:
    """Return what stands in plain in some bytes by one rule: the values themselves, for who takes them out; never to be shown.

    Args:
        data: lines of JSON, or any file.
        rule: `privacy.email` ...
        gate: what judges.
    """
    said = pieces(data)
    if said is not None:
        told = list(telling(said, gate).items())
    else:
        told = [(text, gate.spans(text)) for text, _ in encodings.readings(data)]
    return {
        text[span.start : span.end]
        for text, spans in told
        for span in spans
        if f"privacy.{detect.rule_of(span)}" == rule
    }


def pieces(data: bytes, known: Collection[bytes] = ()) -> set[str] | None:
    """Return the strings and long numbers of JSON lines, each after the name of its member; None of bytes that are none.

    Args:
        data: the lines.
        known: beginnings, as `beginnings` returns them, that were there before: a line with one is read from there on.
    """
    if not _is_json(data):
        return None
    if known:
        parted = [line.partition(_MIDDLE) for line in data.split(b"\n")]
        data = b"\n".join([(b"" if start in known else start) + mark + rest for start, mark, rest in parted])
    return _pieces(data.decode())


def beginnings(data: bytes) -> frozenset[bytes]:
    """Return what JSON lines hold before their `rev`: two that begin alike are of one key, and have that much in the same places.

    Within a string no quotation mark stands alone, so what looks like that member's name is one.
    """
    return frozenset([start for start, mark, _ in [line.partition(_MIDDLE) for line in data.split(b"\n")] if mark])


def telling(said: Iterable[str], gate: Gate) -> dict[str, tuple[Span, ...]]:
    """Return the pieces in which something was found; each is looked at once, however often it stands in how many shards."""
    asked = list(said)
    return {asked[at]: spans for at, spans in gate.scan(asked)}


PUBLIC = ("trust/", "releases/")
"""Where people sign with their names and addresses, so that a reader can tell who answered for a label."""


_SIGNED = ("email", known.DETECTOR)
"""What people sign with."""


def _signs(path: str, span: Span) -> bool:
    """Tell whether a span may be the printed name of who signed an approval: a known name in its envelope cannot be told apart."""
    return path.startswith("approvals/") and span.detector == known.DETECTOR


def in_names(paths: Sequence[str], gate: Gate) -> Iterator[Finding]:
    """Yield what stands in plain in names of files; the name is shown with that left out."""
    for at, spans in gate.scan(paths):
        yield from _findings(spans, paths[at], Place(hidden(paths[at], spans)), gate)


def in_message(where: str, text: str, gate: Gate, makers: re.Pattern[str] | None = None) -> Iterator[Finding]:
    """Yield what stands in plain in the message of a commit or tag; addresses in lines that name who made it, trailers else, are meant to."""
    meant = [found.span() for found in (makers or _TRAILER).finditer(text)]
    for span in gate.spans(text):
        if not (detect.rule_of(span) in _SIGNED and any(start <= span.start < end for start, end in meant)):
            yield from _findings((span,), text, Place(where, text.count("\n", 0, span.start) + 1), gate)


def in_object(where: str, data: bytes, gate: Gate) -> Iterator[Finding]:
    """Yield what stands in plain in the bytes of a commit or tag: in its message, and in its head wherever that is.

    Who made it is meant to stand there, as in trailers; what else a head holds, the message of a tag that was merged, the name
    of a tag, what stands for a signature, git shows to who asks. A message in wider letters is read as a file is.
    """
    head, _, said = data.partition(b"\n\n")
    yield from in_message(where, said.decode(errors="replace"), gate)
    if b"\0" in said:
        for text, _ in encodings.readings(said):
            yield from (found._replace(place=Place(where)) for found in in_message(where, text, gate))
    text = _TIME.sub(r"\1", head.decode(errors="replace"))
    yield from (found._replace(place=Place(where)) for found in in_message(where, text, gate, _PERSON))


_PERSON = re.compile(r"(?m)^ ?(?:author|committer|tagger) .*$")
_TIME = re.compile(r"(?m)^( ?(?:author|committer|tagger) .*>) -?[0-9]+ [-+][0-9]{4}$")
"""The lines of a commit or tag that say who made it, and when (git's `Documentation/gitformat-signature.txt`, `git help hash-object`)."""
_TRAILER = re.compile(r"(?mi)^(?:signed-off|co-authored|reviewed|acked|tested|reported|suggested|helped)-by: .*$")


def hidden(text: str, spans: Iterable[Span]) -> str:
    """Return a text with spans left out."""
    shown, at = [], 0
    for span in sorted(spans):
        if span.end > at:
            shown += [text[at : span.start], HIDDEN]
            at = span.end
    return "".join(shown) + text[at:]


def mark_of(finding: Finding) -> str:
    """Return the mark by which a finding can be accepted, empty where it shows none."""
    found = _MARK.search(finding.message)
    return found[1] if found else ""


_MARK = re.compile(
    rf", ([{ALPHABET}]{{{LETTERS}}})\) (?:stands|seems to stand) (?:{'|'.join({words.stands for words in RULES.values()})})"
)


def _findings(spans: Iterable[Span], text: str, place: Place, gate: Gate) -> Iterator[Finding]:
    """Yield the findings of spans of a text for which nobody answers."""
    for span in spans:
        value = text[span.start : span.end]
        if not gate.excuses(span, value, place):
            yield _finding(span, value, place, gate.mark(span, value))


def _finding(span: Span, value: str, place: Place, mark: str) -> Finding:
    """Return the finding of a span.

    Args:
        span: what was found.
        value: the characters of it, of which none but the first of an address is shown.
        place: where.
        mark: what only the gate key makes of it; empty for none.
    """
    rule = detect.rule_of(span)
    shape = f"{value[0]}{HIDDEN}@{HIDDEN}" if rule == "email" and "@" in value else f"{len(value)} characters"
    stands = "stands" if span.tier == "block" else "seems to stand"
    words = RULES[rule]
    message = f"{words.found} ({span.detector}, {shape}{mark and f', {mark}'}) {stands} {words.stands}"
    hint = f"{HINT}; where it may stand: labelvc privacy accept {mark} --why ..." if mark else HINT
    return Finding(f"privacy.{rule}", _SEVERITIES[span.tier], place, message, hint, BY)


def _identifies(pointer: str, span: Span, said: str) -> bool:
    """Tell whether a card's number is the bare digits of an identifier: ISO/IEC 7812-1 proves a form, and one in ten has it."""
    return span.detector == "card" and pointer in _IDENTIFIERS and said[span.start : span.end].isdigit()


def _is_json(data: bytes) -> bool:
    """Tell whether bytes are lines of JSON in UTF-8."""
    try:
        data.decode()
        _LINES.decode_lines(data)
    except UNREADABLE:
        return False
    return True


_LINES = msgspec.json.Decoder(msgspec.Raw)


def _pieces(text: str) -> set[str]:
    """Return the strings and long numbers of JSON lines, each after the name of its member."""
    found = set()
    for name, string, number, alone in set(_PIECE.findall(text)):
        if _PROVED.fullmatch(string):
            found.add(_unescaped(name))
        elif name:
            found.add(f"{_unescaped(name)}: {_unescaped(string or number)}")
        else:
            found.add(_unescaped(string or number or alone))
    return found


def _of_line(line: str, found: Mapping[str, tuple[Span, ...]], gate: Gate) -> list[tuple[str, str]]:
    """Return the pointer of each piece of a line in which something was found, and the piece."""
    try:
        return list(_walk(msgspec.json.decode(line), "", "", found, gate)) if line else []
    except (msgspec.DecodeError, RecursionError):  # too deep to be walked, or no single value: its pieces are read
        return [("", said) for said in _pieces(line) if said in found]


def _walk(
    value: Any, pointer: str, name: str, found: Mapping[str, tuple[Span, ...]], gate: Gate
) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for member, inside in value.items():
            below = f"{pointer}/{_shown(member, gate)}"
            if isinstance(inside, (dict, list)) and member in found:
                yield below, member
            yield from _walk(inside, below, member, found, gate)
    elif isinstance(value, list):
        for at, inside in enumerate(value):
            yield from _walk(inside, f"{pointer}/{at}", "", found, gate)
    else:
        said = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for text in {f"{name}: {said}" if name else said, name} & found.keys():
            yield pointer, text


@lru_cache(maxsize=4096)
def _shown(member: str, gate: Gate) -> str:
    """Return the name of a member as a step of a pointer, what it holds left out."""
    return jsonpointer.escaped(hidden(member, gate.spans(member)))


def _unescaped(raw: str) -> str:
    """Return what a JSON string says."""
    if "\\" not in raw:
        return raw
    try:
        said: str = msgspec.json.decode(f'"{raw}"', type=str)
        return said
    except (msgspec.DecodeError, UnicodeEncodeError):
        return raw
