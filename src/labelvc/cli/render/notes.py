"""Release notes: what a release brings, in Markdown."""

from __future__ import annotations

from labelvc.cli.render import markdown, report, text
from labelvc.core.counts import Counts
from labelvc.core.diff import Tally
from labelvc.ops import diff as differing
from labelvc.ops import mechanics, veil
from labelvc.ops.diff import Range
from labelvc.store.git import Git


def page(git: Git, title: str, pair: Range, changes: str) -> str:
    """Return the notes.

    Args:
        git: the repository.
        title: of the page.
        pair: what is compared.
        changes: how many of the changes were approved, in words.

    Raises:
        StoreError: git or DVC data is missing.
    """
    tally, counts = Tally(), Counts(("label",))
    drawn = mechanics.between(git, pair, veil.over(git, *pair)).drawn
    gathered = report.gather(counts.counted(tally.counted(differing.between(git, *pair), drawn)))
    summary = tally.summary()
    told = report.Report(pair.old.name, pair.new.name, gathered.without_records(), summary, counts.tables(), [])
    return markdown.page(
        [f"## {markdown.code(title)}", "", text.totals(summary), "", f"Changes: {markdown.quiet(changes)}", ""], told
    )
