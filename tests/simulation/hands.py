"""Steps around us: what somebody does in an account by hand, who leaves the chat, and how both are noticed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.model import Effect
from bot.core.strays import NEEDS_CODE, Fate
from bot.service.leaving import note
from bot.service.reconciling import SECOND_LOOK
from bot.service.records import Permission, StoreUnavailable
from tests.core.examples import DAY, actor
from tests.simulation.company import PRINCIPALS
from tests.simulation.people import Click, code_of

if TYPE_CHECKING:
    from tests.simulation.history import History
    from tests.simulation.replica import Replica

WIDE = '[{"Action":["s3:*"],"Effect":"Allow","Resource":["*"]}]'
IDLE = 0.97
PLANTED = f'{{"Statement":{WIDE},"Version":"2012-10-17"}}'


# --- in the accounts -------------------------------------------------------------------------------------


def meddle(history: "History") -> str | None:
    """Somebody alters a policy of ours, takes one away, or puts one of theirs under our name."""
    how = history.rng.choice((_alter, _alter, _alter, _copy, _plant, _take_away))
    words = how(history)
    if words is not None:
        history.company.went_around = history.company.unseen = True
    return words


def _alter(history: "History") -> str | None:
    permission = _pick_held(history)
    if permission is None:
        return None
    how: dict[str, Callable[[Permission], Permission]] = {
        "last a day longer": lambda given: replace(given, expires_at=given.expires_at + DAY),
        "allow more": lambda given: replace(given, policy=WIDE),
    }
    words = history.rng.choice(list(how))
    history.company.cloud.tamper(how[words](permission))
    return f"somebody lets {permission.grant_id} {words}"


def _copy(history: "History") -> str | None:
    permission = _pick_held(history)
    if permission is None:
        return None
    history.company.cloud.tamper(replace(permission, grant_id="g-unknown"))
    return f"somebody copies {permission.principal}'s policy to an unknown name"


def _plant(history: "History") -> str:
    """Under a name that we never gave, or that some grant had."""
    with history.company.store.transaction() as tx:
        grants = tx.grants_by_id(list(history.company.invariants.book.grants))
    places = [(grant.account, grant.principal, grant.id) for grant in grants.values()]
    unknown = (*history.rng.choice(PRINCIPALS[:3]), "prod-fix")
    place = history.rng.choice([unknown, *places])
    history.company.cloud.plant(*place, PLANTED)
    return f"somebody puts a policy of their own on {place[1]} as {place[2]}"


def _take_away(history: "History") -> str | None:
    written = sorted(history.company.cloud.written())
    if not written:
        return None
    key = history.rng.choice(written)
    history.company.cloud.take_away(key)
    return f"somebody takes {key[2]} away from {key[1]}"


def _pick_held(history: "History") -> Permission | None:
    held = history.company.cloud.held()
    return held[history.rng.choice(sorted(held))] if held else None


def look(history: "History") -> str | None:
    """A replica looks at every account; mostly where there is something to see."""
    if not history.company.unseen and history.rng.random() < IDLE:
        return None
    history.company.unseen = False
    replica = history.any_replica()
    words = history.start(f"{replica.name} looks for drift", replica, lambda: _looked(replica, ("drift",)))
    now, due = history.company.time.now(), history.company.store.next_due("drift")
    if due is None or due > now + SECOND_LOOK or history.rng.random() < 0.2:
        return words
    # Mostly the second look comes next, or all time would have passed before it.
    history.company.time.move(due - now)
    again = history.start(f"{replica.name} works on drift", replica, lambda: _worked(replica, ("drift",)))
    return f"{words}; {again}"


def decide(history: "History") -> Click | None:
    """An admin, mostly, decides what becomes of a stray."""
    drift = history.company.invariants.drift
    undecided = drift.undecided()
    if not drift.strays or (not undecided and history.rng.random() < IDLE):
        return None
    stray_id = history.rng.choice(undecided if undecided and history.rng.random() < 0.9 else list(drift.strays))
    person = history.rng.choice(("sam", "sam", "sam", "otto"))
    offered = Fate.RESTORED if drift.strays[stray_id].grant_id else Fate.ADOPTED
    fate = history.rng.choice((Fate.REMOVED, offered, offered, Fate.ADOPTED, Fate.RESTORED))
    return decided(history, stray_id, person, fate)


def decided(history: "History", stray_id: str, person: str, fate: Fate) -> Click:
    """The click of somebody who decides so."""
    code = code_of(history, person) if fate in NEEDS_CODE else ""

    def act(replica: "Replica") -> object:
        return replica.strays.decide(stray_id, fate, replica.person(person), actor(person), code)

    return f"{person} lets {stray_id} be {fate}", act


# --- in the chat -----------------------------------------------------------------------------------------


def change_directory(history: "History") -> str:
    """An account is deactivated, becomes a guest's or comes back, or a user group has other members."""
    company, rng = history.company, history.rng
    if rng.random() < 0.5:
        members = rng.choice((("U4",), ("U1", "U4"), ("U9",), ()))
        company.directory.groups["S1"] = frozenset(members)
        company.note_setup()
        return f"the group S1 has the members {members}"
    chat_id = rng.choice(("U1", "U1", "U2", "U3", "U4"))
    refused = "" if company.directory.users[chat_id].refused else rng.choice(("It is deactivated.", "It is a guest's."))
    company.directory.change(chat_id, refused=refused)
    company.note_setup()
    words = f"the account {chat_id} is as it was" if not refused else f"the account {chat_id} may not go on. {refused}"
    return words if rng.random() < 0.5 else _say_so(history, chat_id, words)


def _say_so(history: "History", chat_id: str, words: str) -> str:
    """The chat tells us of it."""
    replica = history.any_replica()

    def take() -> str:
        try:
            note(replica.store, chat_id)
        except StoreUnavailable as error:
            return f"no database: {error}"
        return "noted"

    return history.start(f"{words}, {replica.name} hears", replica, take)


def look_for_leavers(history: "History") -> str | None:
    """A replica looks whether anybody left, mostly when somebody did."""
    if not history.company.anybody_left and history.rng.random() < IDLE:
        return None
    replica = history.any_replica()
    return history.start(f"{replica.name} looks for leavers", replica, lambda: _looked(replica, ("people",)))


def look_at_all(history: "History") -> str:
    """Both looks, one after the other."""
    replica = history.any_replica()
    return history.start(f"{replica.name} looks at all", replica, lambda: _looked(replica, ("people", "drift")))


def _looked(replica: "Replica", lanes: tuple[str, ...]) -> str:
    try:
        if "drift" in lanes:
            replica.reconciling.begin()
        if "people" in lanes:
            with replica.store.transaction() as tx:
                tx.enqueue([Effect("people.leavers", "everyone", "leavers", tx.now() - timedelta(seconds=1))])
    except StoreUnavailable as error:
        return f"no database: {error}"
    return _worked(replica, lanes)


def _worked(replica: "Replica", lanes: tuple[str, ...]) -> str:
    try:
        return ", ".join(f"{replica.worker.run_due(lane)} claimed" for lane in lanes)
    except StoreUnavailable as error:
        return f"no database: {error}"
