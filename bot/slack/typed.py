"""The typed form: ``/prodaccess s3-read payments-prod bucket=payments-logs 2h PAY-123 why``.

Role and account come first: several accounts are joined by commas, a bundle stands in the role's place. Then, in any
order, ``name=value``, a duration, a kind of work, ``--start "…"`` and the ticket; from the first word that is none of
these on, the rest is the reason, as typed.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core import policy
from bot.core.duration import parse_duration, parse_start
from bot.core.model import Catalogue, Person, Role
from bot.core.policy import REASON_MAX
from bot.slack.form import VALUE_MAX, Form, sentence

USAGE = "/prodaccess ROLE ACCOUNT NAME=VALUE… 2h TICKET why you need it"

# Phones and Macs make “ ” of " and — of --.
_WORD = re.compile(r"\s*(?P<word>(?:(?:--|—)?[A-Za-z][\w.-]*=)?[\"“][^\"”]*[\"”]|\S+)")
_PAIR = re.compile(r"(?P<name>[A-Za-z][\w.-]*)=(?P<value>.*)", re.DOTALL)
_OPTION = re.compile(r"(?:--|—)(?P<name>[^=]*)(?:=(?P<value>.*))?", re.DOTALL)
_LIKE_DURATION = re.compile(r"[-−–]?\d+(?:[.,]\d+)?[A-Za-z]*(?:\d+[A-Za-z]+)*")
GLASS = "break-glass"
_DURATION_WORDS = 4
"""As in "1 day 2 hours"."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was understood, and a sentence for each thing that was not."""

    form: Form
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """How far the line has been read."""

    rest: str
    form: Form = field(default_factory=Form)
    problems: list[str] = field(default_factory=list)

    def peek(self) -> str:
        match = _WORD.match(self.rest)
        return match["word"] if match else ""

    def take(self, words: int = 1) -> str:
        taken = []
        for _ in range(words):
            match = _WORD.match(self.rest)
            if match is None:
                break
            taken.append(match["word"])
            self.rest = self.rest[match.end() :]
        return " ".join(taken)

    def ahead(self, words: int) -> str:
        return _Reading(self.rest).take(words)


def parse(text: str, catalogue: Catalogue, person: Person, now: datetime) -> Typed:
    """Read a cleaned line for ``person`` at ``now`` (UTC). What they may not ask for is as good as unknown."""
    reading = _Reading(text)
    role = _role(reading, policy.choices(catalogue, person))
    if role is None:
        return Typed(Form(), tuple(reading.problems))
    reading.form = replace(reading.form, role=role.id)
    _account(reading, catalogue, role, person)
    offer = Offer(catalogue, role, now)
    while reading.peek() and _next(reading, offer):
        pass
    reason = reading.rest.strip()
    if len(reason) > REASON_MAX:
        reading.problems.append(f"The reason is {len(reason):,} characters long; the longest is {REASON_MAX:,}.")
    reading.form = replace(
        reading.form, reason=reason[:REASON_MAX], work=reading.form.work or next(iter(role.work), "")
    )
    return Typed(reading.form, tuple(reading.problems))


def _role(reading: _Reading, offered: Iterable[Role]) -> Role | None:
    roles = {role.id: role for role in offered}
    word = reading.take()
    role = roles.get(word.casefold())
    if role is None:
        reading.problems.append(f"There is no role “{_short(word)}” that you may ask for.{_choose(word, roles)}")
    return role


def _account(reading: _Reading, catalogue: Catalogue, role: Role, person: Person) -> None:
    offered = policy.accounts_offered(catalogue, role, person)
    known = {name.casefold(): a for a in offered for name in (a, catalogue.accounts[a].number)}
    word = _listed(reading)
    named = [name.strip() for name in word.split(",") if name.strip()]
    if named and all(name.casefold() in known for name in named):
        reading.take(len(word.split()))
        first, *more = dict.fromkeys(known[name.casefold()] for name in named)
        reading.form = replace(reading.form, account=first, more_accounts=tuple(more))
    elif not word or any(shape.fullmatch(word) for shape in (_PAIR, _OPTION, _LIKE_DURATION)):
        if len(offered) == 1:
            reading.form = replace(reading.form, account=offered[0])
        else:
            reading.problems.append(f"The account is missing.{_choose('', offered)}")
    else:
        reading.take(len(word.split()))
        wrong = next((name for name in named if name.casefold() not in known), word)
        reading.problems.append(f"Not offered in “{_short(wrong)}”.{_choose(wrong, offered)}")


def _listed(reading: _Reading) -> str:
    """The next word, with those after it that a comma joins to it."""
    words = 1
    while reading.ahead(words).endswith(",") and reading.ahead(words + 1) != reading.ahead(words):
        words += 1
    return reading.ahead(words)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a line is read against; ``now`` is UTC."""

    catalogue: Catalogue
    role: Role
    now: datetime


def _next(reading: _Reading, offer: Offer) -> bool:
    """Read one more part; false where the reason begins."""
    word = reading.peek()
    if option := _OPTION.fullmatch(word):
        reading.take()
        if option["name"] == GLASS and option["value"] is None:
            reading.form = replace(reading.form, break_glass=True)
            return True
        value = option["value"] if option["value"] is not None else reading.take()
        _option(reading, option["name"], _unquoted(value), offer)
        return True
    if pair := _PAIR.fullmatch(word):
        reading.take()
        _parameter(reading, offer.role, pair["name"], _unquoted(pair["value"]))
        return True
    return _duration(reading) or _work(reading, offer.role) or _ticket(reading, offer.role)


def _option(reading: _Reading, name: str, value: str, offer: Offer) -> None:
    if name not in {"start", "work"}:
        reading.problems.append(f"There is no option “--{_short(name)}”; there are --start, --work and --{GLASS}.")
    elif name == "work" and value in offer.role.work:
        reading.form = replace(reading.form, work=value)
    elif name == "work":
        there = _choose(value, offer.role.work)
        reading.problems.append(f"There is no kind of work “{_short(value)}” here.{there}")
    else:
        try:
            start = parse_start(value, offer.catalogue.zone, offer.now)
        except ValueError as error:
            reading.problems.append(f"Start: {error}.")
        else:
            reading.form = replace(reading.form, start=start)


def _parameter(reading: _Reading, role: Role, name: str, value: str) -> None:
    known = {parameter.id.casefold(): parameter.id for parameter in role.parameters}
    parameter = known.get(name.casefold())
    if parameter is None:
        hint = _choose(name, known.values()) or " It has none."
        reading.problems.append(f"{role.id} has no parameter “{_short(name)}”.{hint}")
    elif parameter in reading.form.params:
        reading.problems.append(f"{parameter} is given twice; write it once.")
    elif len(value) > VALUE_MAX:
        reading.problems.append(f"{parameter} is {len(value):,} characters long; the longest is {VALUE_MAX}.")
    else:
        reading.form = replace(reading.form, params={**reading.form.params, parameter: value})


def _duration(reading: _Reading) -> bool:
    """A duration of one to four words; a first word that can be nothing else is one even when it is wrong."""
    word = reading.peek()
    if reading.form.duration or not _LIKE_DURATION.fullmatch(word):
        return False
    for words in range(_DURATION_WORDS, 0, -1):
        text = reading.ahead(words)
        try:
            parse_duration(text)
        except ValueError as error:
            problem = sentence(str(error))
        else:
            reading.take(words)
            reading.form = replace(reading.form, duration=text)
            return True
    reading.take()
    reading.form = replace(reading.form, duration=word)
    reading.problems.append(f"How long: {problem}")
    return True


def _work(reading: _Reading, role: Role) -> bool:
    found = reading.peek().casefold()
    if reading.form.work or found not in role.work:
        return False
    reading.take()
    reading.form = replace(reading.form, work=found)
    return True


def _ticket(reading: _Reading, role: Role) -> bool:
    word = reading.peek()
    if reading.form.ticket or role.ticket is None or not re.fullmatch(role.ticket.pattern, word):
        return False
    reading.form = replace(reading.form, ticket=reading.take())
    return True


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] in '"“' and text[-1] in '"”' else text


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _choose(word: str, among: Iterable[str]) -> str:
    """A hint: the likeliest, or the first few there are."""
    names = sorted(among)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f" There is: {shown}." if shown else ""
