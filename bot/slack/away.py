"""Saying that one is away, and back: typed, from the Home tab, or by an admin for somebody else."""

import re

from bot.core.absences import parse_until
from bot.core.decisions import Refusal
from bot.core.model import Absence, Person
from bot.service.absences import CODE
from bot.service.people import Refused
from bot.slack import absent, ids, payloads
from bot.slack import blocks as b
from bot.slack.home import home
from bot.slack.payloads import Click, Submitted
from bot.slack.replies import Answer, Caller, Open, Publish, Replies, tell

USAGE = f"`{ids.COMMAND} away until 2026-12-01 delegate @PERSON`; without `delegate …` nobody approves meanwhile."
_LINE = re.compile(
    r"(?:(?P<whose>@?[\w.:-]+)\s+)?until\s+(?P<until>\S+(?:\s+\d{1,2}:\d{2})?)(?:\s+delegate\s+(?P<delegate>\S+))?",
    re.IGNORECASE,
)


def away(caller: Caller, rest: str) -> Replies:
    """At once where nobody stands in; else the form, as that takes a code."""
    if not rest:
        return (Open(absent.form(caller.person.id)),)
    line = _LINE.fullmatch(rest.strip())
    if line is None:
        return (tell(f"⚠️ {USAGE}"),)
    whose = _person(caller, line["whose"]) if line["whose"] else caller.person
    try:
        until = parse_until(line["until"], caller.desk.access.catalogue().zone)
    except ValueError as error:
        return (tell(f"⚠️ {b.esc(str(error))}"),)
    if line["delegate"]:
        delegate = _person(caller, line["delegate"])
        chat_id = caller.desk.people.chat_id(delegate.id)
        return (Open(absent.form(whose.id, until=until, delegate=chat_id, whose=_named(caller, whose))),)
    wanted = Absence(whose.id, until, until)
    found = caller.desk.absences.begin(wanted, caller.person, caller.actor)
    return (tell(_said(caller, found)),)


def back(caller: Caller, rest: str) -> Replies:
    """Oneself, or whom an admin names."""
    whose = _person(caller, rest.split(maxsplit=1)[0]) if rest else caller.person
    refusal = caller.desk.absences.end(whose.id, caller.person, caller.actor)
    return (tell(f"⚠️ {b.esc(refusal.text)}" if refusal else "👋 Welcome back: you are asked again from now on."),)


def open_form(caller: Caller, click: Click) -> Replies:
    """From the Home tab."""
    return (Open(absent.form(click.value)),)


def end(caller: Caller, click: Click) -> Replies:
    """From the Home tab, which shows it at once."""
    refusal = caller.desk.absences.end(click.value, caller.person, caller.actor)
    page = Publish(home(caller.desk.queries.home(caller.person)))
    return (tell(f"⚠️ {b.esc(refusal.text)}"), page) if refusal else (page,)


def submit(caller: Caller, sent: Submitted) -> Answer:
    """The form."""
    until = payloads.entered_time(sent.view, ids.UNTIL)
    if until is None:
        return Answer(errors={ids.UNTIL: "Until when?"})
    chosen = payloads.entered(sent.view, ids.DELEGATE)
    delegate = _person(caller, f"@{chosen}").id if chosen else None
    code = payloads.entered(sent.view, ids.CODE)
    found = caller.desk.absences.begin(Absence(sent.subject, until, until, delegate), caller.person, caller.actor, code)
    if isinstance(found, Absence):
        return Answer(then=lambda: (Publish(home(caller.desk.queries.home(caller.person))),))
    in_doubt = ids.DELEGATE if "stand in" in found.text else ids.UNTIL
    return Answer(errors={ids.CODE if found.code == CODE else in_doubt: found.text})


def _said(caller: Caller, found: Absence | Refusal) -> str:
    if isinstance(found, Refusal):
        return f"⚠️ {b.esc(found.text)}"
    names = caller.desk.queries.names(found.person, found.delegate)
    whom = "You are" if found.person == caller.person.id else f"{b.who(names, found.person)} is"
    return absent.is_away(found, names, whom)


def _named(caller: Caller, whose: Person) -> str:
    return "" if whose.id == caller.person.id else b.who(caller.desk.queries.names(whose.id), whose.id)


def _person(caller: Caller, named: str) -> Person:
    """By a mention or a person id; one who is not there is somebody whom the rules do not know."""
    name = named.removeprefix("@")
    known = caller.desk.access.catalogue().people.get(name)
    if known is not None:
        return known
    try:
        return caller.desk.people.identify(name)
    except Refused:
        return Person(f"slack:{name}", name)
