"""What every Store keeps, whatever it is made of. ``tests/store/test_contract.py`` runs it on each."""

from tests.contracts.store.access import AccessContract
from tests.contracts.store.audit import AuditContract
from tests.contracts.store.batches import BatchesContract
from tests.contracts.store.crowds import CrowdsContract
from tests.contracts.store.effects import EffectsContract
from tests.contracts.store.history import HistoryContract
from tests.contracts.store.notes import NotesContract
from tests.contracts.store.people import PeopleContract
from tests.contracts.store.reading import ReadingContract
from tests.contracts.store.strays import StraysContract
from tests.contracts.store.transactions import TransactionsContract
from tests.contracts.store.versions import VersionsContract

__all__ = [
    "AccessContract",
    "AuditContract",
    "BatchesContract",
    "CrowdsContract",
    "EffectsContract",
    "HistoryContract",
    "NotesContract",
    "PeopleContract",
    "ReadingContract",
    "StraysContract",
    "TransactionsContract",
    "VersionsContract",
]
