"""What is done now and then rather than when someone acts."""

from typing import Protocol

import structlog

from bot.core.audit import SYSTEM, Event, Tag
from bot.core.model import Catalogue
from bot.service.ports import Store

log = structlog.get_logger(__name__)
_DIGEST = "catalogue.digest"
_TURN = "catalogue.turn"


class Signer(Protocol):
    """Signs digests with the installation's own key."""

    @property
    def public_key(self) -> str:
        """Hexadecimal."""
        ...

    def sign(self, digest: str) -> str:
        """A signature (hexadecimal) of a digest."""
        ...


def note_catalogue(store: Store, catalogue: Catalogue, signer: Signer) -> bool:
    """Log the catalogue's signed digest if it is not the last one logged. True when it was new."""
    with store.transaction() as tx:
        # Writing comes first: replicas that start at the same moment wait here for each other, and then read.
        tx.set_fact(_TURN, "")
        before = tx.fact(_DIGEST)
        if before == catalogue.digest:
            return False
        tx.set_fact(_DIGEST, catalogue.digest)
        about = {
            "digest": catalogue.digest,
            "before": before or "",
            "signature": signer.sign(catalogue.digest),
            "public_key": signer.public_key,
        }
        tx.append([Event(Tag.CATALOGUE_CHANGED, SYSTEM, data=about)])
    log.info("catalogue.changed", digest=catalogue.digest[:12])
    return True
