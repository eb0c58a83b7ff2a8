"""Versions of the catalogue in the database: which one is live, and how one becomes so."""

from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from bot.core.audit import SYSTEM, Actor, Tag
from bot.core.difference import Difference
from bot.core.model import Catalogue
from bot.core.versions import NOBODY, Standing, Version, show_version, version_event
from bot.service.ports import Ids, Store, Tx
from bot.service.records import BadCatalogue, ForgedCatalogue

log = structlog.get_logger(__name__)

_TURN = "catalogue.turn"
_DIGEST = "catalogue.digest"
"""Where the live version's digest is, and was before there were versions."""


class Source(Protocol):
    """access.yaml, and what text of its kind means."""

    def read(self) -> str:
        """What the file says now. Raises BadCatalogue when it cannot be read."""
        ...

    def parse(self, text: str) -> Catalogue:
        """What it means. Raises BadCatalogue with everything that is wrong with it."""
        ...


class Signer(Protocol):
    """Signs digests with the installation's own key."""

    @property
    def public_key(self) -> str:
        """Hexadecimal."""
        ...

    def sign(self, digest: str) -> str:
        """A signature (hexadecimal) of a digest."""
        ...

    def vouches(self, digest: str, signature: str) -> bool:
        """Whether this is the installation's own signature, by any of its keys."""
        ...


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Versions of the catalogue in the database, and how one becomes live."""

    store: Store
    source: Source
    signer: Signer
    ids: Ids

    def opened(self, *, strict: bool = True) -> Catalogue:
        """What a process begins with: what is live, whatever the file says; before there was anything, the file.

        Raises BadCatalogue: where what is live was not put there by this installation, too. Where this version of
        prodaccess cannot read it, the file is taken instead, unless its changes wait for somebody's word. Not
        ``strict``: the file is taken in both cases, for an operator who has to get on.
        """
        with self.store.transaction() as tx:
            version = tx.standing(Standing.LIVE)
        if version is None:
            return self.source.parse(self.source.read())
        try:
            return self.catalogue_of(version)
        except BadCatalogue as error:
            log.warning("catalogue.live-not-usable", digest=version.digest[:12], why=str(error))
            if strict and (version.guarded or isinstance(error, ForgedCatalogue)):
                raise
        return self.source.parse(self.source.read())

    def catalogue_of(self, version: Version) -> Catalogue:
        """What a version says. Raises BadCatalogue as ``live``; one that was never live needs no signature."""
        short = version.digest[:12]
        if version.standing in {Standing.LIVE, Standing.REPLACED} and not self.is_ours(version):
            raise ForgedCatalogue(f"Version {short} in the database does not bear this installation's signature.")
        catalogue = self.source.parse(version.content)
        if catalogue.digest != version.digest:
            raise ForgedCatalogue(f"Version {short} in the database does not say what its digest stands for.")
        return catalogue

    def is_ours(self, version: Version) -> bool:
        """Whether the installation vouched for it when it became live."""
        return self.signer.vouches(version.signed, version.signature)

    def make_live(
        self, tx: Tx, version: Version, actor: Actor, found: Difference | None, *, by: str = NOBODY, note: str = ""
    ) -> Version:
        """Within a transaction that has the turn: this one is live, what was is not, and what waited is off."""
        now = tx.now()
        self.withdraw(tx, but=version.id)
        before = tx.standing(Standing.LIVE)
        if before is not None:
            tx.save_version(replace(before, standing=Standing.REPLACED))
        live = replace(
            version,
            standing=Standing.LIVE,
            decided_at=now,
            decided_by=by,
            signature=self.signer.sign(version.signed),
        )
        tx.save_version(live)
        tx.set_fact(_DIGEST, live.digest)
        if before is not None:
            tx.enqueue([show_version(live, now)])
        about = {
            "signature": self.signer.sign(live.digest),
            "public_key": self.signer.public_key,
            "counts": dict(found.counts) if found is not None else {},
            **({"note": note} if note else {}),
        }
        if live.before != live.digest or by != NOBODY:  # else it was live before versions were kept
            tx.append([version_event(Tag.CATALOGUE_CHANGED, actor, live, by=by, **about)])
        return live

    def propose(self, tx: Tx, version: Version, found: Difference | None) -> None:
        """Within a transaction that has the turn: this one waits, and what waited is off."""
        self.withdraw(tx)
        tx.save_version(version)
        tx.enqueue([show_version(version, tx.now())])
        counts = dict(found.counts) if found is not None else {}
        tx.append([version_event(Tag.CATALOGUE_PROPOSED, SYSTEM, version, counts=counts)])

    def renew_signature(self) -> None:
        """Sign what is live with the current key, as long as the one that it was signed with is there."""
        with self.store.transaction() as tx:
            take_turn(tx)
            version = tx.standing(Standing.LIVE)
            if version is None or not self.is_ours(version):
                return
            if (fresh := self.signer.sign(version.signed)) != version.signature:
                tx.save_version(replace(version, signature=fresh))

    def new_version(self, tx: Tx, catalogue: Catalogue, text: str, live: Version | None) -> Version:
        """What a file says, not saved yet, to come after what is live."""
        return Version(
            id=self.ids.new("c"),
            digest=catalogue.digest,
            before=live.digest if live else tx.fact(_DIGEST) or "",
            content=text,
            standing=Standing.WAITING,
            guarded=catalogue.changes is not None,
            seen_at=tx.now(),
        )

    @staticmethod
    def withdraw(tx: Tx, but: str = "") -> None:
        """Within a transaction that has the turn: nothing waits any more."""
        waiting = tx.standing(Standing.WAITING)
        if waiting is None or waiting.id == but:
            return
        off = replace(waiting, standing=Standing.WITHDRAWN, decided_at=tx.now(), decided_by=NOBODY)
        tx.save_version(off)
        tx.enqueue([show_version(off, tx.now())])
        tx.append([version_event(Tag.CATALOGUE_WITHDRAWN, SYSTEM, off)])


def take_turn(tx: Tx) -> None:
    """Writing comes first: replicas that act at the same moment wait here for each other, and then read."""
    tx.set_fact(_TURN, "")
