"""What stands in the request form: read from a modal or a command line, turned into an ask or into problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core import policy
from bot.core.duration import format_duration, parse_duration
from bot.core.model import Ask, Catalogue, Item, Person, Role
from bot.core.policy import REASON_MAX, TICKET_MAX, Verdict
from bot.core.text import TextTooLong, clean
from bot.slack import ids, payloads
from bot.slack.payloads import Json, block_ids, entered, entered_all, entered_time

VALUE_MAX = 300
"""Longest value of a role's parameter that the form takes."""
DURATION_MAX = 40

Problems = Mapping[tuple[str, str], str]
"""Sentences by (field, parameter); the parameter is empty for the form's own fields."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields as typed; empty where nothing was."""

    role: str = ""
    account: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    work: str = ""
    duration: str = ""
    start: datetime | None = None
    reason: str = ""
    ticket: str = ""
    more_accounts: tuple[str, ...] = ()
    """Further accounts: the same is asked for in each."""
    bundled: tuple[Item, ...] = ()
    """Where ``role`` is empty: what was asked for as a bundle, which is found by it."""
    break_glass: bool = False

    @classmethod
    def of(cls, ask: Ask) -> "Form":
        """What would have to be typed for this ask; not again its start time, nor that glass is to be broken."""
        duration = format_duration(ask.duration) if ask.duration > timedelta(0) else ""
        first, *more = dict.fromkeys(item.account for item in ask.items)
        one = len({item.role for item in ask.items}) == 1
        return cls(
            role=ask.role if one else "",
            account=first,
            params={name: value for item in reversed(ask.items) for name, value in item.params.items()},
            work=ask.work,
            duration=duration,
            reason=ask.reason,
            ticket=ask.ticket,
            more_accounts=tuple(more),
            bundled=() if one else ask.items,
        )

    @property
    def accounts(self) -> tuple[str, ...]:
        """All that are chosen."""
        return tuple(dict.fromkeys(account for account in (self.account, *self.more_accounts) if account))


def read(view: Json) -> tuple[Form, Problems]:
    """What stands in the modal, cleaned, and which fields are too long to be taken."""
    role, problems = entered(view, ids.ROLE), {}
    values: dict[tuple[str, str], str] = {}
    accounts: tuple[str, ...] = ()
    listed: dict[str, str] = {}
    for block_id in block_ids(view):
        name, _, parameter = ids.parts_of(block_id)
        try:
            if name == ids.ACCOUNT:
                accounts = tuple(clean(each, limit=VALUE_MAX) for each in entered_all(view, block_id))
                continue
            many_lines, limit = name == ids.REASON, _LIMITS.get(name, VALUE_MAX)
            values[name, parameter] = clean(entered(view, block_id), limit=limit, multiline=many_lines)
        except TextTooLong as error:
            problems[name, parameter] = f"This {error}."
        listed[parameter] = ids.account_of(block_id)
    account = accounts[0] if accounts else ""
    # What was chosen from another account's list is not in this one.
    gone = {parameter for parameter, where in listed.items() if where not in ("", account)}
    form = Form(
        role=role,
        account=account,
        more_accounts=accounts[1:],
        params={parameter: value for (_, parameter), value in values.items() if parameter and parameter not in gone},
        work=values.get((ids.WORK, ""), ""),
        duration=values.get((ids.DURATION, ""), ""),
        start=entered_time(view, ids.START),
        reason=values.get((ids.REASON, ""), ""),
        ticket=values.get((ids.TICKET, ""), ""),
        break_glass=payloads.ticked(view, ids.block_of(ids.BREAK_GLASS, role)),
    )
    return form, problems


_LIMITS = {ids.REASON: REASON_MAX, ids.TICKET: TICKET_MAX, ids.DURATION: DURATION_MAX}


def with_defaults(form: Form, role: Role | None) -> Form:
    """With the role's defaults where nothing was typed, and without empty parameters."""
    defaults = {p.id: p.default for p in role.parameters if p.default is not None} if role else {}
    typed = {name: value for name, value in form.params.items() if value}
    return replace(form, params={**defaults, **typed})


def to_ask(form: Form, person: Person, catalogue: Catalogue) -> tuple[Ask, Problems]:
    """The ask, and what could not be read of it (a stand-in is there in its place)."""
    role = catalogue.roles.get(form.role)
    full, problems = with_defaults(form, role), {}
    length = role.shortest if role else timedelta(minutes=1)
    try:
        length = parse_duration(form.duration)
    except ValueError as error:
        problems[ids.DURATION, ""] = sentence(str(error))
    ask = Ask(
        requester=person.id,
        role=full.role,
        account=full.account,
        params=full.params,
        work=full.work,
        duration=length,
        reason=full.reason,
        ticket=full.ticket,
        start_at=full.start,
        break_glass=full.break_glass,
    )
    return policy.spread_out(catalogue, ask, full.accounts), problems


def problems_of(verdict: Verdict) -> Problems:
    """A verdict's refusals by field."""
    found: dict[tuple[str, str], str] = {}
    for reason in verdict.refusals:
        key = (ids.PARAMETER, reason.field) if reason.rule == "parameter" else (reason.field or ids.ROLE, "")
        found[key] = f"{found[key]} {reason.text}" if key in found else reason.text
    return found


def on_blocks(problems: Problems, view: Json) -> dict[str, str]:
    """Problems by block id, as a modal's errors; what has no field of its own goes to the first, which is there."""
    blocks = block_ids(view)
    by_field = {(field, parameter): block for block in blocks for field, _, parameter in [ids.parts_of(block)]}
    errors: dict[str, str] = {}
    for key, text in problems.items():
        block = by_field.get(key, blocks[0])
        errors[block] = f"{errors[block]} {text}"[:ERROR_TEXT] if block in errors else text[:ERROR_TEXT]
    return errors


ERROR_TEXT = 500
"""Longest error shown below a field; Slack's documentation gives no limit."""


def sentence(text: str) -> str:
    """``text`` with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
