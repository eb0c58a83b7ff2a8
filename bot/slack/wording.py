"""How requests and grants are put into words. Everything returned is safe mrkdwn unless it says plain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Ask, Catalogue, EndReason, Grant, GrantStatus, RequestStatus, Way
from bot.service.cards import Names, RequestCard
from bot.service.targets import account_title, role_title, titles_of
from bot.slack.blocks import esc, everyone, when, who

SHORT = 90
GOES_ON = "⏩"
"""The mark of access that is made longer."""
NO_BREAK = "\u00a0"
"""A space at which no line is broken."""
PARAMETERS_MOST = 12
"""Parameters shown on a card; all are in the modal behind it."""

_DECIDED = {
    RequestStatus.APPROVED: "✅ *Approved*",
    RequestStatus.DENIED: "⛔ *Denied*",
    RequestStatus.CANCELLED: "↩️ *Cancelled*",
}
_WITHOUT_A_WORD = {
    Way.AUTOMATIC: "✅ *Approved without a word*",
    Way.BREAK_GLASS: "🚨 *Glass broken*: nobody was asked",
}
_MARKS = {
    GrantStatus.SCHEDULED: "🗓️",
    GrantStatus.GRANTING: "⚙️",
    GrantStatus.ACTIVE: "🟢",
    GrantStatus.REVOKING: "🟠",
    GrantStatus.ENDED: "⚪",
}


def status_of(request: AccessRequest, grants: Sequence[Grant], names: Names) -> str:
    """Where it stands, a line for the decision and one for each grant."""
    # Where there are several targets each stands by itself, with its grant.
    lines = [_decision(request, names), *(grant_status(grant, names) for grant in grants if not request.ask.more)]
    return "\n".join(lines)


def _decision(request: AccessRequest, names: Names) -> str:
    if request.status is RequestStatus.PENDING:
        # Each of several roles has approvers of its own: how many there have to be is more than the quorum says.
        of = f" of {request.quorum}" if request.quorum > 1 and not request.ask.more else ""
        said = f" · {len(request.approvals)}{of} said yes" if request.quorum > 1 or request.approvals else ""
        by = f": {everyone(names, [a.person for a in request.approvals])}" if request.approvals else ""
        return f"⏳ *Waiting for approval*{said}{by} · lapses {when(request.lapses_at)}"
    at = when(request.decided_at or request.asked_at)
    if request.way in {Way.AUTOMATIC, Way.BREAK_GLASS}:
        return f"{_WITHOUT_A_WORD[request.way]} · {at}"
    if request.status is RequestStatus.LAPSED:
        return f"⌛ *Lapsed* · nobody decided by {at}"
    yes = [approval.person for approval in request.approvals]
    if request.way is Way.EXTENSION and request.status is RequestStatus.APPROVED:
        return f"{GOES_ON} *Goes on*; the role wants nobody's word for that · {at}"
    by = everyone(names, yes) if request.status is RequestStatus.APPROVED else who(names, request.decided_by)
    return f"{_DECIDED[request.status]} by {by} · {at}"


def grant_status(grant: Grant, names: Names) -> str:
    """Where a grant stands, with its mark in front."""
    return f"{_MARKS[grant.status]} {standing(grant, names)}"


def standing(grant: Grant, names: Names) -> str:
    """Where a grant stands, in words alone."""
    match grant.status:
        case GrantStatus.SCHEDULED:
            return f"*Scheduled* · {when(grant.starts_at)} to {when(grant.expires_at)}"
        case GrantStatus.GRANTING:
            return f"*Being granted* · until {when(grant.expires_at)}"
        case GrantStatus.ACTIVE:
            return f"*Active* until {when(grant.expires_at)}"
        case GrantStatus.REVOKING:
            return f"*Being removed* · {_ending(grant, names)}"
        case GrantStatus.ENDED:
            since = f"active since {when(grant.granted_at)}" if grant.granted_at else "never active"
            return f"*Ended* {when(grant.ended_at or grant.expires_at)} · {_ending(grant, names)} · {since}"


def _ending(grant: Grant, names: Names) -> str:
    match grant.end_reason:
        case EndReason.EXPIRED:
            return "time was up"
        case EndReason.RELEASED:
            return f"released by {who(names, grant.ended_by)}"
        case EndReason.REVOKED:
            return f"revoked by {who(names, grant.ended_by)}"
        case EndReason.LOST:
            return "removed outside of prodaccess"
        case _:
            return "it could not be granted"


def what(ask: Ask, catalogue: Catalogue) -> str:
    """Role and account, short."""
    return titles(*titles_of(catalogue, ask))


def what_grant(grant: Grant, catalogue: Catalogue) -> str:
    """Role and account, short."""
    return titles(role_title(catalogue, grant.role), account_title(catalogue, grant.account))


def titles(role: str, account: str) -> str:
    """Role and account, short."""
    return f"*{esc(role, SHORT)}* in *{esc(account, SHORT)}*"


@dataclass(frozen=True, slots=True)
class Titles:
    """How an ask's parts are called; parameters by their id where no title is known."""

    role: str
    account: str
    number: str
    work: str
    params: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, ask: Ask, catalogue: Catalogue) -> "Titles":
        """From the catalogue; what it no longer knows goes by its id."""
        role, account = catalogue.roles.get(ask.role), catalogue.accounts.get(ask.account)
        work = catalogue.work.get(ask.work)
        return cls(
            *titles_of(catalogue, ask),
            account.number if account else "",
            work.title if work else ask.work,
            {parameter.id: parameter.title for parameter in role.parameters} if role else {},
        )

    @classmethod
    def on(cls, card: RequestCard) -> "Titles":
        """From a card."""
        return cls(card.role_title, card.account_title, card.account_number, card.work_title, card.parameter_titles)


def ask_facts(ask: Ask, names: Titles, *, values: int = 160, most: int = PARAMETERS_MOST) -> list[tuple[str, str]]:
    """(label, mrkdwn) pairs of everything in an ask but its reason: ``most`` parameters of ``values`` characters."""
    return [
        ("Role", esc(names.role, SHORT)),
        ("How long", format_duration(ask.duration)),
        *details(ask, names, values=values, most=most),
    ]


def details(ask: Ask, names: Titles, *, values: int = 160, most: int = PARAMETERS_MOST) -> list[tuple[str, str]]:
    """What ``asks_for`` does not say already; of several targets, what they have in common."""
    order = [*(name for name in names.params if name in ask.params), *(n for n in ask.params if n not in names.params)]
    params = [(names.params.get(name, name), esc(ask.params[name], values) or "–") for name in order]
    more = [("Parameters", f"and {len(params) - most} more")] if len(params) > most else []
    account = ("Account", f"{esc(names.account, SHORT)} `{esc(names.number, 20) or '–'}`")
    return [
        *([*params[:most], *more, account] if not ask.more else []),
        ("Start", _start(ask)),
        ("Kind of work", esc(names.work, SHORT)),
        *([("Ticket", esc(ask.ticket, 120))] if ask.ticket else []),
    ]


def _start(ask: Ask) -> str:
    if ask.extends:
        return f"When `{esc(ask.extends, 60)}` ends"
    if ask.break_glass:
        return "At once"
    return when(ask.start_at) if ask.start_at else "At the approval"


def asks_for(role: str, account: str, duration: timedelta) -> str:
    """Role, account and length, in a phrase; the length is never torn apart at a line's end."""
    return f"{titles(role, account)} for *{format_duration(duration).replace(' ', NO_BREAK)}*"


def left(grant: Grant, now: datetime) -> str:
    """How much time a grant has left at ``now`` (UTC), in plain text: whole minutes, rounded down, but the last."""
    rest = max(grant.expires_at - now, timedelta(0))
    minute = timedelta(minutes=1)
    return format_duration(rest if rest < minute else rest - rest % minute)


def utc(moment: datetime) -> str:
    """A time in plain text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
