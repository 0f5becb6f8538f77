"""The readable parts of a bundle: the report, the words and the script that go with it, and the list of digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from labelvc import __version__, digests
from labelvc.cli.render import html, json, text
from labelvc.cli.render import population as counted
from labelvc.cli.render.markdown import code
from labelvc.model.approval import Approval
from labelvc.model.policy import Trust
from labelvc.ops.bundle import Evidence
from labelvc.ops.population import Row, good

MANIFEST = "MANIFEST.sha256"
_FILES = Path(__file__).parent / "_bundle"
_MOST = 1_000


class Life(NamedTuple):
    """The life of a label that was asked for: its key, and the lines of `audit trace`."""

    key: str
    lines: list[str]


def fixed() -> dict[str, bytes]:
    """Return the files that are the same in every bundle: the words and the script."""
    return {name: (_FILES / name).read_bytes() for name in ("VERIFY.md", "verify.sh")}


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Return the list of digests, as `sha256sum` prints it."""
    return "".join(f"{digests.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def document(found: Evidence, release: str | None, keys: Sequence[str]) -> str:
    """Return `bundle.json` (`schemas/audit-bundle.v1.json`).

    Args:
        found: what was gathered.
        release: the version that was asked for; None for a range.
        keys: labels that were asked for; the first has `trace/1.json`.
    """
    ends = [
        {
            "commit": one.commit,
            "state": one.state,
            "approvals": {"size": one.approvals.size, "root": one.approvals.root},
        }
        for one in found.ends
    ]
    summary = {
        "repository": found.trust.policy.repository, "root": found.trust.anchor, "release": release, "steps": found.totals.size,
        "states": dict(sorted(found.totals.states.items())), "list": found.totals.digest, "from": ends[0], "to": ends[1],
        "keys": list(keys), "left_out": found.left_out, "tool": f"labelvc {__version__}",
    }  # fmt: skip
    return json.document("audit-bundle", [], base=found.going.base, head=found.going.head, summary=summary)


def page(found: Evidence, release: str | None, lives: Sequence[Life]) -> str:
    """Return the report as one HTML file that needs nothing else."""
    return html.environment().get_template("bundle.html.jinja").render(
        found=found, title=_title(found, release), steps=_steps(found), more=max(0, len(found.rows) - _MOST), lives=lives,
        policies=list(_policies(found)), tone=_tone, said=list(_said(found)), decided=decided, tally=counted.tally(found.totals.counts),
    )  # fmt: skip


def report(found: Evidence, release: str | None, lives: Sequence[Life]) -> str:
    """Return the report as Markdown; whatever comes from the repository stands in code spans."""
    return "".join(f"{line}\n" for line in _report(found, release, lives))


def _report(found: Evidence, release: str | None, lives: Sequence[Life]) -> Iterator[str]:
    yield from (f"# {_title(found, release)}", "")
    yield f"- root of trust `{found.trust.anchor}`"
    for word, one in zip(("from", "to"), found.ends, strict=True):
        yield f"- {word} `{one.commit or 'before the first commit'}`, state `{one.state}`, {text.count(one.approvals.size, 'statement')} in the log"
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(found.totals.states.items()))
    yield f"- {text.count(found.totals.size, 'step')}: {states}; {counted.tally(found.totals.counts) or 'nothing changed'}"
    yield from (f"- left out: {code(words)}" for words in found.left_out)
    yield from ("", "What proves this, and what does not: `VERIFY.md`.", "", "## Steps", "")
    yield from ("| state | commit | date (claimed) | authors | what | approved by |", "|---|---|---|---|---|---|")
    for row, authors, what, who in _steps(found):
        yield f"| {row.state} | `{row.id[:12]}` | {row.commit.committed} | {code(authors, cell=True)} | {what or '—'} | {code(who, cell=True)} |"
    if len(found.rows) > _MOST:
        yield from ("", f"and {len(found.rows) - _MOST:,} more in `population.csv`")
    yield from (
        "",
        "## Signatures",
        "",
        "| name | who | said | meaning | role | time (claimed) | change-set |",
        "|---|---|---|---|---|---|---|",
    )
    for one in _said(found):
        cells = (
            one.signer.printed_name,
            one.signer.principal,
            decided(one),
            one.meaning,
            one.role,
            one.signed_at,
            one.root[7:19],
        )
        yield f"| {' | '.join(code(cell, cell=True) for cell in cells)} |"
    yield from ("", "## Policies", "")
    for name, trust, people in _policies(found):
        yield f"- `{name}`, under root {len(trust.roots)}: {'; '.join(code(line) for line in people)}"
    yield from ("", "## Releases", "")
    for verdict in found.releases:
        state = "its place in the chain and its signature are good" if verdict.state == "good" else verdict.state
        yield f"- `{verdict.version}` `{verdict.digest}`: {state}{''.join(f'; {code(words)}' for words in verdict.problems)}"
    if not found.releases:
        yield "none"
    for life in lives:
        yield from ("", f"## {code(life.key)}", "")
        yield from (f"    {line}" for line in life.lines)


def _tone(state: str) -> str:
    """Return the class that colours a state."""
    return "good" if state == "approved" else "soft" if good(state) else "bad"


def _title(found: Evidence, release: str | None) -> str:
    base = found.going.base[:12] or "the beginning"
    return f"Evidence on release {release}" if release else f"Evidence on {base} to {found.going.head[:12]}"


def _steps(found: Evidence) -> list[tuple[Row, str, str, str]]:
    return [
        (row, ", ".join(row.authors), counted.tally(row.counts), ", ".join(counted.approvers(row)))
        for row in found.rows[:_MOST]
    ]


def _said(found: Evidence) -> Iterator[Any]:
    """Yield what was said, each statement once."""
    seen: set[str] = set()
    for row in found.rows:
        for one in row.statements:
            if one.digest not in seen and len(seen) < _MOST:
                seen.add(one.digest)
                yield one.approval


def decided(one: Approval) -> str:
    """Return what somebody decided, and until when a yes counts."""
    return f"{one.decision} until {one.expires_at}" if one.expires_at else one.decision


def _policies(found: Evidence) -> Iterator[tuple[str, Trust, list[str]]]:
    for name, trust in found.policies.items():
        roles = {
            who: [role for role, each in trust.policy.roles.items() if who in each.members]
            for who in trust.policy.principals
        }
        yield (
            name,
            trust,
            [
                f"{person.name} ({who}): {', '.join(roles[who]) or 'no role'}"
                for who, person in trust.policy.principals.items()
            ],
        )
