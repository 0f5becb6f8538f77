"""Links: what an importing machine keeps of random and sealed fields, so that the same value means the same again.

A link leads from a keyed digest of a value to its random token; a wrapped key seals the values of one token. Both are of
no use without the epoch's secret, and what only the vault may tell waits in its inbox, encrypted to the vault.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from labelvc.codec import canonical, keyfile, subkeys, vaultrow
from labelvc.core import pseudonym
from labelvc.errors import DataError, StoreError
from labelvc.model.project import Project
from labelvc.model.secret import Secret
from labelvc.ops.comeback import Comeback
from labelvc.store import age, disk, vault
from labelvc.store.git import Git

PARCEL = 4 << 20
"""Bytes after which a file of the inbox is full: so much of what an import replaced is in memory at once."""
_BESIDE = {vault.LINKS: ("i", "m", "t"), vault.KEYS: ("d", "t")}
"""The files beside a vault, and the members of their lines."""


class Links:
    """The links and keys of a vault's folder, as an import sees and adds to them.

    Args:
        git: the repository, whose vault must have been begun.
        project: its project.
        secrets: the active epoch's secret, and before it those of the epochs it is chained to, oldest first.

    Raises:
        TrustError: there is no vault on this machine, or others may enter it.
        DataError: its key file is damaged.
    """

    def __init__(self, git: Git, project: Project, secrets: Sequence[Secret]) -> None:
        self._git, self._project, self._secrets = git, project, secrets
        self._comeback = Comeback(git, project, secrets)
        recipient(vault.home(git))  # without a vault nothing is begun; whom to encrypt to is asked again in the end
        self._tokens = self._read_links(vault.home(git) / vault.LINKS)
        self._keys: dict[str, bytes] = {}
        self._wrapped = _by_token(vault.lines(vault.home(git) / vault.KEYS), str(vault.home(git) / vault.KEYS))
        self._fresh: list[tuple[str, dict[str, Any]]] = []
        self._new_links: dict[str, str] = {}
        self._new_keys: dict[str, str] = {}

    def random(self, domain: str, kind: str, value: str, scope: str) -> str:
        """Return the random token of a value: the one it has in a domain, or a new one.

        Raises:
            DataError: the value is empty once normalised.
            RefusedError: it belongs to somebody who was erased: a new token would bring them back unseen.
        """
        normaliser, plain = pseudonym.normalised(kind, value)
        blinds = [self._subkey(at, "blind", domain, kind) for at in range(len(self._secrets))]
        *_, link = links = [subkeys.tag(blind, scope, normaliser, plain) for blind in blinds]
        for at in reversed(range(len(links))):
            if links[at] in self._tokens:
                return self._carried(domain, self._tokens[links[at]], at)
        self._comeback.refuse(kind, value, scope)
        found = pseudonym.of_bytes(kind, self._secrets[-1].epoch, secrets.token_bytes(32))
        self._tokens[link] = self._new_links[link] = found
        self._fresh.append((found, {"link": link, "scope": scope, "value": value}))
        return found

    def seal(self, domain: str, kind: str, value: str, scope: str, place: str) -> str:
        """Return a value sealed in place behind its token: under that token's key, or that of the one it was chained from.

        Args:
            domain: of the token.
            kind: of the value.
            value: the plain value.
            scope: how far it shares its token.
            place: dataset and field it stands in; it opens nowhere else.
        """
        project = self._project
        tokens = pseudonym.lineage(self._secrets, project.id, domain, kind, value, scope)
        at = next((at for at in reversed(range(len(tokens))) if self._known(tokens[at], at)), len(tokens) - 1)
        key = self._known(tokens[at], at) or self._drawn(tokens[at])
        return f"{tokens[-1]}:{vaultrow.hide(key, value, project.id, kind, tokens[at], place)}"

    def _carried(self, domain: str, token: str, at: int) -> str:
        """Return the token that a token of an epoch of the chain has become."""
        for secret in self._secrets[at + 1 :]:
            token = pseudonym.chained(secret, self._project.id, domain, token)
        return token

    def _known(self, token: str, at: int) -> bytes | None:
        """Return the key of a token of an epoch of the chain, where it is here."""
        if token not in self._keys:
            wrap = self._subkey(at, "wrap", length=vaultrow.KEY_BYTES)
            here = (vaultrow.unwrap(wrap, text, self._project.id, token) for text in self._wrapped.get(token, ()))
            key = next(filter(None, here), None)
            if key is None:
                return None
            self._keys[token] = key
        return self._keys[token]

    def _drawn(self, token: str) -> bytes:
        """Return a fresh key for a token of the active epoch."""
        key = self._keys[token] = secrets.token_bytes(vaultrow.KEY_BYTES)
        wrap = self._subkey(-1, "wrap", length=vaultrow.KEY_BYTES)
        self._new_keys[token] = vaultrow.wrap(wrap, key, self._project.id, token)
        self._fresh.append((token, {"keys": [base64.b64encode(key).decode()]}))
        return key

    def _subkey(self, at: int, use: str, domain: str = "", kind: str = "", length: int = 32) -> bytes:
        return subkeys.subkey(self._secrets[at], self._project.id, use, domain, kind, length)

    def keep(self, more: Iterable[tuple[str, dict[str, Any]]] = ()) -> int:
        """Write what is new: into the vault's inbox first, then links and keys; nothing when nothing is new.

        Args:
            more: tokens and what they stand for, beside those that were made here; read as they are written.

        Returns:
            How many rows wait in the inbox more than before.

        Raises:
            StoreError: another import gave one of these values a token meanwhile, or the disk refuses.
        """
        number = 0

        def counted() -> Iterator[tuple[str, dict[str, Any]]]:
            nonlocal number
            for number, row in enumerate(rows, 1):  # noqa: B007 - the last number is what is asked for
                yield row

        rows = iter(chain(self._fresh, more))
        first = list(islice(rows, 1))
        if not first:
            return 0
        rows = chain(first, rows)
        with vault.held(self._git) as folder:
            known = self._read_links(folder / vault.LINKS)
            wrapped = _by_token(vault.lines(folder / vault.KEYS), str(folder / vault.KEYS))
            if self._new_links.keys() & known.keys() or self._new_keys.keys() & wrapped.keys():
                message = "another import gave the same values their tokens meanwhile; nothing was written"
                raise StoreError(message, where=str(folder), hint="run the command again")
            vault.put_in(folder, parcels(counted(), recipient(folder)))
            links = [self._link_line(link, token) for link, token in self._new_links.items()]
            keys = [canonical.encode({"d": text, "t": token}) for token, text in self._new_keys.items()]
            add(folder / vault.LINKS, links)
            add(folder / vault.KEYS, keys)
            self._fresh, self._new_links, self._new_keys = [], {}, {}
        return number

    def _link_line(self, link: str, token: str) -> bytes:
        return canonical.encode({"i": link, "m": subkeys.tag(self._subkey(-1, "link"), link, token), "t": token})

    def _read_links(self, path: Path) -> dict[str, str]:
        return read(path, {secret.epoch: self._subkey(at, "link") for at, secret in enumerate(self._secrets)})


def read(path: Path, keys: Mapping[str, bytes]) -> dict[str, str]:
    """Return the links of some epochs that were made with their secrets; the smallest token where there are two.

    Args:
        path: the file of links.
        keys: epoch to the key that its links are made with.

    Raises:
        DataError: a link of one of these epochs leads to a token that nobody with the secret gave it.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(vault.lines(path), 1):
        value = entry(line, ("i", "m", "t"), f"{path}:{number}")
        key = keys.get(pseudonym.epoch_of(value["t"]))
        if key is None:
            continue
        if not subkeys.is_tag(value["m"], key, value["i"], value["t"]):
            message = "a link of the vault was changed: it leads to another token than it was made for"
            raise DataError(
                message, where=f"{path}:{number}", hint="take the file from a backup or a colleague's vault"
            )
        found[value["i"]] = min(found.get(value["i"], value["t"]), value["t"])
    return found


def recipient(folder: Path) -> str:
    """Return whom to encrypt to what a vault shall hold: only while the vault is held is it sure that nobody rotates its key.

    Raises:
        TrustError: there is no vault on this machine, or others may enter it.
        DataError: its key file is damaged.
    """
    where = vault.needed(folder) / vault.KEY
    return keyfile.read(where.read_bytes(), str(where)).to


def parcels(rows: Iterable[tuple[str, dict[str, Any]]], to: str) -> Iterator[bytes]:
    """Yield files for the inbox: lines of tokens and what they stand for, some at a time, encrypted to the vault."""
    lines: list[bytes] = []
    size = 0
    for token, content in rows:
        lines.append(canonical.encode({"content": content, "t": token}) + b"\n")
        size += len(lines[-1])
        if size > PARCEL:
            yield age.encrypt(b"".join(lines), [to])
            lines, size = [], 0
    if lines:
        yield age.encrypt(b"".join(lines), [to])


def add(path: Path, lines: Iterable[bytes]) -> None:
    """Add lines to a file of the vault, sorted and each once; nothing is written when there are none."""
    fresh = list(lines)
    if fresh:
        write(path, [*vault.lines(path), *fresh])


def write(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file of the vault: its lines sorted, each once."""
    disk.replace(path, b"".join([line + b"\n" for line in sorted(set(lines))]))


def entry(line: bytes, names: tuple[str, ...], where: str) -> Mapping[str, str]:
    """Return the members of a line of links or keys.

    Raises:
        DataError: it is none.
    """
    try:
        value = canonical.decode(line)
    except DataError:
        value = None
    if (
        not isinstance(value, dict)
        or tuple(sorted(value)) != names
        or not all(isinstance(v, str) for v in value.values())
    ):
        hint = "take the file from a backup or a colleague's vault"
        raise DataError("the line is none of the vault's (docs/formats/vault.md)", where=where, hint=hint)
    return value


def _by_token(lines: Iterable[bytes], where: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        value = entry(line, ("d", "t"), f"{where}:{number}")
        found.setdefault(value["t"], []).append(value["d"])
    return found


def linked(folder: Path, tokens: Iterable[str]) -> int:
    """Return how many links and keys of tokens are on this machine."""
    wanted = frozenset(tokens)
    rows = ((path, members) for name, members in _BESIDE.items() if (path := folder / name).exists())
    return sum(entry(line, members, str(path))["t"] in wanted for path, members in rows for line in vault.lines(path))


def drop(folder: Path, tokens: Iterable[str]) -> None:
    """Take the links and keys of tokens off this machine."""
    gone = frozenset(tokens)
    for name, members in _BESIDE.items():
        path = folder / name
        kept = [line for line in vault.lines(path) if entry(line, members, str(path))["t"] not in gone]
        if path.exists():
            write(path, kept)
