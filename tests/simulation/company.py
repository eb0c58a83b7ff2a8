"""The world of one history: the example company, what it depends on, and what can change about it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from bot.core.model import Account, Catalogue, Statement
from bot.core.rules import BreakGlass, Extension, Stage
from bot.service import homes
from bot.service.records import Authenticator, ChatUser
from bot.store.memory import MemoryStore
from tests.core.examples import CATALOGUE as EXAMPLE
from tests.core.examples import HOUR, MINUTE, NOW
from tests.service.fakes import CountingIds, PlainBox
from tests.simulation.clock import Time
from tests.simulation.invariants import Invariants
from tests.simulation.outside import SimChat, SimCloud, SimDirectory
from tests.simulation.rules import Setup
from tests.simulation.tasks import Tasks
from tests.simulation.weather import Weather

TEAM = "T1"
LONGER, ALONE, GLASS = Extension(HOUR), Extension(HOUR, approval=False), BreakGlass(HOUR, 6 * HOUR)
WAYS = {
    "s3-read": {"extend": LONGER, "break_glass": GLASS},
    "deploy": {"extend": ALONE},
    "db-admin": {"extend": LONGER},
}
CATALOGUE = replace(
    EXAMPLE,
    roles={key: replace(role, lapses_after=30 * MINUTE, **WAYS.get(key, {})) for key, role in EXAMPLE.roles.items()},
)
"""Requests lapse soon, so that histories are short. Access can be made longer, and some of it had by breaking glass."""
ENROLLED = ("alice", "bob", "mona", "otto", "sam")
PRINCIPALS = [(account, name) for person in CATALOGUE.people.values() for account, name in person.identities.items()]
SECOND = timedelta(seconds=1)
LOOKS = ("leavers", *(f"drift:{account}" for account in CATALOGUE.accounts))


class Company:
    """Everything that is there once, however many replicas run."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.time = Time(NOW)
        self.store = MemoryStore(self.time)
        self.in_transaction = False
        self.ids = CountingIds()
        self.tasks = Tasks(rng, rng.choice((0.0, 0.01, 0.03, 0.1)))
        self.weather = Weather(rng, self.time)
        self.cloud = SimCloud(self, PRINCIPALS, rng.choice((0, 0, 2, 10)) * SECOND)
        self.chat = SimChat(self)
        self.directory = SimDirectory(self, *_accounts())
        self.directory.groups["S1"] = frozenset({"U4"})
        self.catalogue: Catalogue = CATALOGUE
        self._edits: set[str] = set()
        self.went_around = False
        """Whether somebody changed the cloud by hand."""
        self.unseen = False
        """Whether nobody has looked since."""
        self.setups: list[Setup] = []
        self.note_setup()
        self.invariants = Invariants(self)
        with self.store.transaction() as tx:
            for person in ENROLLED:
                tx.save_authenticator(_AUTHENTICATORS[person])
            for person in CATALOGUE.people:
                homes.note(tx, person)

    def note_setup(self) -> None:
        """Remember what the catalogue and the directory say from now on."""
        self.setups.append(Setup(self.catalogue, dict(self.directory.users), dict(self.directory.groups)))

    @property
    def anybody_left(self) -> bool:
        """Whether somebody whom the catalogue knows may not use the bot any more."""
        return any(not self.setups[-1].is_welcome(person) for person in self.catalogue.people.values())

    @property
    def store_has_strays(self) -> bool:
        """Whether a stray is not settled."""
        with self.store.transaction() as tx:
            return bool(tx.unsettled_strays())

    def forget_next_looks(self) -> None:
        """Looks are steps here and do not follow from each other, or a history would consist of little else."""
        rows = (self.store._state.effects.get(key) for key in LOOKS)
        found = [row.effect.key for row in rows if row and row.due_at > self.time.now() and not row.effect.payload]
        if found:
            with self.store.transaction() as tx:
                tx.cancel(found)

    def edit(self, edit: str) -> None:
        """Make one of ``EDITS`` to access.yaml, or take it back."""
        self._edits ^= {edit}
        self._apply_edits()

    def take_back_edits(self) -> None:
        """Access.yaml is as it was at the start."""
        self._edits.clear()
        self._apply_edits()

    def _apply_edits(self) -> None:
        self.catalogue = CATALOGUE
        for name, edit in EDITS.items():
            if name in self._edits:
                self.catalogue = edit(self.catalogue)
        self.note_setup()


def secret_of(person: str) -> bytes:
    """A person's TOTP secret."""
    return person.encode().ljust(20, b".")


_AUTHENTICATORS = {
    person: Authenticator(person, PlainBox().seal(secret_of(person), person), "k1", NOW, "sam") for person in ENROLLED
}


def _accounts() -> list[ChatUser]:
    people = CATALOGUE.people.values()
    known = [ChatUser(chat_id, TEAM, p.name, p.email or "") for p in people for chat_id in sorted(p.slack_ids)]
    return [*known, ChatUser("U9", TEAM, "Zoe", "zoe@example.com")]


def _person(name: str, **changes: object) -> Callable[[Catalogue], Catalogue]:
    def edit(catalogue: Catalogue) -> Catalogue:
        person = replace(catalogue.people[name], **changes)  # type: ignore[arg-type]
        return replace(catalogue, people={**catalogue.people, name: person})

    return edit


def _role(name: str, **changes: object) -> Callable[[Catalogue], Catalogue]:
    def edit(catalogue: Catalogue) -> Catalogue:
        if name not in catalogue.roles:
            return catalogue
        return replace(catalogue, roles={**catalogue.roles, name: replace(catalogue.roles[name], **changes)})  # type: ignore[arg-type]

    return edit


def _without(kind: str, key: str) -> Callable[[Catalogue], Catalogue]:
    def edit(catalogue: Catalogue) -> Catalogue:
        return replace(catalogue, **{kind: {k: v for k, v in getattr(catalogue, kind).items() if k != key}})

    return edit


EDITS: dict[str, Callable[[Catalogue], Catalogue]] = {
    "alice is no engineer": _person("alice", groups=frozenset()),
    "alice has another manager": _person("alice", manager="otto"),
    "alice has another user in payments": _person("alice", identities={"payments": "user/alice2"}),
    "otto is no lead": lambda catalogue: replace(catalogue, groups={**catalogue.groups, "leads": frozenset()}),
    "s3-read allows more": _role("s3-read", statements=(Statement(("s3:*",), ("arn:aws:s3:::{bucket}/*",)),)),
    "s3-read wants two": _role(
        "s3-read",
        stages=(Stage(manager=True, groups=frozenset({"leads"}), people=frozenset({"sam"}), quorum=2),),
    ),
    "s3-read is not had by breaking glass": _role("s3-read", break_glass=None),
    "deploy is made longer with a yes only": _role("deploy", extend=LONGER),
    "s3-read is not made longer": _role("s3-read", extend=None),
    "db-admin lapses soon": _role("db-admin", lapses_after=5 * MINUTE),
    "no role deploy": _without("roles", "deploy"),
    "no account search": _without("accounts", "search"),
    "payments has another title": lambda catalogue: replace(
        catalogue, accounts={**catalogue.accounts, "payments": Account("payments", "Money", "111111111111")}
    ),
}
"""What an edit of access.yaml may say; each can be taken back."""
