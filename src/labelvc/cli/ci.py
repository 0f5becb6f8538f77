"""The command ci: a pull request judged in one go, and what hosts read written to a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from labelvc.checks.interface import Rule
from labelvc.cli import harmless, signing, timing
from labelvc.cli.context import Settings, environment, pass_settings, today
from labelvc.cli.output import Destination, placed, progress, say, write
from labelvc.cli.render import github, gitlab, hosts, json, junit, review_html, sarif
from labelvc.cli.render import judged as render
from labelvc.cli.render import review as pages
from labelvc.codec import moment
from labelvc.model.finding import SEVERITIES, Finding, Severity
from labelvc.ops import catalogue, judgement
from labelvc.ops import ci as judging
from labelvc.ops.ci import Judged, Untold, Wish
from labelvc.ops.gates import Brought
from labelvc.store import disk
from labelvc.store import git as plumbing

_BRANCHES = ("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option("--base", metavar="REV", required=True, help="The branch it would go into, such as origin/main.")
@click.option("--head", metavar="REV", default="HEAD", show_default=True, help="The branch to judge.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=Destination(file_okay=False, path_type=Path),
    metavar="DIR",
    required=True,
    help="Write the files to DIR; it is made when it is not there.",
)
@click.option("--branch", metavar="NAME", help="Its name, in which personal data may stand; else as the host tells it.")
@click.option(
    "--date",
    type=_DATE,
    metavar="DAY",
    help="Judge exceptions and approvals that end as on this day, such as 2027-06-30; else now.",
)
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", show_default=True, help="Least severity that exits 1."
)
@click.option(
    "--annotations",
    type=click.Choice(["github", "none"]),
    help="Print findings as a host's workflow commands; else github where GITHUB_ACTIONS is set.",
)
@signing.root_option
@pass_settings
def ci(
    settings: Settings,
    /,
    base: str,
    head: str,
    folder: Path,
    branch: str | None,
    date: object,
    fail_on: Severity,
    annotations: str | None,
    root: str | None,
) -> int:
    """Judge a pull request: every commit, what it becomes once merged, its merges and who approved it.

    Policy, settings of checks and exceptions are read from --base, never from the branch. The index and the work tree are
    not touched. Exit 1 for a finding at or above --fail-on, a missing approval or what a merge lost; 2 when something could
    not be told, such as in a shallow clone, without a DVC object or a key, or, with CI=true, under a root that nobody
    pinned: the files are written all the same and say so.

    \b
      labelvc ci --base origin/main --head HEAD -o labelvc-out
    """
    git = plumbing.find(settings.directory)
    folder = placed(settings.directory / folder)
    annotations = annotations or ("github" if environment("GITHUB_ACTIONS") else "none")
    pinned = signing.pin(git, root)
    name = branch or next(filter(None, map(environment, _BRANCHES)), None) or head
    day = f"{date:%Y-%m-%d}" if date else ""
    brought, at = Brought(day or today()), moment.seconds(f"{day}T23:59:59Z") if day else timing.clock()
    with progress(settings, None, "judging commits", "commits") as advance:
        judged = judging.judge(git, Wish(base, head, name, pinned, brought, settings.jobs, at), advance)
    if signing.unproved(settings, pinned):
        judged = judged._replace(untold=[*judged.untold, _UNPINNED])
    found = render.findings(judged)
    report = judged.report
    untold = [render.untold(one) for one in judged.untold]
    ends = judged.base, judged.head, judged.files
    told = hosts.Judged(*ends, _asked(judged), fail_on, report.unchanged, report.waived, untold)
    known = catalogue.of_packages(told.asked)
    notes = github.write(found, known, told) if annotations == "github" else ""
    page = "".join(render.page(judged, found, color=settings.color))
    write(harmless.unheard(page, runner=bool(notes)), commands=notes)
    files = _files(judged, found, known, told)
    disk.write_all({folder / name: text.encode(errors="backslashreplace") for name, text in files.items()})
    say(settings, f"wrote {', '.join(files)}")
    return 2 if judged.untold else int(any(told.fails(one.severity) for one in found))


_UNPINNED = Untold("the root", "nobody pinned it, so it could be anybody's", "", "set LABELVC_ROOT to its digest")


def _asked(judged: Judged) -> Mapping[str, Sequence[Rule]]:
    """Return the rules that judged, by dataset: those of `check` and those of a judgement."""
    asked = judged.report.asked
    return {**asked, "": (*asked.get("", ()), *judgement.RULES)}


def _files(judged: Judged, found: list[Finding], known: Mapping[str, Rule], told: hosts.Judged) -> dict[str, str]:
    """Return the files by name."""
    review = render.reviewed(judged, found)
    return {
        "review.html": review_html.page(review) if review else render.no_page(judged, found),
        "review.json": json.indented(pages.document(review) if review else render.no_review(judged)),
        "summary.md": render.summary(judged, found),
        "findings.sarif": sarif.write(found, known, told),
        "junit.xml": junit.write(found, known, told),
        "gl-code-quality.json": gitlab.write(found, known, told),
    }
