"""Who may decide what: principals with their keys, roles, and the rules that say whose word a change needs."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from labelvc.model.names import Digest

PREDICATE = "urn:labelvc:policy:1"
ROOT_ROLE = "root"
"""The role of those who own the root keys; the root says who they are, never the policy."""
EARLIER = 64
"""How many versions before the last one a policy names."""

ChangeKind = Literal[
    "labels", "items", "guidelines", "taxonomies", "datasets", "project", "registers", "privacy", "trust", "controls",
    "unknown", "rekeys", "waivers", "other",
]  # fmt: skip
"""What a change touches; `controls` are hooks, CI, schemas and attributes, `unknown` a stray file in a protected folder,
`rekeys` records and items that a statement calls re-keyed and in which nothing else changed, `waivers` findings that somebody lets
stand (`datasets` where no rule is about them), `other` a file that no policy protects."""

Separation = Literal["author", "annotators"]


class PublicKey(NamedTuple):
    """An SSH public key.

    Attributes:
        kind: its type, `ssh-ed25519`.
        blob: its wire form, RFC 4253 section 6.6.
    """

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """`SHA256:<base64 without padding>`, as `ssh-keygen -l` prints it."""
        return _fingerprint(self.blob)

    def __str__(self) -> str:
        """Return the key as one line of an authorized_keys file, without comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


@lru_cache(maxsize=1000)  # few people sign much
def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


class Presence(NamedTuple):
    """What a signature proves of a person beside the possession of the key; only a security key (FIDO) proves any of it.

    Attributes:
        touch: somebody touched the key for this signature.
        verification: they also showed it who they are, by PIN or fingerprint.
    """

    touch: bool = False
    verification: bool = False

    def proves(self, asked: Presence) -> bool:
        """Tell whether this is at least what is asked."""
        return self.touch >= asked.touch and self.verification >= asked.verification


class Principal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person or machine with keys.

    Attributes:
        name: printed name, which every statement of theirs repeats.
        kind: whether a person or a machine speaks.
        keys: SSH public keys, `ssh-ed25519 AAAA...` without comment.
        emails: addresses of their commits.
        pseudonyms: tokens that stand for them in the `by` of records.
        proofs: signatures that show that they hold a key, see `labelvc.codec.possession`.
    """

    name: str
    kind: Literal["human", "ci", "bot"] = "human"
    keys: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    pseudonyms: tuple[str, ...] = ()
    proofs: tuple[str, ...] = ()

    def can_prove(self, asked: Presence) -> bool:
        """Tell whether they have a security key, when something is asked that only such a key proves."""
        return not any(asked) or any(line.startswith("sk-") for line in self.keys)


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A hat.

    Attributes:
        members: ids of the principals who may wear it.
        incompatible: roles that none of its members may hold as well.
    """

    members: tuple[str, ...]
    incompatible: tuple[str, ...] = ()


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """How many people of a role must agree.

    Attributes:
        role: the hat they wear.
        count: how many different principals.
        distinct_from: whom they must not be: an `author` of the change, or one of the `annotators` of a touched record.
        require_touch: only signatures count for which a security key was touched.
        require_verification: only signatures count for which a security key also asked who touches it.
        max_age: seconds after its own stated time for which a yes counts; None: for ever.
    """

    role: str
    count: int = 1
    distinct_from: tuple[Separation, ...] = ()
    require_touch: bool = False
    require_verification: bool = False
    max_age: int | None = None

    @property
    def presence(self) -> Presence:
        """What a signature must prove of the person to count."""
        return Presence(self.require_touch, self.require_verification)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What a change of some kinds, in some places, needs. Every rule that matches a change must be met, and every need of it.

    Attributes:
        name: for people.
        kinds: what it is about.
        needs: all of them must be met, by different principals.
        paths: globs of the places it is about (`*` stops at `/`, `**` does not); empty means everywhere.
            A record's place is `datasets/<dataset>/annotations`, an item's `datasets/<dataset>/items`.
        emergency: who may let such a change in before the others agree, until they do; None: nobody may.
        own_records: whether an author who holds no role that it asks for may only make, edit and delete their own records.
        ratify_within: seconds after such a change came in, in which the others must agree; None: they may take any time.
    """

    name: str
    kinds: tuple[ChangeKind, ...]
    needs: tuple[Need, ...]
    paths: tuple[str, ...] = ()
    emergency: Need | None = None
    own_records: bool = False
    ratify_within: int | None = None


class Distrust(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"since": "from"}):
    """A principal whose words count for nothing in any step after a commit, whatever the policy before the step said.

    Attributes:
        principal: id of somebody the policy knows or knew.
        since: full id of a commit; what came in with it or before it stays as it was judged.
        reason: why, for people.
        key: fingerprint of the only key it is about; empty: every key of theirs.
    """

    principal: str
    since: str
    reason: str
    key: str = ""

    def speaks_of(self, principal: str, keyid: str) -> bool:
        """Tell whether this is about what somebody signed with a key."""
        return self.principal == principal and self.key in ("", keyid)

    def __str__(self) -> str:
        """Return why what they signed counts for nothing, in words."""
        return f"{self.principal} is distrusted after {self.since[:12]}: {self.reason}"


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """The signed rules of one repository. What no rule allows inside the protected places is denied.

    Attributes:
        version: 1, then one more each time.
        previous: payload digest of the version before; None for the first.
        repository: UUID of the project.
        principals: id to principal.
        roles: name to role; `root` is never among them.
        rules: see `Rule`.
        distrusted: see `Distrust`.
        proven_keys: whether every key must come with a proof that its owner holds it.
        earlier: payload digests of the versions before `previous`, the newest first, as many as `EARLIER` at most; so a step that
            brings several versions at once, as a squash does, shows that the last of them follows.
    """

    version: int
    previous: Digest | None
    repository: str
    principals: dict[str, Principal]
    roles: dict[str, Role]
    rules: tuple[Rule, ...]
    distrusted: tuple[Distrust, ...] = ()
    proven_keys: bool = False
    earlier: tuple[Digest, ...] = ()

    def grants(self, principal: str, role: str) -> bool:
        """Tell whether a principal may wear a hat."""
        return role in self.roles and principal in self.roles[role].members

    def distrusts(self, principal: str, keyid: str = "") -> Distrust | None:
        """Return why what a principal signed with a key counts for nothing, or None; without a key: with any key."""
        for each in self.distrusted:
            if each.speaks_of(principal, keyid):
                return each
        return None


class RootKey(msgspec.Struct, frozen=True):
    """A key of the root with the principal who owns it."""

    key: str
    owner: str


class Root(msgspec.Struct, frozen=True):
    """The root of trust: whose keys may change the root, and whose may sign the policy.

    Attributes:
        version: 1, then one more each time.
        repository: UUID of the project.
        keys: fingerprint to key.
        root: fingerprints that sign the next root, and how many of them must.
        targets: fingerprints that sign the policy, and how many of them must.
        digest: payload digest; that of version 1 is what people pin.
        expires: RFC 3339 UTC; told when it is over and never enforced, since an old root must stay readable in history.
    """

    version: int
    repository: str
    keys: dict[str, RootKey]
    root: tuple[tuple[str, ...], int]
    targets: tuple[tuple[str, ...], int]
    digest: Digest
    expires: str = ""


class Trust(NamedTuple):
    """The policy in force at one snapshot and what vouches for it.

    Attributes:
        policy: its roles include `root`, filled from the root.
        digest: payload digest of the policy.
        roots: the chain of roots, version 1 first.
        pinned: True when version 1 of the root is the one the reader named; False when nobody named one.
    """

    policy: Policy
    digest: Digest
    roots: tuple[Root, ...]
    pinned: bool

    @property
    def root(self) -> Root:
        """The root in force: the newest of the chain."""
        return self.roots[-1]

    @property
    def anchor(self) -> Digest:
        """The digest to pin: payload digest of root version 1."""
        return self.roots[0].digest
