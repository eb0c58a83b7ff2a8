"""``/prodaccess why …``: what would become of a line, rule by rule, and what would make it pass. Nothing is sent."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core import policy
from bot.core.model import Ask, Catalogue, Item, Person
from bot.core.policy import Explanation, Reason, StageOutlook
from bot.core.rules import AskRule
from bot.service.explaining import Explained
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks
from bot.slack.form import to_ask
from bot.slack.outlook import length, role_in_words, stages_in_words
from bot.slack.replies import Caller, Replies, Tell, tell
from bot.slack.typed import parse
from bot.slack.wording import what

USAGE = f"{ids.COMMAND} why ROLE ACCOUNT NAME=VALUE… 2h"
FOR_ANOTHER = "Only an admin may ask why for somebody else."
NO_SLACK = "Slack could not be asked just now: who is in its groups, and whose manager is who, is not known here."
_PERSON = re.compile(r"(?<!\S)for=(?P<id>\S+)|^@(?P<first>\S+)|(?<!\S)@(?P<last>\S+)$")
_AT_A_SHELL = "`prodaccess explain` at a shell shows all of them"
_REMEDIES_MOST = 8
_TEXT_MOST = 300
_RULES_MOST = 8_000
"""Characters: what a message has room for beside the rest."""
_PEOPLE_MOST = 4_000
"""Characters of who could approve each of several targets."""
_ROOM_LEAST = 200
"""Characters that each target has all the same."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about, for whom; ``catalogue`` is as whoever asks may see it."""

    catalogue: Catalogue
    person: Person
    ask: Ask
    is_own: bool
    has_length: bool


def why(caller: Caller, rest: str) -> Replies:
    """The verdict, told to nobody else. Admins may ask for somebody else, and about every role."""
    is_admin = caller.person.id in caller.desk.access.catalogue().admins
    named, line = _named(rest)
    if named and not is_admin:
        return (tell(FOR_ANOTHER),)
    person = _person(caller, named) if named else caller.person
    if person is None:
        return (tell(f"There is nobody in access.yaml called “{b.esc(named, 60)}”. Name their id, as in `for=maya`."),)
    asked = _understood(caller, person, line, sees_all=is_admin)
    return (asked,) if isinstance(asked, Tell) else (_answer(asked, caller.desk.explaining.explain(person, asked.ask)),)


# --- the line --------------------------------------------------------------------------------------------


def _named(rest: str) -> tuple[str, str]:
    """Who is named, by ``for=`` or an @ at either end, and the line without that."""
    match = _PERSON.search(rest)
    if match is None:
        return "", rest
    return match["id"] or match["first"] or match["last"], f"{rest[: match.start()]}{rest[match.end() :]}".strip()


def _person(caller: Caller, named: str) -> Person | None:
    """By id, Slack id, or a name that is nobody else's."""
    people = caller.desk.access.catalogue().people
    if found := people.get(named.casefold()):
        return found
    called = [p for p in people.values() if named in p.slack_ids or p.name.casefold() == named.casefold()]
    return called[0] if len(called) == 1 else None


def _understood(caller: Caller, person: Person, line: str, *, sees_all: bool) -> Question | Tell:
    access = caller.desk.access
    catalogue = access.catalogue() if sees_all else access.offer_to(person)
    shown, somebody = _open_to(person, catalogue) if sees_all else (catalogue, person)
    understood = parse(line, shown, somebody, access.store.ping())
    asked, unread = to_ask(understood.form, person, catalogue)
    problems = [*understood.problems, *(text for _, text in unread.items() if understood.form.duration)]
    if problems:
        listed = "\n".join(f"• {b.esc(problem, 400)}" for problem in problems[:6])
        return tell(f"⚠️ *That cannot be explained as it stands.*\n{listed}", b.context(f"Write it like `{USAGE}`"))
    is_own, has_length = person.id == caller.person.id, bool(understood.form.duration)
    return Question(catalogue, person, asked, is_own, has_length)


def _open_to(person: Person, catalogue: Catalogue) -> tuple[Catalogue, Person]:
    """As if everything were offered to them, so that a line is understood whatever the rules say."""
    anybody = (AskRule(people=frozenset({person.id})),)
    roles = {key: replace(r, ask=anybody, only_accounts={}, only_tags={}) for key, r in catalogue.roles.items()}
    return replace(catalogue, roles=roles), replace(person, identities=dict.fromkeys(catalogue.accounts, ""))


# --- the answer ------------------------------------------------------------------------------------------


def _answer(asked: Question, explained: Explained) -> Tell:
    found = explained.found
    blocks: Blocks = [b.section(_verdict(asked, explained))]
    if found.remedies:
        listed = "\n".join(f"→ {b.esc(_sentence(each), _TEXT_MOST)}" for each in found.remedies[:_REMEDIES_MOST])
        blocks.append(b.section(f"*What would make it pass*\n{listed}"))
    blocks += _in_sections([*_people(asked, explained), *_longest(explained)])
    if _may_be_automatic(asked):
        blocks.append(b.section("*Without a word*\n" + "\n".join(_rules(found.automatic.reasons, ()))))
    blocks += _in_sections(_every_rule(asked, found))
    blocks += [b.context(text) for text in _beside(asked, explained)]
    return Tell(b.message("Why", blocks))


def _may_be_automatic(asked: Question) -> bool:
    return not asked.ask.more and asked.catalogue.roles[asked.ask.role].auto is not None


def _verdict(asked: Question, explained: Explained) -> str:
    whose = "You ask" if asked.is_own else f"{b.esc(asked.person.name, 100)} asks"
    lasting = f" for *{length(asked.ask.duration)}*" if asked.has_length else ""
    passes = explained.found.passes
    mark, text = ("✅", "It could be asked for") if passes else ("⛔", "It would be refused")
    still = " once the rest is filled in" if passes and explained.found.open else ""
    return f"{whose} for {what(asked.ask, asked.catalogue)}{lasting}\n{mark} *{text}{still}.*"


def _people(asked: Question, explained: Explained) -> Iterator[str]:
    """Who could approve: of one role at all, of several targets of each by its name."""
    room = _PEOPLE_MOST
    for at, target in enumerate(explained.found.targets):
        of = replace(explained.asking, at=at)
        views = zip(of.role.stages if target.stages else (), target.stages, strict=False)
        stages = [StageOutlook(view, policy.not_known(stage, of.requester, of.known)) for stage, view in views]
        if not asked.ask.more:
            yield from stages_in_words(stages)
        elif stages:
            told = "\n".join(role_in_words(_named_target(target.item), stages))
            room -= len(told)
            if room < 0:
                yield f"… and {len(explained.found.targets) - at} more; {_AT_A_SHELL}"
                return
            yield told


def _named_target(item: Item) -> str:
    return f"{item.role} in {item.account}"


def _longest(explained: Explained) -> Iterator[str]:
    if explained.found.longest > timedelta(0):
        yield f"⏱️ *At most {length(explained.found.longest)}* now."


def _every_rule(asked: Question, found: Explanation) -> list[str]:
    """What is so of all targets, and after it what is so of each by its name."""
    lines = ["*Every rule*", *_rules(_shown(asked, found.shared, found.open), found.open)]
    room = _RULES_MOST - sum(map(len, lines))
    for target in found.targets:
        if target.reasons:
            own = _rules(_shown(asked, target.reasons, target.open), target.open, max(room, _ROOM_LEAST))
            told = [f"*{b.esc(_named_target(target.item), 160)}*", *own]
            room -= sum(map(len, told))
            lines += told
    return lines


def _shown(asked: Question, reasons: Iterable[Reason], still_open: Sequence[Reason]) -> list[Reason]:
    """What is not satisfied comes first: where there is no room for all, it is there."""
    told = [each for each in reasons if asked.has_length or each.rule != "duration"]
    return sorted(told, key=lambda each: (each.satisfied, each in still_open))


def _rules(reasons: Sequence[Reason], still_open: Sequence[Reason], room: int = _RULES_MOST) -> Iterator[str]:
    for at, reason in enumerate(reasons):
        line = f"{_mark(reason, still_open)} {b.esc(reason.text, _TEXT_MOST)}"
        room -= len(line)
        if room < 0:
            yield f"… and {len(reasons) - at} more; {_AT_A_SHELL}"
            return
        yield line


def _mark(reason: Reason, still_open: Sequence[Reason]) -> str:
    if reason in still_open:
        return "…"
    return "✓" if reason.satisfied else "✗"


def _beside(asked: Question, explained: Explained) -> Iterator[str]:
    if not explained.asked:
        yield NO_SLACK
    auto = explained.asking.role.auto if _may_be_automatic(asked) else None
    if auto and auto.on_call and auto.on_call not in explained.asking.facts.on_call:
        schedule = auto.on_call
        yield f"Who is on call ({b.esc(schedule, 80)}) is not known here, so nobody is."
    if explained.granted:
        yield f"Taken for granted: {'; '.join(explained.granted)}."


def _in_sections(lines: Iterable[str]) -> Blocks:
    pieces: list[str] = []
    for line in lines:
        if pieces and len(pieces[-1]) + len(line) < b.SECTION_TEXT:
            pieces[-1] += f"\n{line}"
        else:
            pieces.append(line)
    return [b.section(piece) for piece in pieces]


def _sentence(remedy: str) -> str:
    return f"{remedy[:1].upper()}{remedy[1:]}"
