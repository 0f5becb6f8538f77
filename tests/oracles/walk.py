"""Say what happened to every line of a dataset by decoding each commit of a history by itself, merges and all.

An oracle: it shares no code with the product. It reads git's objects one by one, trees byte by byte, DVC's cache as files, and
lines with json. A commit changed a line when the line is another one than in each of its parents.
"""

import json
import subprocess
from pathlib import Path

from tests.oracles.life import leaves

NAMES = ("/item", "/id", "/rev")
ASIDE = ("item", "id", "rev", "at", "origin")


class Walk:
    """The lines of a dataset at each commit up to HEAD, by (item, id); an item's own line has the id ""."""

    def __init__(self, folder, dataset, natural=("natural", "word")):
        self.folder, self.dataset, self.natural = Path(folder), dataset, natural
        listed = self._git("rev-list", "--topo-order", "--parents", "HEAD").decode().splitlines()
        self.parents = {own: above for own, *above in map(str.split, listed)}
        self.head = next(iter(self.parents))
        self._trees, self._files, self._moves = {}, {}, {}
        with subprocess.Popen(
            ["git", "cat-file", "--batch"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as self._batch:
            self.lines = {commit: self._content(commit) for commit in self.parents}
            self._batch.stdin.close()

    def _git(self, *words):
        return subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True).stdout

    def _object(self, oid):
        self._batch.stdin.write(oid.encode() + b"\n")
        self._batch.stdin.flush()
        size = int(self._batch.stdout.readline().split()[2])
        return self._batch.stdout.read(size + 1)[:size]

    def _tree(self, oid):
        """Return {name: object id} of a tree."""
        if oid not in self._trees:
            data, found = self._object(oid), {}
            while data:
                head, _, rest = data.partition(b"\0")
                found[head.split(b" ", 1)[1].decode()], data = rest[:20].hex(), rest[20:]
            self._trees[oid] = found
        return self._trees[oid]

    def _shards(self, oid):
        """Return the object ids of all shards below a tree."""
        found = []
        for name, inner in self._tree(oid).items():
            found += [inner] if name.endswith(".jsonl") else self._shards(inner)
        return found

    def _content(self, commit):
        tree = self._object(commit).split(b"\n", 1)[0].split()[1].decode()
        for name in ("datasets", self.dataset):
            tree = self._tree(tree).get(name)
            if tree is None:
                return {}
        here, found = self._tree(tree), {}
        for layer in ("items", "annotations"):
            for oid in self._shards(here[layer]) if layer in here else ():
                found |= self._parsed(oid, lambda oid=oid: self._object(oid))
        if "annotations.dvc" in here:
            pointer = self._object(here["annotations.dvc"]).decode()
            (md5,) = [line.split("md5: ")[1] for line in pointer.splitlines() if "md5: " in line]
            for row in json.loads(self._cached(md5)):
                found |= self._parsed(row["md5"], lambda md5=row["md5"]: self._cached(md5))
        return found

    def _cached(self, md5):
        return (self.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).read_bytes()

    def _parsed(self, name, read):
        if name not in self._files:
            rows = [(line, json.loads(line)) for line in read().split(b"\n") if line]
            self._files[name] = {
                (row.get("item", row["id"]), row["id"] if "item" in row else ""): line for line, row in rows
            }
        return self._files[name]

    # ------------------------------------------------------------ what commits changed
    def moves(self, commit):
        """Return {key: (line in the first parent, line in the commit)} of what a commit changed."""
        if commit not in self._moves:
            new = self.lines[commit]
            olds = [self.lines[parent] for parent in self.parents[commit]] or [{}]
            keys = set(new).union(*olds)
            self._moves[commit] = {
                key: (olds[0].get(key), new.get(key))
                for key in keys
                if all(old.get(key) != new.get(key) for old in olds)
            }
        return self._moves[commit]

    def order(self, head, base=""):
        """Return the commits up to one, newest first, without those up to another."""
        span = [head, f"^{base}"] if base else [head]
        return self._git("rev-list", "--topo-order", *span).decode().split()

    def life(self, key, head, base=""):
        """Return [(commit, old, new)] of a key, newest first."""
        return [(commit, *self.moves(commit)[key]) for commit in self.order(head, base) if key in self.moves(commit)]

    def ways(self, key, head):
        """Return [(commit, key, key before or None, old, new)], newest first, through the keys a record had before."""
        found, met = [], set()
        while steps := self.life(key, head):
            found += [(commit, key, None, old, new) for commit, old, new in steps]
            commit, _, new = steps[-1]
            former = self.namesake(commit, key, back=True)
            if former is None or former in met:
                break
            met.add(former)
            (head,) = self.parents[commit]
            found[-1] = (commit, key, former, self.lines[head][former], new)
            key = former
        return found

    def namesake(self, commit, key, *, back):
        """Return the record that one which appeared (or, not back, vanished) in a commit was before (or became)."""
        if len(self.parents[commit]) != 1 or not key[1]:
            return None
        old, new = self.lines[self.parents[commit][0]], self.lines[commit]
        if not back:
            old, new = new, old
        if live(old.get(key)) or not live(new.get(key)):
            return None
        said = substance(new[key])
        gone = [
            k for k in old if k[1] and k != key and live(old[k]) and not live(new.get(k)) and substance(old[k]) == said
        ]
        come = [
            k for k in new if k[1] and k != key and live(new[k]) and not live(old.get(k)) and substance(new[k]) == said
        ]
        here = [k for k in gone if k[0] == key[0]]
        if here:
            gone, come = here, [k for k in come if k[0] == key[0]]
        else:
            word = self._word(new, key[0])
            gone = [k for k in gone if word is not None and self._word(old, k[0]) == word]
            come = [k for k in come if word is not None and self._word(new, k[0]) == word]
        named = [k for k in gone if k[1] == key[1]]
        if len(named) == 1:
            return named[0]
        return gone[0] if len(gone) == 1 and not come else None

    def _word(self, lines, item):
        value = json.loads(lines.get((item, ""), b"{}"))
        for name in self.natural:
            value = value.get(name) if isinstance(value, dict) else None
        return None if value is None else json.dumps(value, sort_keys=True)

    def integrations(self):
        """Return {commit: the first commit of the first-parent line that has it in its past}."""
        line = [self.head]
        while self.parents[line[-1]]:
            line.append(self.parents[line[-1]][0])
        found = {}
        for commit in reversed(line):
            for own in self.order(commit):
                found.setdefault(own, commit)
        return found

    def dropped(self, key):
        """Return {commit: the latest merge that kept another side's line} of the changes of a key that led to nothing at the end."""
        changed = {commit for commit in self.parents if key in self.moves(commit)}

        def led(end):
            met, waiting = set(), [end]
            while waiting:
                here = waiting.pop()
                if here not in met:
                    met.add(here)
                    same = [p for p in self.parents[here] if self.lines[p].get(key) == self.lines[here].get(key)]
                    waiting += self.parents[here] if here in changed else same
            return met & changed

        kept, found = led(self.head), {}
        for merge in self.order(self.head):
            if len(self.parents[merge]) > 1 and merge not in changed:
                for parent in self.parents[merge]:
                    if self.lines[parent].get(key) != self.lines[merge].get(key):
                        found = dict.fromkeys(led(parent) - kept, merge) | found
        return found

    def blame(self):
        """Return {key: {pointer: commits}} of the records that are there at the end: whichever parent had a value is followed."""
        memory = {}

        def sources(commit, key, pointer, value):
            if (commit, key, pointer) not in memory:
                had = [p for p in self.parents[commit] if fields(self.lines[p].get(key)).get(pointer) == value]
                met = [sources(parent, key, pointer, value) for parent in had]
                memory[commit, key, pointer] = frozenset().union(*met) if met else frozenset([commit])
            return memory[commit, key, pointer]

        return {
            key: {at: sources(self.head, key, at, value) for at, value in fields(line).items()}
            for key, line in self.lines[self.head].items()
            if key[1] and live(line)
        }


def live(line):
    """Tell whether a line is there and no tombstone."""
    return line is not None and json.loads(line).get("gone") is not True


def fields(line):
    """Return {pointer: JSON text} of what somebody decided in a line that lives."""
    return {at: value for at, value in leaves(line).items() if at not in NAMES} if live(line) else {}


def substance(line):
    return json.dumps({k: v for k, v in json.loads(line).items() if k not in ASIDE}, sort_keys=True)
