"""What roles are made of, as lines that people read: hours, schedules, trackers, bundles, work, accounts, people."""

from collections.abc import Iterator

from bot.catalogue.words import caps_in_words
from bot.core.duration import format_duration
from bot.core.model import Account, Catalogue, Person
from bot.core.policy.hours import days_in_words, in_words
from bot.core.rules import Bundle, Schedule, Tracker


def entries_in_words(catalogue: Catalogue) -> Iterator[tuple[str, list[str]]]:
    """Sections with their lines; those that the catalogue does not have are left out."""
    yield "All roles", _all(catalogue)
    yield "Bundles", [_bundle(each) for each in catalogue.bundles.values()]
    yield "Hours", [f"{each.id}: {in_words(each)}" for each in catalogue.hours.values()]
    yield "On call", [_schedule(each) for each in catalogue.schedules.values()]
    yield "Trackers", [_tracker(each) for each in catalogue.trackers.values()]
    work = catalogue.work.values()
    yield "Kinds of work", [f"{each.id} ({each.title}): at most {format_duration(each.longest)}" for each in work]
    yield "Accounts", [_account(each) for each in catalogue.accounts.values()]
    yield "Groups", [f"{key}: {', '.join(sorted(members)) or 'nobody'}" for key, members in catalogue.groups.items()]
    yield "People", [_person(each) for each in catalogue.people.values()]


def _all(catalogue: Catalogue) -> list[str]:
    said = caps_in_words(catalogue.limits)
    lines = [f"live at once: {said}"] if said else []
    return [*lines, f"start times without an offset are in {catalogue.zone}"]


def _bundle(bundle: Bundle) -> str:
    items = [f"{role}{''.join(f' {key}={value}' for key, value in params.items())}" for role, params in bundle.items]
    return f"{bundle.id} ({bundle.title}): {', '.join(items)}"


def _schedule(schedule: Schedule) -> str:
    if schedule.kind != "static":
        return f"{schedule.id}: {schedule.kind} {schedule.source}{f' at {schedule.url}' if schedule.url else ''}"
    day = days_in_words(frozenset({schedule.handover_day}))
    turn = f"{format_duration(schedule.shift)} each from {day} {schedule.handover_at:%H:%M} {schedule.zone} on"
    others = [f"{o.person} from {o.start:%Y-%m-%d %H:%M} to {o.end:%Y-%m-%d %H:%M} UTC" for o in schedule.overrides]
    return f"{schedule.id}: {', '.join(schedule.people)} in turn, {turn}" + "".join(f"; {each}" for each in others)


def _tracker(tracker: Tracker) -> str:
    where = " ".join(filter(None, (tracker.kind, tracker.project, f"at {tracker.url}" if tracker.url else "")))
    return f"{tracker.id}: {where}"


def _account(account: Account) -> str:
    parts = [f"{account.number} in {account.region}"]
    parts += [f"tagged {', '.join(sorted(account.tags))}"] if account.tags else []
    parts += [f"through {account.broker_role}"] if account.broker_role else ["with the bot's own credentials"]
    parts += [f"external id {account.external_id}"] if account.external_id else []
    parts += [f"profile {account.profile}"] if account.profile else []
    return f"{account.id} ({account.title}): {', '.join(parts)}"


def _person(person: Person) -> str:
    parts = [*filter(None, [person.email]), *sorted(person.slack_ids)]
    parts += [f"manager {person.manager}"] if person.manager else []
    parts += [f"{account} {principal}" for account, principal in sorted(person.identities.items())]
    return f"{person.id} ({person.name}): {', '.join(parts) or 'nothing else'}"
