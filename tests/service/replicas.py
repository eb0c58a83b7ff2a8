"""Replicas that each have an access.yaml of their own, on one database."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.catalogue import File
from bot.core.model import Catalogue
from bot.service.catalogues import Catalogues
from bot.service.changes import Changes
from bot.service.current import InUse
from bot.service.effects import LEASE
from bot.service.ids import RandomIds
from bot.service.people import People
from bot.service.ports import Store
from bot.service.proof import Codes
from bot.service.records import BadCatalogue
from bot.service.reloading import Reloading
from bot.service.secretbox import CatalogueSigner
from tests.service.fakes import FakeDirectory, PlainBox

DEMO = Path(__file__).parents[2] / "bot" / "sandbox" / "demo" / "access.yaml"
KEYS = {"k1": bytes(range(32)), "k2": bytes(range(1, 33))}
BASE = DEMO.read_text(encoding="utf-8")
"""What every replica's file says at first."""
ADMINS = "admins: [sam]"


def with_admins(*admins: str, text: str = BASE) -> str:
    """Another file."""
    assert text.count(ADMINS) == 1
    return text.replace(ADMINS, f"admins: [{', '.join(admins)}]")


def guarded(text: str = BASE, approve: str = "{people: [sam, ines]}") -> str:
    """The same file, whose changes wait for somebody's word."""
    return f"{text}\nchanges: {{approve: {approve}}}\n"


class Words:
    """An access.yaml whose every wording means what the test says it means."""

    def __init__(self, **meanings: Catalogue) -> None:
        self.meanings, self.text = meanings, next(iter(meanings), "")

    def read(self) -> str:
        return self.text

    def parse(self, text: str) -> Catalogue:
        if text not in self.meanings:
            raise BadCatalogue(f"access.yaml:1: {text!r} means nothing")
        return self.meanings[text]


def changes_of(store: Store, in_use: InUse, people: People, source: Words | None = None) -> Changes:
    """Changes of what a file says, which tests put there."""
    catalogues = Catalogues(store, source or Words(), CatalogueSigner(KEYS, "k1"), RandomIds())
    return Changes(catalogues, in_use, people, Codes(store, PlainBox(), RandomIds()))


class Replica:
    """One process's part in it."""

    def __init__(self, store: Store, file: Path, text: str = BASE, *, alone: bool = False, key: str = "k1") -> None:
        self.store, self.file = store, file
        self.says(text)
        self.catalogues = Catalogues(store, File(file), CatalogueSigner(KEYS, key), RandomIds())
        self.in_use = InUse(self.catalogues.opened())
        self.reloading = Reloading(self.catalogues, self.in_use, alone)
        people, codes = People(self.in_use, FakeDirectory()), Codes(store, PlainBox(), RandomIds())
        self.changes = Changes(self.catalogues, self.in_use, people, codes)
        self.reloading.begin()

    def says(self, text: str) -> None:
        """Edit the file."""
        self.file.write_text(text, encoding="utf-8")

    def looks(self, times: int = 2) -> None:
        for _ in range(times):
            self.reloading.look()

    def takes(self, text: str) -> None:
        """Edit the file, and let it be noticed."""
        self.says(text)
        self.looks()

    @property
    def admins(self) -> set[str]:
        """Who is an admin by what is in use: what these tests change."""
        return set(self.in_use().admins)

    def meaning(self, text: str) -> Catalogue:
        return self.catalogues.source.parse(text)

    @property
    def problem(self) -> str:
        return self.reloading.problem


def log_of(store: Store, prefix: str = "catalogue.") -> list[dict[str, Any]]:
    with store.transaction() as tx:
        records = [json.loads(record.body) for record in tx.audit()]
    return [record for record in records if record["tag"].startswith(prefix)]


def tags_of(store: Store) -> list[str]:
    return [record["tag"] for record in log_of(store)]


def effects_of(store: Store, kind: str) -> int:
    """How many of a kind are due or leased, and takes them."""
    return sum(claim.kind == kind for claim in store.claim("chat", 100, LEASE))


MakeReplica = Callable[..., Replica]
