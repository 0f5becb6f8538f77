"""Markdown of a diff for a comment on a pull request: within a budget, what is left out is counted, nothing in it is live.

Whatever comes from the repository stands in a code span, where Markdown, HTML, mentions and links mean nothing
(CommonMark 0.31, section 6.1); in a table a `|` is escaped all the same (GitHub Flavored Markdown, section 4.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from labelvc.cli.render import edits, text
from labelvc.cli.render.report import Report
from labelvc.core import diff
from labelvc.core.counts import COLUMNS, Rows

MARK = "<!-- labelvc:diff:v1 -->"
"""The first line, by which a program finds the comment it wrote before."""
BUDGET = 60_000
"""Characters at most; GitHub refuses a comment of more than 65,536."""
_TICKS = re.compile("`+")
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&!])")
_CALLS = re.compile(r"""(@|\\[\#!~&]|[%$])(?=[\w"])|\b(https?|ftp|mailto|xmpp|www|GH)(?=:|\.|-)""", re.IGNORECASE)
_WIDEST = 200
_KEY = 120
_TOP = 20
_SHARE = {"mechanical": 3_000, "documents": 15_000, "tables": 10_000, "transitions": 5_000}
_FOOT = 400


def diff_page(report: Report) -> str:
    """Return a diff as Markdown of at most 60,000 characters.

    Args:
        report: what to say.
    """
    head = [MARK, f"### Labels changed: {code(report.base)} → {code(report.head)}", "", text.totals(report.summary), ""]
    head += [f"*{note}*" for note in report.notes] + [""] * bool(report.notes)
    return page(head, report)


def page(head: Sequence[str], report: Report) -> str:
    """Return a page of at most 60,000 characters on a diff.

    Args:
        head: its first lines.
        report: what to say below them.
    """
    gathered = report.gathered
    parts = [_joined(head)]
    parts.append(
        _section("Mechanical, no content changes", [_line(seen) for seen in gathered.mechanical], _SHARE["mechanical"])
    )
    for name, rows in report.tables.items():
        if rows:
            share = _SHARE["tables"] // len(report.tables)
            parts.append(_section(f"By {name}", [*_header(name), *_rows(name, rows)], share, start=2))
    ways = list(_transitions(report.summary))
    parts.append(_section("Which answer became which", ways, _SHARE["transitions"], start=2))
    told = [line for seen in gathered.documents for line in _document(seen)]
    parts.append(_section("Documents", told, _SHARE["documents"], more=gathered.more_documents))
    room = BUDGET - sum(map(len, parts)) - _FOOT
    listed = ["| | key | what changed |", "|---|---|---|", *map(_row, gathered.records)]
    if gathered.records:
        body = _section("", listed, room, start=2, more=gathered.more_records)
        parts.append(f"<details><summary>Records and items</summary>\n\n{body}\n</details>\n")
    return "".join(parts)


def code(words: str, most: int = _WIDEST, *, cell: bool = False) -> str:
    """Return words of a repository as a code span, which shows them and does nothing else.

    Args:
        words: any text.
        most: characters at most.
        cell: it stands in a table, where a `|` would end its cell.
    """
    shown = text.clip(text.safe(words[: most + 1]), most)
    if not shown.strip(" "):
        return "—"
    fence = "`" * (max(map(len, _TICKS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    if cell:
        shown = shown.replace("|", "\\|")
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(words: str) -> str:
    """Return text as Markdown shows it, in one line and with nothing in it live (CommonMark 0.31, section 2.4)."""
    return _MARKUP.sub(r"\\\1", text.safe(" ".join(words.split())))


def quiet(words: str) -> str:
    """Return text as `prose` does, in which a host finds nobody to call and nothing to link to.

    In a comment a host looks for `@name`, `#1`, `!1`, `~label` and addresses in what is shown, whether they were escaped or not
    (GitHub Flavored Markdown, section 6.9; docs.gitlab.com, references in Markdown). A space of no width stops it, as in the
    comments of Renovate (renovatebot/renovate).
    """
    return _CALLS.sub(lambda found: f"{found[0]}&#8203;", prose(words))


def _section(title: str, lines: Sequence[str], room: int, *, start: int = 0, more: int = 0) -> str:
    """Return a section of as many lines as there is room for, the others counted; nothing when there is none.

    Args:
        title: its heading; none when empty.
        lines: its lines.
        room: characters it may take.
        start: how many of the lines are a table's head.
        more: how many lines were left away before.
    """
    if len(lines) <= start and not more:
        return ""
    shown = [f"#### {title}", ""] if title else []
    size = sum(len(line) + 1 for line in shown) + _WIDEST
    for at, line in enumerate(lines):
        size += len(line) + 1
        if size > room:
            more += len(lines) - at
            break
        shown.append(line)
    if more:
        shown += ["", f"and {more:,} more, not shown here"]
    return _joined([*shown, ""])


def _joined(lines: Iterable[str]) -> str:
    return "".join([f"{line}\n" for line in lines])


def _line(seen: diff.Comparison) -> str:
    return f"- {code(text.named(str(seen.delta.key), _KEY), _KEY)}: {code(seen.said)}"


def _document(seen: diff.Comparison) -> Iterator[str]:
    said = f": {seen.said}" if seen.said else ""
    yield f"- {code(text.named(str(seen.delta.key), _KEY), _KEY)} {seen.kind}{said}"
    for edit in seen.edits:
        sign, stretches = edits.sentence(edit)
        yield f"  - {code(f'{sign} {edits.plain(stretches)}')}"


def _row(seen: diff.Comparison) -> str:
    return f"| {seen.kind} | {code(text.named(str(seen.delta.key), _KEY), _KEY, cell=True)} | {code(text.what(seen), cell=True)} |"


def _header(name: str) -> list[str]:
    columns = COLUMNS[name]
    return [f"| {name} | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]


def _rows(name: str, rows: Rows) -> Iterator[str]:
    for row, counted in rows.items():
        cells = " | ".join([f"{counted[column]:,}" if counted[column] else "" for column in COLUMNS[name]])
        yield f"| {code(row, _KEY, cell=True)} | {cells} |"


def _transitions(summary: diff.Summary) -> Iterator[str]:
    ranked = sorted(summary.transitions.items(), key=lambda row: (-row[1], row[0]))
    yield "| task | old | new | records |"
    yield "|---|---|---|---:|"
    for row, number in ranked[:_TOP]:
        cells = " | ".join([code(word, 60, cell=True) for word in row])
        yield f"| {cells} | {number:,} |"
    if len(ranked) > _TOP:
        rest = sum(number for _, number in ranked[_TOP:])
        yield f"| {text.count(len(ranked) - _TOP, 'more transition')} | | | {rest:,} |"
