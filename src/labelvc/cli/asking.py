"""Commands that ask what the policy says: of a place or a change, of itself, and for code hosts."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.cli import signing, timing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.output import output_options, say, write
from labelvc.cli.render import explain, json, roots, text
from labelvc.ops import codeowners
from labelvc.ops import explain as explaining
from labelvc.ops import policy as governing
from labelvc.store import git as plumbing
from labelvc.store import tree


@click.command("explain", short_help="Tell which rules a place or a change falls under.")
@click.argument("words", metavar="PATH | KEY | A..B | A...B")
@signing.root_option
@output_options("text", "json")
@pass_settings
def policy_explain(settings: Settings, /, words: str, root: str | None, form: str, output: Path | None) -> int:
    """Tell which rules a place or a change falls under, what each asks, who can give it, who gave it and what is missing.

    A place is judged by the policy of the work tree, a range by the policy in force before it. Exit 1 when something is
    denied: no rule is about it, or nobody may do it, such as a link in the place of an approval. What A...B brings is judged as of
    now: an approval that expired since has to be given again.

    \b
      labelvc policy explain main...topic
      labelvc policy explain guidelines/topic.yaml
    """
    git = plumbing.find(settings.directory)
    pin = signing.pin(git, root)
    if ".." in words and "#" not in words:
        found = explaining.change(git, words, pin, timing.clock())
    else:
        found = explaining.place(git, signing.trust_here(git, pin), words)
    if form == "json":
        write(json.document("policy-explain", explain.items(found), head=words, summary=explain.summary(found)), output)
    else:
        write("".join(explain.lines(found, words)), output)
    return int(found.denied)


@click.command("check", short_help="Tell what is worth mending in root and policy.")
@signing.root_option
@pass_settings
def policy_check(settings: Settings, /, root: str | None) -> int:
    """Verify root and policy in the work tree and tell what is worth mending; exit 1 when something is.

    \b
      labelvc policy check
    """
    git = plumbing.find(settings.directory)
    chain = signing.chain_here(git, signing.pin(git, root))
    trust = chain.trust(pinned=False)
    found = [
        *governing.concerns(trust.policy, trust.root),
        *roots.unproven(chain.seals[-2]),
        *roots.over(trust.root, now()),
    ]
    write("".join(f"{text.safe(concern)}\n" for concern in found))
    say(settings, f"policy version {trust.policy.version} verifies; {text.count(len(found), 'concern')}")
    return 1 if found else 0


@click.command("codeowners", short_help="Print who is asked about what, as code hosts read it.")
@click.option("--write", "into", is_flag=True, help="Write it where CODEOWNERS lies, or to the top.")
@click.option("--force", is_flag=True, help="With --write: replace a file that was written or edited by hand.")
@pass_settings
def policy_codeowners(settings: Settings, /, into: bool, force: bool) -> int:
    """Print CODEOWNERS: whom a code host asks to review which part of the project.

    Made from the rules of the policy and the owners that guidelines and registers name, by the first e-mail address of
    each person. The last line that matches wins, so that the particular comes after the general. Exit 1 when a part
    has no owner.

    \b
      labelvc policy codeowners
      labelvc policy codeowners --write
    """
    git = plumbing.find(settings.directory)
    made = codeowners.made(git, tree.work(git))
    for one in made.unowned:
        say(settings, f"unowned: {text.safe(one.pattern)} {text.safe(one.why)}")
    if into:
        path = codeowners.written(git, made.text, force=force).path
        say(settings, f"next: git add {path} && git commit -m 'Who is asked about what'")
    else:
        write(made.text)
    return int(bool(made.unowned))
