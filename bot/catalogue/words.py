"""A role's rules as lines that people read; whatever is not said is as it is without such a rule."""

from collections.abc import Iterable, Iterator, Sequence

from bot.core.duration import format_duration
from bot.core.lookups import LookUp
from bot.core.model import Catalogue, Parameter, Person, Role, Statement
from bot.core.policy.hours import in_words
from bot.core.rules import AskRule, Caps, Escalation, Stage

_SHOWN_NAMES = 8


def names(people: Sequence[Person]) -> str:
    """The first few of them."""
    shown = ", ".join(person.name for person in people[:_SHOWN_NAMES])
    rest = len(people) - _SHOWN_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown or "nobody"


def people_of(ids: Iterable[str], catalogue: Catalogue) -> list[Person]:
    """Those of the catalogue, by name."""
    return sorted((catalogue.people[each] for each in ids), key=lambda person: person.name)


def stages_in_words(role: Role, catalogue: Catalogue) -> list[str]:
    """Who approves, a part for each stage."""
    if len(role.stages) == 1:
        return [_stage(role.stages[0], catalogue)]
    return [
        f"{at}. {f'{stage.title}: ' if stage.title else ''}{_stage(stage, catalogue)}"
        for at, stage in enumerate(role.stages, 1)
    ]


def rules_in_words(role: Role, catalogue: Catalogue) -> Iterator[str]:
    """Everything about a role that the table's columns have no room for."""
    if role.description:
        yield role.description
    yield from _who(role, catalogue)
    yield from _when(role, catalogue)
    yield from _approving(role)
    yield from _ways(role, catalogue)
    if said := caps_in_words(role.caps):
        yield f"live at once: {said}"
    yield from _what(role)
    waits = f"waits {format_duration(role.lapses_after)} for an answer"
    reminds = f"reminds {format_duration(role.remind_before)} before the end"
    where = f"; approvals in {role.channel}" if role.channel else ""
    yield f"{waits}; {reminds}; a reason has {role.reason_min} characters or more{where}"


def ask_in_words(rules: Iterable[AskRule], catalogue: Catalogue) -> str:
    """Who may ask, by any of the rules."""
    return "; or ".join(_ask(rule, catalogue) for rule in rules)


def caps_in_words(caps: Caps) -> str:
    """How much may be live at once; empty where anything may."""
    said = [
        f"{most} {what}"
        for most, what in (
            (caps.per_person, "of a person"),
            (caps.per_role, "of a role"),
            (caps.per_account, "in an account"),
        )
        if most is not None
    ]
    if caps.cool_down:
        said.append(f"not asked for within {format_duration(caps.cool_down)} of a denial")
    return ", ".join(said)


# --- pieces ----------------------------------------------------------------------------------------------


def _ask(rule: AskRule, catalogue: Catalogue) -> str:
    who = [f"group {group}" for group in sorted(rule.groups)]
    who += [f"Slack group {group}" for group in sorted(rule.slack_groups)]
    who += [f"everybody @{domain}" for domain in sorted(rule.email_domains)]
    who += [person.name for person in people_of(rule.people, catalogue)]
    until = f" until {rule.until:%Y-%m-%d %H:%M} UTC" if rule.until else ""
    return (", ".join(who) or "nobody") + until


def _stage(stage: Stage, catalogue: Catalogue) -> str:
    who = ["their manager"] if stage.manager else []
    if stage.owner:
        who.append(f"the owner of {stage.owner.parameter} by its tag {stage.owner.tag}")
    if stage.on_call:
        who.append(f"who is on call by {stage.on_call}")
    who += _members(stage, catalogue)
    said = " or ".join(who)
    return f"{stage.quorum} of: {said}" if stage.quorum > 1 else said


def _members(who: Stage | Escalation, catalogue: Catalogue) -> list[str]:
    said = [f"{g} ({names(people_of(catalogue.groups[g], catalogue))})" for g in sorted(who.groups)]
    said += [f"Slack group {group}" for group in sorted(who.slack_groups)]
    return said + [person.name for person in people_of(who.people, catalogue)]


def _who(role: Role, catalogue: Catalogue) -> Iterator[str]:
    yield f"may ask: {ask_in_words(role.ask, catalogue)}"
    for account, rules in sorted(role.only_accounts.items()):
        yield f"in {account} only: {ask_in_words(rules, catalogue)}"
    for tag, rules in sorted(role.only_tags.items()):
        yield f"in accounts tagged {tag} only: {ask_in_words(rules, catalogue)}"


def _when(role: Role, catalogue: Catalogue) -> Iterator[str]:
    yield f"at least {format_duration(role.shortest)}, at most {format_duration(role.longest)}"
    if role.longest_by_work:
        said = (f"{work} {format_duration(most)}" for work, most in sorted(role.longest_by_work.items()))
        yield f"at most by kind of work: {', '.join(said)}"
    if role.hours:
        outside = f"at most {format_duration(role.outside)}" if role.outside is not None else "nothing"
        yield f"begins during {role.hours} ({in_words(catalogue.hours[role.hours])}); outside of them {outside}"
    if rule := role.ticket:
        where = f", which {rule.tracker} has to know" if rule.tracker else ""
        is_open = " as open" if rule.must_be_open else ""
        ends = "; closing it ends the access" if rule.ends_access else ""
        yield f"names a ticket {rule.pattern}{f' (as in {rule.hint})' if rule.hint else ''}{where}{is_open}{ends}"


def _approving(role: Role) -> Iterator[str]:
    for at, stage in enumerate(role.stages, 1):
        which = f"stage {at}" if len(role.stages) > 1 else "approval"
        if len(role.stages) == 1 and stage.title:
            yield f"{which}: {stage.title}"
        if stage.refusals > 1:
            yield f"{which}: denied by {stage.refusals} distinct persons"
        if stage.fallback:
            yield f"{which}: {', '.join(sorted(stage.fallback))} where too few are there"
        for further in stage.escalate:
            who = [*sorted(further.groups), *(f"Slack group {each}" for each in sorted(further.slack_groups))]
            said = " or ".join([*who, *sorted(further.people)])
            yield f"{which}: after {format_duration(further.after)} {said} too"
    rule = role.separation
    if rule.teams:
        yield f"never approved by somebody of the same team: {', '.join(sorted(rule.teams))}"
    if rule.pair_most is not None:
        yield f"two people approve for each other at most {rule.pair_most} times in {format_duration(rule.pair_per)}"


def _ways(role: Role, catalogue: Catalogue) -> Iterator[str]:
    if role.critical:
        yield "critical: two approvers and a code from each side, always"
    if role.sensitive:
        yield "sensitive: never without a word"
    if auto := role.auto:
        when = [f"on call by {auto.on_call}"] if auto.on_call else []
        when += [f"the ticket is {' or '.join(sorted(auto.severities))}"] if auto.severities else []
        when += [f"during {auto.hours} ({in_words(catalogue.hours[auto.hours])})"] if auto.hours else []
        budget = f"at most {auto.times} times in {format_duration(auto.per)} for each person"
        yield f"without a word when {' and '.join(when) or 'asked for'}, {budget}"
    if glass := role.break_glass:
        most, within = format_duration(glass.longest), format_duration(glass.review_within)
        yield f"break-glass: at most {most}, reviewed by somebody else within {within}"
    if role.extend:
        how = "approved again" if role.extend.approval else "with a code alone"
        yield f"made longer once, by at most {format_duration(role.extend.longest)}, {how}"


def _what(role: Role) -> Iterator[str]:
    for parameter in role.parameters:
        yield _parameter(parameter)
    for statement in role.statements:
        yield _statement(statement)
    if role.provider != "aws_iam":
        yield f"granted by {role.provider}"


def _parameter(parameter: Parameter) -> str:
    what = f"one of {', '.join(parameter.choices)}" if parameter.choices else parameter.pattern
    default = f", else {parameter.default}" if parameter.default is not None else ""
    hint = f" ({parameter.hint})" if parameter.hint else ""
    return f"{{{parameter.id}}} {parameter.title}: {what}{default}{_listed(parameter.lookup)}{hint}"


def _listed(lookup: LookUp | None) -> str:
    if lookup is None:
        return ""
    tags = ", ".join(f"{key}={value}" for key, value in lookup.tags)
    return f", from a list of the account's {lookup.kind}{f' with {tags}' if tags else ''}"


def _statement(statement: Statement) -> str:
    conditions = [
        f"{operator} {key} {' or '.join(values)}"
        for operator, keys in statement.conditions.items()
        for key, values in keys.items()
    ]
    when = f" if {' and '.join(conditions)}" if conditions else ""
    return f"allows {', '.join(statement.actions)} on {', '.join(statement.resources)}{when}"
