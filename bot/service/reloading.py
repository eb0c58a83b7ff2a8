"""Keeping to access.yaml while the service runs: what the file says becomes what is in use, here and on every replica.

Which version is live is in the database; a file only proposes. A file that cannot be used changes nothing.
"""

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot.core.audit import SYSTEM, Event, Tag
from bot.core.difference import Difference, difference
from bot.core.model import Catalogue, Effect
from bot.core.versions import Standing, Step, Version, next_step
from bot.service.catalogues import Catalogues, take_turn
from bot.service.current import InUse
from bot.service.records import BadCatalogue, ForgedCatalogue, StaleWrite

log = structlog.get_logger(__name__)

TOLD_FOR = timedelta(days=90)
"""For how long it is known that a file that cannot be used was told of."""
PROBLEMS_MOST = 2500
"""Characters of what is wrong with it that are kept."""
UNREADABLE = "reload refused"
NOT_OURS = "the version that is live cannot be used here"
WAITS = "waits for approval"
STALE = "the file here was replaced or denied before; SIGHUP reads it all the same"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file said: ``key`` differs where it does. Without ``text`` it could not be read."""

    key: str
    text: str = field(default="", repr=False)
    error: BadCatalogue | None = None


@dataclass(slots=True)
class Reloading:
    """One replica's eye on its file and on what is live. Safe to share between threads."""

    catalogues: Catalogues
    in_use: InUse
    alone: bool = False
    """Whether no other process can have a newer file: what the file says at the start is then the newest."""
    problem: str = ""
    """Why what the file says is not in use, as a phrase; empty when it is."""
    _own: str = ""
    """The digest of what the file said when it was good last."""
    _considered: str = ""
    _seen: str = ""
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_refused(self) -> bool:
        """Whether there is something that cannot be used, rather than something that is not used yet."""
        return self.problem in {UNREADABLE, NOT_OURS}

    # --- what is done now and then -----------------------------------------------------------------------

    def begin(self) -> None:
        """At the start of a service, which goes by what is live: the file may change that."""
        with self._turn:
            self.catalogues.renew_signature()
            self._follow()
            self._consider(self._read(), starting=True)

    def look(self) -> None:
        """Look at the database and at the file; what the file says counts once it has said it twice running.

        Raises StoreUnavailable; what was not done then is done the next time.
        """
        with self._turn:
            self._follow()
            seen = self._read()
            if seen.key == self._considered:
                self._seen = ""
            elif seen.key != self._seen:
                self._seen = seen.key  # it may be half written
            else:
                self._consider(seen)

    def reload(self) -> None:
        """Somebody at this machine says that the file is to be read now, whatever was decided about it before."""
        with self._turn:
            log.info("catalogue.reload")
            self._follow()
            self._consider(self._read(), told=True)

    # --- what is live ------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Go by what is live by the database."""
        with self.catalogues.store.transaction() as tx:
            standing = tx.standing_digests()
            digest = standing.get(Standing.LIVE)
            version = tx.standing(Standing.LIVE) if digest != self.in_use.newest.digest else None
        if version is not None:
            try:
                catalogue = self.catalogues.catalogue_of(version)
            except BadCatalogue as error:
                self._complain(NOT_OURS, error)
                return
            self.in_use.swap(catalogue)
            log.info("catalogue.in-use", digest=catalogue.digest[:12])
        if self._own and self.problem != UNREADABLE:
            self._stands(standing.get(Standing.WAITING))

    def _stands(self, waiting: str | None) -> None:
        """Whether the file here says what is in use, and if not, why."""
        before = self.problem
        self.problem = "" if self._own == self.in_use.newest.digest else WAITS if self._own == waiting else STALE
        if self.problem and self.problem != before:
            log.warning("catalogue.not-in-use", why=self.problem, digest=self._own[:12])
        elif before and not self.problem:
            log.info("catalogue.in-order", digest=self._own[:12])

    # --- what the file says ------------------------------------------------------------------------------

    def _read(self) -> Seen:
        try:
            text = self.catalogues.source.read()
        except BadCatalogue as error:
            return Seen(_sha(str(error)), error=error)
        return Seen(_sha(text), text)

    def _consider(self, seen: Seen, *, told: bool = False, starting: bool = False) -> None:
        try:
            if seen.error is not None:
                raise seen.error
            catalogue = self.catalogues.source.parse(seen.text)
        except BadCatalogue as error:
            self._refuse(seen.key, error)
        else:
            try:
                self._settle(catalogue, seen.text, told=told, starting=starting)
            except ForgedCatalogue as error:
                self._complain(NOT_OURS, error)
                return  # until an operator puts that right, no file counts
            self._own, self.problem = catalogue.digest, ""
            self._follow()
        self._considered, self._seen = seen.key, ""

    def _settle(self, catalogue: Catalogue, text: str, *, told: bool, starting: bool) -> None:
        while True:
            with self.catalogues.store.transaction() as tx:
                live = tx.standing(Standing.LIVE)
            found, usable = self._difference(live, catalogue)
            try:
                step = self._decide(catalogue, text, live, found, usable=usable, told=told, starting=starting)
            except StaleWrite:
                continue  # another replica was faster: look again
            if step is not Step.NOTHING:
                log.info("catalogue.file", step=str(step), digest=catalogue.digest[:12])
            return

    def _difference(self, live: Version | None, catalogue: Catalogue) -> tuple[Difference | None, bool]:
        """What the file would change, and whether what is live counts. It takes long: outside of any transaction.

        Raises ForgedCatalogue.
        """
        if live is None:
            return None, True
        here = self.in_use.newest
        try:
            base = here if here.digest == live.digest else self.catalogues.catalogue_of(live)
        except ForgedCatalogue:
            raise
        except BadCatalogue:
            return None, live.guarded
        return difference(base, catalogue), True

    def _decide(
        self,
        catalogue: Catalogue,
        text: str,
        seen: Version | None,
        found: Difference | None,
        *,
        usable: bool,
        told: bool,
        starting: bool,
    ) -> Step:
        with self.catalogues.store.transaction() as tx:
            take_turn(tx)
            live, waiting = tx.standing(Standing.LIVE), tx.standing(Standing.WAITING)
            if live != seen:
                raise StaleWrite("another version is live by now")
            head = waiting or live
            step = next_step(
                catalogue.digest,
                live=live if usable else None,
                waiting=waiting,
                known=tx.version_of(catalogue.digest),
                own=head.digest if head and starting and self.alone else self._own,
                told=told,
            )
            if step is Step.WITHDRAW:
                self.catalogues.withdraw(tx)
            version = self.catalogues.new_version(tx, catalogue, text, live)
            if step is Step.TAKE:
                self.catalogues.make_live(tx, version, SYSTEM, found)
            if step is Step.PROPOSE:
                self.catalogues.propose(tx, version, found)
        return step

    # --- what cannot be used -----------------------------------------------------------------------------

    def _refuse(self, key: str, error: BadCatalogue) -> None:
        """The old one stays. The channel is told once of each file, by whichever replica sees it first."""
        self._complain(UNREADABLE, error)
        with self.catalogues.store.transaction() as tx:
            now = tx.now()
            if not tx.once(f"catalogue-unreadable:{key}", now + TOLD_FOR):
                return
            payload = {
                "problems": str(error)[:PROBLEMS_MOST],
                "in_use": self.in_use.newest.digest,
                "at": now.isoformat(),
            }
            tx.enqueue([Effect("chat.catalogue-unreadable", key, f"catalogue-unreadable:{key}", now, payload)])
            about = {"content": key, "in_use": payload["in_use"], "problems": payload["problems"]}
            tx.append([Event(Tag.CATALOGUE_UNREADABLE, SYSTEM, data=about)])

    def _complain(self, what: str, error: BadCatalogue) -> None:
        if what != self.problem or what == UNREADABLE:
            log.error("catalogue.refused", what=what, why=str(error), in_use=self.in_use.newest.digest[:12])
        self.problem = what


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
