"""Say what happened to every record of a repository by walking all of its revisions, one after another.

An oracle: it shares no code with the product, reads shards with git (and the DVC cache as files) and lines with json.
"""

import json
import subprocess
from pathlib import Path

NAMES = ("item", "id", "rev")


class History:
    """The lines of one dataset at each commit of the first-parent line, oldest first."""

    def __init__(self, folder, dataset):
        self.folder, self.dataset = Path(folder), dataset
        self.commits = self._git("rev-list", "--first-parent", "--reverse", "HEAD").decode().split()
        self._blobs = {}

    def _git(self, *words):
        return subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True).stdout

    def _parsed(self, name, read):
        if name not in self._blobs:
            rows = [(line, json.loads(line)) for line in read().split(b"\n") if line]
            self._blobs[name] = {(row["item"], row["id"]): line for line, row in rows}
        return self._blobs[name]

    def shards(self, commit):
        """Return the records of each shard at a commit, in git or behind its pointer."""
        folder = f"datasets/{self.dataset}/annotations"
        listed = self._git("ls-tree", "-r", commit, "--", folder, f"{folder}.dvc").decode().splitlines()
        rows = [(line.split("\t")[1], line.split()[2]) for line in listed]
        for path, oid in rows:
            if path.endswith(".jsonl"):
                yield self._parsed(oid, lambda oid=oid: self._git("cat-file", "blob", oid))
            else:
                pointer = self._git("show", f"{commit}:{path}").decode()
                (md5,) = [line.split("md5: ")[1] for line in pointer.splitlines() if "md5: " in line]
                for row in json.loads(self._object(md5)):
                    yield self._parsed(row["md5"], lambda md5=row["md5"]: self._object(md5))

    def _object(self, md5):
        return (self.folder / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]).read_bytes()

    def lives(self):
        """Return {(item, id): [(commit, old line, new line)]}; a line that only changed its file did not change."""
        found, before, shards = {}, {}, []
        for commit in self.commits:
            now = list(self.shards(commit))
            same = {id(shard) for shard in shards} & {id(shard) for shard in now}
            left = {key: line for shard in shards if id(shard) not in same for key, line in shard.items()}
            new = {key: line for shard in now if id(shard) not in same for key, line in shard.items()}
            for key in left.keys() | new.keys():
                if left.get(key) != new.get(key):
                    found.setdefault(key, []).append((commit, left.get(key), new.get(key)))
                    before[key] = new.get(key)
            shards = now
        return found

    def blame(self, lives):
        """Return {(item, id): {pointer: commit}} of the records that are there at the end."""
        found = {}
        for key, steps in lives.items():
            fields = {}
            for commit, old, new in steps:
                was, now = leaves(old), leaves(new)
                fields = {
                    at: fields[at] if was.get(at) == value and at in fields else commit for at, value in now.items()
                }
            if steps[-1][2] and "/gone" not in fields:
                found[key] = {at: commit for at, commit in fields.items() if at[1:] not in NAMES}
        return found


def leaves(line):
    """Return {pointer: JSON text} of whatever is no object with members."""
    found, waiting = {}, [("", json.loads(line))] if line else []
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting += [(f"{at}/{name.replace('~', '~0').replace('/', '~1')}", inner) for name, inner in value.items()]
        else:
            found[at] = json.dumps(value, sort_keys=True)
    return found
