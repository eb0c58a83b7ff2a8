"""Rules about how long, when, why, and how much at once."""

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.core.duration import format_duration
from bot.core.policy.case import Approving, Asking, starts_at
from bot.core.policy.hours import in_words, is_within, longest, opens_after
from bot.core.policy.verdict import Reason

REASON_MAX = 3000
"""Longest reason in characters: what a Slack plain_text_input can hold."""
START_WITHIN = timedelta(days=14)
"""How far ahead a start may be chosen."""


def work_fits(a: Asking) -> Iterable[Reason]:
    """The kind of work is one of the role's."""
    ok = a.ask.work in a.role.work and a.ask.work in a.catalogue.work
    text = f"Work: {a.ask.work}." if ok else f"Choose the kind of work: {', '.join(a.role.work)}."
    yield Reason("work", ok, text, "work")


def duration_fits(a: Asking) -> Iterable[Reason]:
    """Not shorter than the role's shortest, not longer than the shortest of its limits."""
    most, least = longest_of(a), a.role.shortest
    limits = f"from {format_duration(least)} to {format_duration(most)}"
    ok = least <= a.ask.duration <= most
    given = format_duration(a.ask.duration) if a.ask.duration > timedelta(0) else "That"
    text = f"{given} is {'within' if ok else 'not within'} what is allowed here, {limits}."
    yield Reason("duration", ok, text, "duration")


def longest_of(a: Asking) -> timedelta:
    """The longest that may be asked for as it is asked. Raises KeyError without a role."""
    limits = [longest(a.catalogue, a.role, a.ask.work)]
    hours = a.catalogue.hours.get(a.role.hours)
    if hours is not None and a.role.outside is not None and not is_within(hours, a.begins):
        limits.append(a.role.outside)
    if a.ask.break_glass and a.role.break_glass:
        limits.append(a.role.break_glass.longest)
    if a.ask.extends and a.role.extend:
        limits.append(a.role.extend.longest)
    return min(limits)


def start_fits(a: Asking) -> Iterable[Reason]:
    """A chosen start is near enough."""
    if a.ask.start_at is None:
        yield Reason("start", True, "Starts when approved.", "start")
        return
    ok = a.asked_when - timedelta(minutes=5) <= a.ask.start_at <= a.asked_when + START_WITHIN
    yield Reason(
        "start", ok, "Choose a start within the next 14 days." if not ok else "The start is near enough.", "start"
    )


def hours_fit(a: Asking) -> Iterable[Reason]:
    """It begins in the role's hours, or may begin outside of them; how long then is the duration's rule."""
    if not a.role.hours:
        return
    hours = a.catalogue.hours[a.role.hours]
    if is_within(hours, a.begins):
        yield Reason("hours", True, f"Begins within {hours.id} ({in_words(hours)}).", "start")
    elif a.role.outside is None:
        opens = opens_after(hours, a.begins)
        # By the clock that the window itself is told by, which is right before it.
        then = f" The next start there is {opens.astimezone(ZoneInfo(hours.zone)):%a %Y-%m-%d %H:%M}." if opens else ""
        yield Reason("hours", False, f"Only within {hours.id} ({in_words(hours)}).{then}", "start")
    else:
        text = f"Outside of {hours.id} ({in_words(hours)}): at most {format_duration(a.role.outside)}."
        yield Reason("hours", True, text, "start")


def still_fits_hours(a: Approving) -> Iterable[Reason]:
    """The clock starts at the approval: what is approved outside of the hours is as short as is allowed there."""
    if not a.role.hours:
        return
    hours, ask = a.catalogue.hours[a.role.hours], a.request.ask
    begins = max(a.now, starts_at(ask, a.known) or a.now)
    inside, outside = is_within(hours, begins), a.role.outside or timedelta(0)
    ok = inside or ask.duration <= outside
    most = f"at most {format_duration(outside)}" if outside else "nothing"
    text = f"Begins within {hours.id}." if inside else f"Outside of {hours.id} ({in_words(hours)}) {most} may begin."
    yield Reason("hours", ok, text)


def reason_is_given(a: Asking) -> Iterable[Reason]:
    """The reason is long enough to be one."""
    length, least = len(a.ask.reason.strip()), a.role.reason_min
    ok = least <= length <= REASON_MAX
    text = "A reason is given." if ok else f"The reason needs {least} to {REASON_MAX} characters; this has {length}."
    yield Reason("reason", ok, text, "reason")


def caps_hold(a: Asking) -> Iterable[Reason]:
    """Not more grants at once than the role and the catalogue allow. What is made longer is counted already."""
    caps = (a.role.caps, a.catalogue.limits)
    person = _least(each.per_person for each in caps)
    role = _least(each.per_role for each in caps)
    account = _least(each.per_account for each in caps)
    if a.ask.extends or person is role is account is None:
        return
    live = a.known.live
    if live is None:
        yield Reason("limit", False, "How much is live already could not be counted. Try again in a minute.")
        return
    same_role = sum(item.role == a.item.role for item in a.ask.items)
    same_account = sum(item.account == a.item.account for item in a.ask.items)
    for most, there, wanted, whose in (
        (person, live.person, len(a.ask.items), "You have"),
        (role, live.role, same_role, f"{a.item.role} has"),
        (account, live.account, same_account, f"{a.item.account} has"),
    ):
        if most is not None:
            ok = there + wanted <= most
            end = "" if ok else " Wait until some of it has ended, or release what is not needed."
            yield Reason("limit", ok, f"{whose} {there} live of at most {most}.{end}")


def has_cooled_down(a: Asking) -> Iterable[Reason]:
    """Some time has passed since this person was denied this role."""
    wait = max(a.role.caps.cool_down, a.catalogue.limits.cool_down)
    if not wait:
        return
    if a.known.live is None:
        yield Reason(
            "cool-down", False, "Whether this was denied lately could not be looked up. Try again in a minute."
        )
        return
    over = a.known.denied_at + wait if a.known.denied_at else a.asked_when
    ok = over <= a.asked_when
    text = f"Denied less than {format_duration(wait)} ago; ask again from {over:%Y-%m-%d %H:%M} UTC on."
    yield Reason("cool-down", ok, "Not denied lately." if ok else text)


def _least(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
