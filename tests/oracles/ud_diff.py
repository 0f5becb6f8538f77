"""Say what changed between two CoNLL-U files, by the characters that words cover; straight from the files.

An oracle: it shares no code with the product and finds the same figures another way. The alignment here strips all blanks from
text and forms and counts the other characters, so a word is known by its place among the visible characters of its sentence.

    python ud_diff.py OLD.conllu NEW.conllu
"""

import json
import sys
from collections import Counter

FIELDS = ("form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")


def sentences(path):
    """Yield (sent_id, rows) of a file; rows are lists of ten cells."""
    with open(path, encoding="utf-8", newline="\n") as file:
        for block in file.read().split("\n\n"):
            lines = block.strip("\n").split("\n")
            name = [line.split("=", 1)[1].strip() for line in lines if line.startswith("# sent_id")]
            rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
            if rows:
                yield name[0], rows


def words(path):
    """Return {(sentence, first visible character, last, place in its surface token): cells}; HEAD is such a key without sentence."""
    found = {}
    for name, rows in sentences(path):
        places, position = {"0": "root"}, 0
        span, last, part = None, 0, 0
        for cells in rows:
            number = cells[0]
            size = len("".join(cells[1].split()))
            if "." in number:
                continue
            if "-" in number:
                span, last, part = (position, position + size), int(number.split("-")[1]), 0
                position += size
            elif int(number) <= last:
                part += 1
                places[number] = (*span, part)
            else:
                places[number] = (position, position + size, 0)
                position += size
        for cells in rows:
            if cells[0].isdigit():
                value = dict(zip(FIELDS, cells[1:], strict=True))
                value["head"] = places.get(cells[6], cells[6])
                found[name, places[cells[0]]] = value
    return found


def compare(old_path, new_path):
    """Return the figures of a comparison as a dict."""
    old, new = words(old_path), words(new_path)
    both = old.keys() & new.keys()
    moved = Counter(
        (old[key]["deprel"], new[key]["deprel"]) for key in both if old[key]["deprel"] != new[key]["deprel"]
    )
    return {
        "old": len(old),
        "new": len(new),
        "removed": len(old.keys() - both),
        "added": len(new.keys() - both),
        "relations": sum(moved.values()),
        "transitions": len(moved),
        "sentences": len({key[0] for key in both if old[key]["deprel"] != new[key]["deprel"]}),
        "first": [*min(moved, key=lambda move: (-moved[move], move)), max(moved.values())] if moved else [],
        **{
            name: sum(old[key][name] != new[key][name] for key in both)
            for name in FIELDS
            if name not in ("deprel", "deps")
        },
    }


def places(rows):
    """Return {number: place} of a sentence's words and empty nodes; an empty node is known by the word before it."""
    found, position, span, last, part = {"0": "root"}, 0, None, 0, 0
    for cells in rows:
        number, size = cells[0], len("".join(cells[1].split()))
        if "." in number:
            before, _, count = number.partition(".")
            found[number] = (found[before], count)
        elif "-" in number:
            span, last, part = (position, position + size), int(number.split("-")[1]), 0
            position += size
        elif int(number) <= last:
            part += 1
            found[number] = (*span, part)
        else:
            found[number] = (position, position + size, 0)
            position += size
    return found


def meanings(path):
    """Return {(sentence, place): cells} of a file's words, with heads and enhanced relations as places instead of numbers."""
    found = {}
    for name, rows in sentences(path):
        where = places(rows)
        for cells in rows:
            if cells[0].isdigit():
                pairs = [part.partition(":") for part in cells[8].split("|")] if cells[8] != "_" else []
                deps = tuple((where.get(head, head), relation) for head, _, relation in pairs)
                found[name, where[cells[0]]] = (*cells[1:6], where.get(cells[6], cells[6]), cells[7], deps, cells[9])
    return found


def changed(old_path, new_path):
    """Return {(sentence, place): (old cells, new cells)} of the words that are in both files and differ in anything."""
    old, new = meanings(old_path), meanings(new_path)
    return {key: (old[key], new[key]) for key in old.keys() & new.keys() if old[key] != new[key]}


if __name__ == "__main__":
    print(json.dumps(compare(*sys.argv[1:3]), indent=1))
