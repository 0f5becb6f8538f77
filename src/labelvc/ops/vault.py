"""The vault, opened: rows that lead from tokens to values, sealed, merged, renewed and forgotten by who holds its key."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from labelvc.codec import canonical, keyfile, subkeys, vaultrow
from labelvc.codec.derive import hkdf, prefixed
from labelvc.codec.keyfile import KeyFile
from labelvc.codec.vaultrow import Keys, Row
from labelvc.core import pseudonym
from labelvc.errors import DataError, RefusedError, TrustError
from labelvc.ops import sharing
from labelvc.ops.sharing import Openers
from labelvc.store import age, vault
from labelvc.store.git import Git

_MOST_ALIASES = 500
_PARTS = 6
LINEAGE = ("alias", "before")
"""What in a row leads to another token of the same person."""


class Opened(NamedTuple):
    """A vault whose key is open.

    Attributes:
        folder: where it is.
        file: its key file.
        keys: what opens rows.
        rows: token to row.
        erased: tokens that the project's ledger lists; nothing of theirs comes in, whether this copy let go of them or not.
    """

    folder: Path
    file: KeyFile
    keys: Keys
    rows: dict[str, Row]
    erased: frozenset[str] = frozenset()

    def gone(self, token: str) -> bool:
        """Tell whether a token stands for somebody who was forgotten, here or by the ledger."""
        row = self.rows.get(token)
        return token in self.erased or (row is not None and row.sealed is None)

    def content(self, token: str) -> dict[str, Any]:
        """Return what a row that is not gone holds.

        Raises:
            DataError: it was changed, or belongs to another token.
        """
        return vaultrow.open_row(self.keys, self.rows[token], f"{self.folder} {token}")


def new(git: Git, project: str, at: str) -> KeyFile:
    """Begin a vault: a key in shares for the people of the role `reverse`, and no rows.

    Args:
        git: the repository.
        project: UUID of its project.
        at: the time, UTC.

    Returns:
        Its key file.

    Raises:
        ConfigurationError: nobody has the role.
        RefusedError: there is a vault already.
    """
    to = sharing.role(git, "reverse")
    with vault.held(git) as folder:
        if vault.current(folder) is not None:
            raise RefusedError("there is a vault already", where=str(folder), hint="labelvc vault status")
        secret, recipient = age.generate()
        file = sharing.lock(secret.encode(), to, recipient=recipient)
        one = Opened(folder, file, Keys(secret.encode(), project), {})
        record(one, {"at": at, "did": "new", "key": file.commitment})
        write(one)
    return file


def record(one: Opened, entry: Mapping[str, object]) -> None:
    """Add a line to the log that only who holds the vault's key can write.

    Raises:
        DataError: the log was edited.
        StoreError: the disk refuses.
    """
    vault.append(one.folder, entry, lambda content: subkeys.tag(_derived(one.keys, "log"), content))


def opened(folder: Path, project: str, openers: Openers, erased: frozenset[str] = frozenset()) -> Opened:
    """Open a vault with as many shares of its key as it needs.

    Args:
        folder: where it is.
        project: UUID of its project.
        openers: open it.
        erased: tokens that the project's ledger lists.

    Raises:
        TrustError: there is no vault, too few shares, or a wrong one.
        DataError: the vault is damaged, or a row was added, changed or taken away by who does not hold the key.
    """
    generation = vault.needed(folder)
    where = str(generation / vault.KEY)
    file = keyfile.read((generation / vault.KEY).read_bytes(), where)
    return _with(folder, file, Keys(sharing.unlock(file, openers, where), project))._replace(erased=erased)


def beside(one: Opened, folder: Path) -> Opened:
    """Open another vault with the key that opened one.

    Raises:
        TrustError: the other has another key.
        DataError: the other is damaged.
    """
    generation = vault.needed(folder)
    file = keyfile.read((generation / vault.KEY).read_bytes(), str(generation / vault.KEY))
    if file.commitment != one.file.commitment:
        message = "that vault has another key: it was begun apart, or one of the two was rotated"
        raise TrustError(
            message, where=str(generation), hint="merge before you rotate; else copy the newer vault whole"
        )
    return _with(folder, file, one.keys)


def fold(one: Opened) -> int:
    """Take what waits in a vault's inbox into its rows; `write` keeps them, and then the inbox may be cleared.

    Returns:
        How many rows are new or changed.

    Raises:
        DataError: something in the inbox is damaged, or gives a token another value than it has.
    """
    before = dict(one.rows)
    identity = age.identity(one.keys.secret.decode(), str(one.folder))
    for path in vault.waiting(one.folder):
        plain = age.decrypt(path.read_bytes(), [identity])
        if plain is None:
            hint = f"if it came from before a rotation, bring that vault back; else set it aside: mv {path} {path}.odd"
            raise DataError("a file in the inbox of the vault is not encrypted to it", where=str(path), hint=hint)
        for number, line in enumerate(plain.splitlines(), 1):
            put(one, *_waiting(line, f"{path}:{number}"), f"{path}:{number}")
    return sum(before.get(token) != row for token, row in one.rows.items())


def put(one: Opened, token: str, content: dict[str, Any], where: str) -> None:
    """Add what a token stands for; what was forgotten stays so, and so does what the ledger lists.

    Raises:
        DataError: it is no token, or it stands for another value already.
    """
    if not pseudonym.is_token(token):
        raise DataError("the check letters of a token are wrong", where=where, hint="copy it whole from a record")
    row = one.rows.get(token)
    if row is not None and row.sealed is None:
        return
    if token in one.erased:  # who this was before a re-key is needed to forget them there, and nothing else
        content = {name: said for name, said in content.items() if name in LINEAGE}
        if row is not None or not content:
            return
    if row is not None:
        content = _both(token, one.content(token), content, where)
    if "moves" in content:
        content = vaultrow.without(content, one.gone)
    one.rows[token] = vaultrow.seal(one.keys, token, pseudonym.epoch_of(token), content)


def write(one: Opened, *, clear: Iterable[Path] = ()) -> None:
    """Write a vault's rows as a new generation, with the root over them; then delete files of the inbox.

    Raises:
        StoreError: the disk refuses; the vault stays as it was.
    """
    found: dict[str, list[bytes]] = {}
    for token in sorted(one.rows):
        found.setdefault(vault.row_file(token), []).append(vaultrow.write(one.rows[token]))
    number, root = vault.root_of({name: sorted(lines) for name, lines in found.items()})
    contents = {name: b"".join([line + b"\n" for line in sorted(lines)]) for name, lines in found.items()}
    contents[vault.KEY] = keyfile.write(one.file)
    digest, logged = vault.chain(one.folder)
    said = {"last": digest, "log": logged, "root": root, "rows": number}
    root_line = {**said, "mac": subkeys.tag(*_rooted(one.keys, number, root, logged, digest))}
    contents[vault.ROOT] = canonical.encode(root_line) + b"\n"
    vault.begin(one.folder, contents)
    for path in clear:
        path.unlink(missing_ok=True)


def rotated(one: Opened, to: sharing.Role) -> Opened:
    """Return a vault with the same rows under a new key, in shares for the people who hold the role now."""
    secret, recipient = age.generate()
    keys = Keys(secret.encode(), one.keys.project)
    rows = {
        token: row if row.sealed is None else vaultrow.seal(keys, token, row.epoch, one.content(token))
        for token, row in one.rows.items()
    }
    return Opened(one.folder, sharing.lock(keys.secret, to, recipient=recipient), keys, rows, one.erased)


def trail(one: Opened, token: str) -> list[str]:
    """Return a token and those it leads to: what it is an alias of, and what it was before a re-key; the last one has the value."""
    found = [token]
    for _ in range(_MOST_ALIASES):
        row = one.rows.get(found[-1])
        if row is None or row.sealed is None:
            break
        content = one.content(found[-1])
        after = content.get("alias") or (None if "value" in content else content.get("before"))
        if after is None or ("alias" not in content and pseudonym.epoch_of(after) == pseudonym.epoch_of(found[-1])):
            break  # what a token was before a re-key is of another epoch
        found.append(after)
    return found


def _with(folder: Path, file: KeyFile, keys: Keys) -> Opened:
    """Read a vault's rows and hold them against the root that only its key can make."""
    generation = vault.needed(folder)
    found = vault.rows(generation)
    rows: dict[str, Row] = {}
    for name, lines in found.items():
        for number, line in enumerate(lines, 1):
            row = vaultrow.read(line, f"{generation / name}:{number}")
            rows[row.token] = row
    number, root = vault.root_of(found)
    try:
        said = canonical.decode(vault.lines(generation / vault.ROOT)[0])
        good = subkeys.is_tag(said["mac"], *_rooted(keys, number, root, said["log"], said["last"]))
    except (DataError, IndexError, KeyError, TypeError):
        good = False
    if not good:
        raise DataError(
            "rows of the vault were added, changed or taken away by somebody without its key",
            where=str(generation),
            hint="labelvc vault status; then bring the folder back from a backup, or take a colleague's whole",
        )
    _examine_log(folder, keys, said["log"], said["last"])
    return Opened(folder, file, keys, rows)


def _examine_log(folder: Path, keys: Keys, least: int, digest: str) -> None:
    """Refuse a log that was edited or cut: what was there when the vault was written last, and each line since.

    Args:
        folder: the vault.
        keys: seal the lines.
        least: how many lines there were when the vault was written last.
        digest: that of the last one of them, which all before it are chained to.
    """
    lines = vault.lines(folder / vault.LOG)
    if vault.chain(folder)[1] < least or hashlib.sha256(lines[least - 1]).hexdigest() != digest:
        raise vault.edited(folder, least)
    for number, line in enumerate(lines[least:], least + 1):
        value = canonical.decode(line)
        said = value.pop("mac", "")
        sealed = subkeys.is_tag(said, _derived(keys, "log"), canonical.encode(value))
        if value.get("did") != "lend" and not sealed:
            raise vault.edited(folder, number)


def _rooted(keys: Keys, number: int, root: str, logged: int, digest: str) -> tuple[bytes, str, str, str, str]:
    """Return the key and the parts of the tag that the root of a vault has."""
    return _derived(keys, "root"), str(number), root, str(logged), digest


def _derived(keys: Keys, use: str) -> bytes:
    salt = bytes.fromhex(keys.project.replace("-", ""))
    return hkdf(keys.secret, salt, prefixed("labelvc/v1", use), 32)


def _waiting(line: bytes, where: str) -> tuple[str, dict[str, Any]]:
    """Return the token and the content in a line of the inbox, which anybody who has the vault's public half can write.

    Raises:
        DataError: it is none that an import writes; what it holds is not told.
    """
    try:
        value = canonical.decode(line)
    except DataError:
        value = None
    content = value.get("content") if isinstance(value, dict) and isinstance(value.get("t"), str) else None
    if not isinstance(content, dict) or not _is_content(content):
        hint = "set the file aside and import again what it came from"
        raise DataError(
            "a line in the inbox of the vault is none that an import writes", where=where, hint=hint
        ) from None
    return value["t"], content


def _is_content(content: Mapping[str, Any]) -> bool:
    if content.keys() == {"keys"}:
        keys = content["keys"]
        return isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if "moves" in content:
        moves, content = content["moves"], {name: inner for name, inner in content.items() if name != "moves"}
        if not isinstance(moves, list) or not all(_is_move(move) for move in moves):
            return False
    known = content.keys() - {"before"} in ({"scope", "value"}, {"link", "scope", "value"}) or content.keys() == {
        "before"
    }
    return known and all(isinstance(inner, str) for inner in content.values())


def _is_move(move: object) -> bool:
    """Tell whether something is a step of the way back: four places, a token, and what it stands for or null."""
    if not isinstance(move, list) or len(move) != _PARTS:
        return False
    *places, token, said = move
    return all(type(at) is int for at in places) and isinstance(token, str) and isinstance(said, str | None)


def _both(token: str, one: dict[str, Any], two: dict[str, Any], where: str) -> dict[str, Any]:
    """Return what two rows of one token say together."""
    if "alias" in one or "alias" in two:
        return one if "alias" in one else two
    if one.get("before", two.get("before")) != two.get("before", one.get("before")):
        hint = "labelvc pseudonym verify-rekey A..B --keys, of the commit that re-keyed"
        raise DataError(f"the token {token} is said to have been two ones before a re-key", where=where, hint=hint)
    if "before" in one or "before" in two:
        before = {"before": one.get("before") or two["before"]}
        ours, theirs = ({name: said for name, said in each.items() if name != "before"} for each in (one, two))
        return {**(_both(token, ours, theirs, where) if ours and theirs else ours or theirs), **before}
    if "keys" in one and "keys" in two:
        return {"keys": sorted({*one["keys"], *two["keys"]})}
    if len(one.get("moves", ())) == len(two.get("moves", ())) > 0 and one["value"] == two["value"]:
        return {**one, "moves": [a if a[-1] is None else b for a, b in zip(one["moves"], two["moves"], strict=True)]}
    same = {**one, "value": ""} == {**two, "value": ""} and "value" in one and "value" in two
    kind = pseudonym.kind_of(token)
    if not same or pseudonym.normalised(kind, one["value"]) != pseudonym.normalised(kind, two["value"]):
        message = f"the token {token} stands for two different values"
        raise DataError(message, where=where, hint="one of the two vaults was made with another secret: labelvc doctor")
    return min(one, two, key=lambda content: str(content["value"]))


def key_of(text: str) -> bytes:
    """Return a key of sealed values from a row's text."""
    return base64.b64decode(text)
