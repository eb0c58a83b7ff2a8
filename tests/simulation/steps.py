"""The steps of a history. Each does one thing and says it in words, or returns None where it cannot be done now.

To add something that can happen, write a function here and give it a weight in ``STEPS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.model import LANES
from bot.service.effects import BATCH, LEASE
from bot.service.records import StoreUnavailable
from tests.simulation import hands, people, ways
from tests.simulation.company import EDITS, PRINCIPALS, SECOND
from tests.simulation.weather import SERVICES

if TYPE_CHECKING:
    from tests.simulation.history import History

Do = Callable[["History"], str | None]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that can happen, and how often it does."""

    name: str
    weight: int
    do: Do
    often: tuple[int, ...] = (0, 1, 1, 3)
    """What the weight is multiplied by, in one history or another: each leaves some steps out."""


# --- people ----------------------------------------------------------------------------------------------


def _by(click_of: Callable[["History"], people.Click | None]) -> Do:
    def do(history: "History") -> str | None:
        click = click_of(history)
        if click is None:
            return None
        history.clicks.append(click)
        return history.click(click)

    return do


def click_again(history: "History") -> str | None:
    """The same click once more: a double click, a redelivery, an old card."""
    if not history.clicks:
        return None
    words, act = history.rng.choice(history.clicks[-6:])
    return history.click((f"once more: {words}", act))


# --- replicas --------------------------------------------------------------------------------------------


def work(history: "History") -> str | None:
    """A worker's thread claims what is due in a lane and runs it."""
    lane, replica = _pick_lane(history), history.any_replica()
    if lane is None:
        return None

    def turn() -> str:
        try:
            return f"{replica.worker.run_due(lane)} claimed"
        except StoreUnavailable as error:
            return f"no database: {error}"

    return history.start(f"{replica.name} works on {lane}", replica, turn)


def claim(history: "History") -> str | None:
    """A replica leases what is due, and does not come to run it."""
    lane, replica = _pick_lane(history), history.any_replica()
    if lane is None:
        return None

    def take() -> str:
        try:
            claims = replica.store.claim(lane, BATCH, LEASE)
        except StoreUnavailable as error:
            return f"no database: {error}"
        replica.held += claims
        return ", ".join(claim.key for claim in claims) or "nothing is due"

    return history.start(f"{replica.name} claims in {lane} and pauses", replica, take)


def _pick_lane(history: "History") -> str | None:
    """One in which something is due, rather not the chat's: there is always something to say."""
    now, store = history.company.time.now(), history.company.store
    due = [lane for lane in LANES if (at := store.next_due(lane)) is not None and at <= now]
    return history.rng.choices(due, [1 if lane == "chat" else 4 for lane in due])[0] if due else None


def run_held(history: "History") -> str | None:
    """A replica that paused goes on with one of its claims, whose lease may be over by now."""
    replica = history.any_replica()
    if not replica.held:
        return None
    first = history.rng.choice(replica.held)
    alike = list({held.id: held for held in replica.held if held.kind == first.kind}.values())
    claims = alike if history.rng.random() < 0.5 else [first]
    replica.held = [held for held in replica.held if held not in claims]

    def run() -> str:
        history.company.tasks.current.claims += claims  # type: ignore[union-attr]
        replica.runner.run_all(first.kind, claims)
        return "run"

    return history.start(f"{replica.name} goes on with {', '.join(held.key for held in claims)}", replica, run)


def resume(history: "History") -> str | None:
    """What stood still goes on."""
    parked = history.company.tasks.parked
    return history.resume(history.rng.choice(parked)) if parked else None


def die(history: "History") -> str | None:
    """A replica's process is killed with all that it was doing, and started again."""
    return history.kill(history.any_replica())


def page_overdue(history: "History") -> str | None:
    """The ticker looks for access that should be gone and is not."""
    replica = history.any_replica()

    def look() -> str:
        try:
            return f"{replica.overdue.watch()} found"
        except StoreUnavailable as error:
            return f"no database: {error}"

    return history.start(f"{replica.name} looks for what is overdue", replica, look)


# --- time ------------------------------------------------------------------------------------------------


def a_little_later(history: "History") -> str:
    return history.pass_time(history.rng.uniform(0.1, 40) * SECOND)


def a_lease_later(history: "History") -> str | None:
    """What is being done, or was leased and not begun, is anybody's again."""
    if not history.company.tasks.parked and not any(replica.held for replica in history.replicas):
        return None
    return history.pass_time(LEASE + history.rng.uniform(-2, 2) * SECOND)


def when_something_is_due(history: "History") -> str | None:
    """To the moment that something waits for, or just before it, or just after."""
    now, store = history.company.time.now(), history.company.store
    moments = [at for lane in LANES if (at := store.next_due(lane)) is not None and at > now]
    if not moments:
        return None
    by = (min(moments) if history.rng.random() < 0.85 else max(moments)) - now
    return history.pass_time(max(by, timedelta(0)) + history.rng.choice((-1, 0, 0, 1, 30)) * SECOND)


def compare_clocks(history: "History") -> str:
    """The ticker compares a replica's clock with the database's."""
    replica = history.any_replica()
    return history.start(f"{replica.name} compares clocks", replica, replica.compare_clocks)


def adjust_clock(history: "History") -> str:
    """A clock jumps; its replica does not know before it compares."""
    return history.adjust_clock(history.any_replica())


# --- the world -------------------------------------------------------------------------------------------


def outage(history: "History") -> str:
    service = history.rng.choice(SERVICES)
    how_long = history.rng.choice((20, 120, 600)) * SECOND
    history.company.weather.bring_down(service, how_long)
    return f"the {service} is down for {how_long}"


def edit_catalogue(history: "History") -> str:
    edit = history.rng.choice(list(EDITS))
    history.company.edit(edit)
    return f"access.yaml says, or no longer says: {edit}"


def delete_principal(history: "History") -> str:
    account, principal = history.rng.choice(PRINCIPALS[:3])
    history.company.cloud.remove_principal(account, principal)
    history.company.went_around = history.company.unseen = True
    return f"{principal} is deleted in {account}"


OPENING: tuple[Do, ...] = (_by(people.ask), _by(people.approve), work, work, work)
"""A history begins with some of these, in this order: what follows then meets requests and grants."""

STEPS = (
    Step("ask", 6, _by(people.ask), (1,)),
    Step("send again", 1, _by(people.send_again)),
    Step("approve", 10, _by(people.approve), (1,)),
    Step("wrong code", 1, _by(people.approve_with_wrong_code)),
    Step("deny", 2, _by(people.deny)),
    Step("cancel", 1, _by(people.cancel)),
    Step("release", 3, _by(people.release)),
    Step("revoke", 3, _by(people.revoke)),
    Step("extend", 4, _by(ways.extend)),
    Step("review", 1, _by(ways.review)),
    Step("be away", 1, _by(ways.be_away)),
    Step("come back", 1, _by(ways.come_back)),
    Step("click again", 4, click_again),
    Step("work", 30, work, (1,)),
    Step("claim", 4, claim),
    Step("run held", 6, run_held, (1,)),
    Step("resume", 3, resume, (1, 2, 4)),
    Step("die", 2, die),
    Step("page overdue", 1, page_overdue),
    Step("compare clocks", 1, compare_clocks),
    Step("adjust clock", 1, adjust_clock),
    Step("a little later", 5, a_little_later, (1,)),
    Step("a lease later", 6, a_lease_later),
    Step("when something is due", 4, when_something_is_due, (1,)),
    Step("outage", 2, outage),
    Step("catalogue", 2, edit_catalogue),
    Step("directory", 2, hands.change_directory),
    Step("look for leavers", 3, hands.look_for_leavers),
    Step("principal", 1, delete_principal),
    Step("meddle", 6, hands.meddle, (0, 0, 0, 3)),
    Step("look for drift", 14, hands.look),
    Step("decide", 14, _by(hands.decide), (1, 1, 2)),
)
