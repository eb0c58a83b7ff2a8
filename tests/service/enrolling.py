"""An office where people enrol: the service on a real store, a clock to move, and everybody's phone."""

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pyotp

from bot.core.model import Catalogue, Person
from bot.service.access import Access
from bot.service.enrolment import Enrolments
from bot.service.enrolment_secret import SecretShown
from bot.service.ids import RandomIds
from bot.service.people import People
from bot.service.ports import SecretBox, Store
from bot.service.proof import Codes
from bot.service.records import Authenticator, ChatUser, Enrolment
from bot.service.secretbox import AesGcmBox
from tests.core.examples import CATALOGUE, actor
from tests.service.fakes import Cloud, FakeClock, FakeDirectory

STEP = timedelta(seconds=30)
KEYS = {"k1": bytes(range(32))}


@dataclass(frozen=True)
class Phone:
    """An authenticator app that holds one secret."""

    secret: bytes
    clock: FakeClock

    def code(self, steps: int = 0) -> str:
        """The code shown that many steps from now."""
        generator = pyotp.TOTP(base64.b32encode(self.secret).decode())
        return generator.at(self.clock.now(), counter_offset=steps)

    def wrong_code(self) -> str:
        """A code of no step near now."""
        near = {self.code(steps) for steps in range(-4, 5)}
        return next(code for code in (f"{number:06d}" for number in range(20)) if code not in near)


@dataclass
class Office:
    """Everything wired together as in production, on ``store``."""

    store: Store
    clock: FakeClock
    catalogue: Catalogue = CATALOGUE
    box: SecretBox = field(default_factory=lambda: AesGcmBox(KEYS, "k1"))
    public_url: str = "https://access.example.com"
    directory: FakeDirectory = field(
        default_factory=lambda: FakeDirectory(
            *(
                ChatUser(min(person.slack_ids), "T1", person.name, person.email or "")
                for person in CATALOGUE.people.values()
            ),
            ChatUser("U9", "T1", "Nora", "nora@example.com"),
        )
    )

    def __post_init__(self) -> None:
        self.directory.groups["S1"] = frozenset()
        self.people = People(self.current, self.directory)
        self.codes = Codes(self.store, self.box, RandomIds())
        principals = [(account, name) for p in CATALOGUE.people.values() for account, name in p.identities.items()]
        self.cloud = Cloud(principals, now=self.clock.now)
        self.access = Access(self.store, self.current, self.people, {"cloud": self.cloud}, self.codes, RandomIds())
        self.enrolments = self.with_box(self.box)

    def current(self) -> Catalogue:
        return self.catalogue

    def with_box(self, box: SecretBox) -> Enrolments:
        """The use cases with another box, such as one that fails."""
        codes = replace(self.codes, box=box)
        return Enrolments(self.store, self.current, self.people, codes, box, RandomIds(), "prodaccess", self.public_url)

    def person(self, person_id: str) -> Person:
        return self.catalogue.people[person_id]

    def has_phone(self, person_id: str) -> Phone:
        """Enrol somebody without ceremony."""
        secret = (person_id.encode() * 20)[:20]
        with self.store.transaction() as tx:
            sealed = self.box.seal(secret, person_id)
            tx.save_authenticator(Authenticator(person_id, sealed, self.box.key_id, tx.now(), "setup"))
        return Phone(secret, self.clock)

    def requested(self, person_id: str) -> Enrolment:
        return _enrolment(self.enrolments.request(self.person(person_id), actor(person_id)))

    def vouched(self, person_id: str, voucher: str, phone: Phone) -> Enrolment:
        """Requested, and vouched for with the code that the voucher's phone shows."""
        asked = self.requested(person_id)
        said = self.enrolments.vouch(asked.id, self.person(voucher), phone.code(), actor(voucher))
        return _enrolment(said)

    def shown(self, enrolment: Enrolment) -> tuple[SecretShown, Phone]:
        """The secret shown, and put into a phone."""
        seen = self.enrolments.show(enrolment.id, self.person(enrolment.person), actor(enrolment.person))
        assert isinstance(seen, SecretShown), seen
        return seen, Phone(base64.b32decode(seen.secret.replace(" ", "")), self.clock)

    def authenticator(self, person_id: str) -> Authenticator | None:
        with self.store.transaction() as tx:
            return tx.authenticator(person_id)

    def stored(self, enrolment_id: str) -> Enrolment:
        with self.store.transaction() as tx:
            found = tx.enrolment(enrolment_id)
        assert found is not None
        return found

    def log(self) -> list[dict[str, object]]:
        """Every audit record."""
        with self.store.transaction() as tx:
            return [json.loads(record.body) for record in tx.audit()]

    def tags(self, prefix: str = "") -> list[str]:
        return [str(record["tag"]) for record in self.log() if str(record["tag"]).startswith(prefix)]


def _enrolment(outcome: object) -> Enrolment:
    assert isinstance(outcome, Enrolment), outcome
    return outcome
