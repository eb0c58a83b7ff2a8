"""The Store's contract, on memory, SQLite and PostgreSQL."""

from tests.contracts.store import (
    AccessContract,
    AuditContract,
    BatchesContract,
    CrowdsContract,
    EffectsContract,
    HistoryContract,
    NotesContract,
    PeopleContract,
    ReadingContract,
    StraysContract,
    TransactionsContract,
    VersionsContract,
)


class TestAccess(AccessContract): ...


class TestAudit(AuditContract): ...


class TestBatches(BatchesContract): ...


class TestCrowds(CrowdsContract): ...


class TestEffects(EffectsContract): ...


class TestHistory(HistoryContract): ...


class TestNotes(NotesContract): ...


class TestPeople(PeopleContract): ...


class TestReading(ReadingContract): ...


class TestStrays(StraysContract): ...


class TestTransactions(TransactionsContract): ...


class TestVersions(VersionsContract): ...
