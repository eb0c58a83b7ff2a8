"""What people are told once, and the cards of enrolment and alerts."""

from bot.core.model import EndReason, Grant
from bot.service.cards import AlertCard, EnrolmentCard, Notice
from bot.service.records import EnrolmentStatus
from bot.slack import blocks as b
from bot.slack import glass, ids, several
from bot.slack.blocks import Blocks, Message
from bot.slack.cards import notes
from bot.slack.how_to import how_to_use
from bot.slack.wording import GOES_ON, SHORT, standing, titles

FACTS_MOST = 20
LOST = (
    "Somebody took it away in the cloud account itself, perhaps on purpose, as in an emergency. prodaccess does not "
    "put it back. Ask the security team before you ask for it again."
)

_HEADS = {
    "active": "🟢 You have access",
    "goes-on": f"{GOES_ON} Your access goes on",
    "ended": "⚪ Your access has ended",
    "denied": "⛔ Your request was denied",
    "cancelled": "↩️ Your request was cancelled",
    "lapsed": "⌛ Your request lapsed: nobody decided in time",
    "reminder": "⏰ Your access ends soon",
    "escalated": "🔔 Nobody has decided on your request yet; more people were asked",
}


def notice(told: Notice) -> Message:
    """A direct message about one thing."""
    if told.what == "reviewed":
        return glass.reviewed(told)
    head = _head(told)
    by = told.request.decided_by if told.what in {"denied", "cancelled"} else None
    first = f"*{head}*{f' by {b.who(told.names, by)}' if by else ''}\n{titles(told.role_title, told.account_title)}"
    blocks: Blocks = [b.section(first)]
    if told.grant is not None:
        goes_on = told.what == "goes-on"
        blocks.append(b.section(_until(told) if goes_on else standing(told.grant, told.names)))
    blocks += several.told(told)
    if told.what == "ended" and _ends(told) == {EndReason.LOST}:
        blocks.append(b.section(LOST))
    elif told.what == "active":
        blocks += how_to_use(told.how_to_use)
    else:
        blocks += notes(told.request, _grants(told))
    if _grants(told) and told.what in {"active", "reminder"}:
        blocks += _buttons(told)
    elif told.what in {"denied", "lapsed", "ended"}:
        blocks.append(b.actions(b.button("Ask again", ids.ASK_AGAIN, told.request.id)))
    where = f"{b.esc(told.role_title, SHORT)} in {b.esc(told.account_title, SHORT)}"
    return b.message(f"{head}: {where}", blocks)


def _grants(told: Notice) -> tuple[Grant, ...]:
    """Those that it is about."""
    return tuple(grant for grant in (told.grant, *(target.grant for target in told.targets)) if grant is not None)


def _ends(told: Notice) -> set[EndReason | None]:
    return {grant.end_reason for grant in _grants(told)}


def _until(told: Notice) -> str:
    """Until when it goes on, and on whose word."""
    until = b.when(told.grant.expires_at) if told.grant else ""
    by = [approval.person for approval in told.request.approvals]
    return f"*Until {until}* · {f'approved by {b.everyone(told.names, by)}' if by else 'your code was enough'}"


def _buttons(told: Notice) -> Blocks:
    """What its holder can do about access that is there."""
    waits = told.going_on is not None and told.going_on.grant is None
    asked = [b.context(f"{GOES_ON} You asked to go on; that waits for approval.")] if waits else []
    longer = (b.button("Extend", ids.EXTEND, told.grant.id),) if told.grant and told.extendable else ()
    subject = told.grant.id if told.grant else told.request.id
    return [*asked, b.actions(b.button("I'm done", ids.RELEASE, subject, "primary"), *longer)]


def _head(told: Notice) -> str:
    if told.what == "ended" and EndReason.FAILED in _ends(told):
        return "🔴 Your access could not be granted"
    if told.what == "ended" and _ends(told) == {EndReason.LOST}:
        return "🟠 Your access was removed outside of prodaccess"
    return _HEADS.get(told.what, b.esc(told.what, SHORT))


def enrolment(card: EnrolmentCard) -> Message:
    """Somebody wants an authenticator: for those who may vouch, or for the person themselves."""
    return _own_enrolment(card) if card.audience == "own" else _vouchers_enrolment(card)


def _vouchers_enrolment(card: EnrolmentCard) -> Message:
    who, names, enrolment_id = b.who(card.names, card.enrolment.person), card.names, card.enrolment.id
    said = {
        EnrolmentStatus.VOUCHED: f"✅ {_voucher(card)} vouched",
        EnrolmentStatus.SHOWN: f"✅ {_voucher(card)} vouched",
        EnrolmentStatus.DONE: f"✅ {_voucher(card)} vouched; it is set up",
        EnrolmentStatus.REFUSED: "⛔ Refused",
    }
    blocks: Blocks = [b.section(f"🔑 {who} wants to set up an authenticator for prodaccess")]
    if card.enrolment.status is EnrolmentStatus.REQUESTED:
        blocks += [
            b.section(
                "With it they can ask for production access, or approve it. *A message does not prove who wrote it:* "
                "talk to them, in person or on a call, before you vouch. You will type your own code."
            ),
            b.context(f"This offer ends {b.when(card.enrolment.expires_at)}"),
            b.actions(
                b.button("I checked that this is really them", ids.VOUCH, enrolment_id, "primary"),
                b.button("Refuse", ids.REFUSE, enrolment_id, "danger"),
            ),
        ]
    else:
        blocks.append(b.section(said[card.enrolment.status]))
    return b.message(f"{b.esc(b.name_of(names, card.enrolment.person))} wants to set up an authenticator", blocks)


def _own_enrolment(card: EnrolmentCard) -> Message:
    by = _voucher(card)
    match card.enrolment.status:
        case EnrolmentStatus.REQUESTED:
            text = (
                "🔑 You asked to set up an authenticator. Somebody who may vouch for you has to check that it is you."
            )
        case EnrolmentStatus.VOUCHED:
            text = f"🔑 {by} vouched for you. Have your authenticator app at hand: the secret is shown once."
        case EnrolmentStatus.SHOWN:
            text = "🔑 The secret was shown. If you could not finish, start again with `/prodaccess enrol`."
        case EnrolmentStatus.DONE:
            text = "✅ Your authenticator is set up. Ask for access with `/prodaccess`."
        case EnrolmentStatus.REFUSED:
            text = "⛔ Nobody vouched for you. Ask in person, then try `/prodaccess enrol` again."
    blocks: Blocks = [b.section(text)]
    if card.enrolment.status is EnrolmentStatus.VOUCHED:
        blocks.append(b.actions(b.button("Set up my authenticator", ids.SET_UP, card.enrolment.id, "primary")))
    return b.message("Your authenticator for prodaccess", blocks)


def _voucher(card: EnrolmentCard) -> str:
    """Who vouched; an invite stands for the operator who made it."""
    by = card.enrolment.vouched_by
    return "An operator" if by == "invite" else b.who(card.names, by)


def alert(card: AlertCard) -> Message:
    """Something for the security channel."""
    pairs = [(label, b.esc(text, 250) or "–") for label, text in card.facts[:FACTS_MOST]]
    return b.message(f"🚨 {b.esc(card.title, 300)}", [b.header(f"🚨 {card.title}"), *b.facts(pairs)])
