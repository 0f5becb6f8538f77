"""Say what two sides did to a treebank since their common ancestor, and what a published merge made of it; straight from the files.

An oracle: it shares no code with the product. A word is known by its place among the visible characters of its sentence, as
in `ud_diff`. Fields are merged one by one, but that UPOS, XPOS and FEATS move together, and HEAD with DEPREL.

    python ud_merge.py BASE.conllu OURS.conllu THEIRS.conllu MERGE.conllu
"""

import json
import sys

if __package__:
    from tests.oracles import ud_diff
else:
    import ud_diff

GROUPS = ((0,), (1,), (2, 3, 4), (5, 6), (7,), (8,))
"""Columns of `ud_diff.meanings` that one decision covers: FORM; LEMMA; UPOS, XPOS, FEATS; HEAD, DEPREL; DEPS; MISC."""


def part(word, group):
    return None if word is None else tuple(word[at] for at in group)


def merged(base, ours, theirs):
    """Return (word, contested groups) of three versions of a word; None is a word that is not there."""
    if theirs in (ours, base):
        return ours, []
    if ours == base:
        return theirs, []
    if ours is None or theirs is None:
        return None, [()]
    word, contested = [None] * 9, []
    for group in GROUPS:
        was, mine, new = (part(side, group) for side in (base, ours, theirs))
        value = mine if new in (mine, was) else new if mine == was else None
        if value is None:
            contested.append(group)
            value = mine
        for at, cell in zip(group, value, strict=True):
            word[at] = cell
    return tuple(word), contested


def judge(base_path, ours_path, theirs_path, merge_path):
    """Return the words by what happened to them: sets of (sentence, place)."""
    base, ours, theirs, merge = (ud_diff.meanings(path) for path in (base_path, ours_path, theirs_path, merge_path))
    found = {
        name: set() for name in ("ours", "theirs", "both", "together", "conflicts", "astray", "undone", "invented")
    }
    for key in base.keys() | ours.keys() | theirs.keys() | merge.keys():
        was, mine, new, got = (side.get(key) for side in (base, ours, theirs, merge))
        word, contested = merged(was, mine, new)
        if mine != was:
            found["ours"].add(key)
        if new != was:
            found["theirs"].add(key)
        if was not in (mine, new) and mine != new:
            found["both"].add(key)
            found["conflicts" if contested else "together"].add(key)
        if not contested and got != word:
            found["astray"].add(key)
            if got == was or (got is None and word is not None):
                found["undone"].add(key)
        if (
            contested
            and got is not None
            and any(part(got, group) not in (part(mine, group), part(new, group)) for group in GROUPS)
        ):
            found["invented"].add(key)
    return found


if __name__ == "__main__":
    print(json.dumps({name: len(keys) for name, keys in judge(*sys.argv[1:5]).items()}, indent=1))
