"""Modals other than the request form: what a code confirms, why something is stopped, what came of it."""

from collections.abc import Sequence

from bot.core.model import AccessRequest, Ask, Catalogue, Way
from bot.service.cards import Names, RequestCard
from bot.service.targets import targets_asked
from bot.slack import blocks as b
from bot.slack import glass, ids, several
from bot.slack.blocks import Blocks, Json
from bot.slack.wording import GOES_ON, Titles, ask_facts, asks_for, status_of, titles

NOTE_MAX = 600
"""Longest reason for denying or revoking; it stands on every copy of the card."""
POLICY_BLOCKS = 60

_ALL = {"values": 2000, "most": 60}
"""A confirmation shows every parameter in full."""


def confirmation(draft_id: str, ask: Ask, catalogue: Catalogue, *, with_code: bool, close: str = "") -> Json:
    """Exactly what is about to be asked for, to be confirmed with a code or by a press."""
    opening = [b.section("You are about to ask for exactly this:")]
    blocks: Blocks = [
        *(glass.warning(ask, catalogue) if ask.break_glass else opening),
        *b.facts(ask_facts(ask, Titles.of(ask, catalogue), **_ALL)),
        *several.targets_in_full(targets_asked(catalogue, ask), Names()),
        *b.quote(ask.reason, "Why"),
    ]
    if with_code:
        blocks.append(b.code_input("Code from your authenticator", ids.CODE, hint=CODE_HINT))
    title = "Confirm with a code" if with_code else "Confirm"
    submit = "Break glass" if ask.break_glass else "Send request"
    return b.modal(title, blocks, callback=ids.CONFIRM, submit=submit, close=close, subject=draft_id)


CODE_HINT = "Six digits. Each code counts once; wait for the next one if you have just used it."


def checking() -> Json:
    """Shown while the cloud is asked."""
    return b.modal("One moment", [b.section("⏳ Checking with the cloud account that this can be granted…")])


def sent(request: AccessRequest, catalogue: Catalogue, names: Names) -> Json:
    """The request is with its approvers, or approved already."""
    if request.way in {Way.AUTOMATIC, Way.BREAK_GLASS}:
        return glass.begun(request, catalogue)
    what = Titles.of(request.ask, catalogue)
    if request.way is Way.EXTENSION:
        text = f"{GOES_ON} *Your access goes on.*\n{asks_for(what.role, what.account, request.ask.duration)}"
        blocks = [b.section(text), b.context("Nobody has to be asked. It begins when what you hold ends.")]
        return b.modal("Access goes on", blocks, close="Done", clears=True)
    blocks = [
        b.section(f"✅ *Sent.*\n{asks_for(what.role, what.account, request.ask.duration)}"),
        b.section(f"Asked: {b.everyone(names, request.approvers_asked)}"),
        b.context(f"The answer comes as a message. Without one, the request lapses {b.when(request.lapses_at)}"),
    ]
    return b.modal("Request sent", blocks, close="Done", clears=True)


def not_sent(reasons: Sequence[str], draft_id: str) -> Json:
    """Why nothing was sent, and a way back to the form with all that was typed."""
    listed = "\n".join(f"• {b.esc(reason, 500)}" for reason in reasons[:5])
    blocks = [
        b.section(f"⚠️ *Nothing was sent.*\n{listed}"),
        b.actions(b.button("Change the request", ids.ASK_AGAIN, draft_id, "primary")),
    ]
    return b.modal("Not sent", blocks, close="Back")


def notice(title: str, text: str, *, clears: bool = False) -> Json:
    """Something to read; ``text`` is safe mrkdwn."""
    return b.modal(title, [b.section(text)], clears=clears)


# --- deciding --------------------------------------------------------------------------------------------


def approve_code(card: RequestCard) -> Json:
    """The approver's code, for exactly this request."""
    request = card.request
    blocks = [
        b.section(f"You approve that {b.who(card.names, request.ask.requester)} gets exactly this:"),
        *_card_facts(card),
        *b.quote(request.ask.reason, "Why"),
        b.code_input("Code from your authenticator", ids.CODE, hint=CODE_HINT),
    ]
    return b.modal("Approve with a code", blocks, callback=ids.APPROVE_CODE, submit="Approve", subject=request.id)


def deny_note(card: RequestCard) -> Json:
    """Why not."""
    request = card.request
    asked = f"{b.who(card.names, request.ask.requester)} asks for {titles(card.role_title, card.account_title)}"
    blocks = [b.section(asked), _why("The requester and the audit log see it.")]
    return b.modal("Deny request", blocks, callback=ids.DENY_NOTE, submit="Deny", subject=request.id)


def revoke_note(card: RequestCard, subject: str, count: int = 1) -> Json:
    """Why it is stopped now. ``subject`` is a grant's id or, for ``count`` grants of it, the request's."""
    held = f"{b.who(card.names, card.request.ask.requester)} holds {titles(*_titles_of(card, subject))}"
    if subject == card.request.id:
        held += f"\nThis ends *{count}* of its {len(card.grants)} grants."
    blocks = [b.section(held), _why("The access is removed at once; the holder and the audit log see the reason.")]
    return b.modal("Revoke access", blocks, callback=ids.REVOKE_NOTE, submit="Revoke", subject=subject)


def _titles_of(card: RequestCard, subject: str) -> tuple[str, str]:
    one = next((each for each in card.targets if each.grant and each.grant.id == subject), None)
    return (one.role_title, one.account_title) if one else (card.role_title, card.account_title)


def _why(hint: str = "") -> Json:
    return b.entry("Reason", ids.NOTE, b.text_input(ids.NOTE, most=NOTE_MAX, lines=True), hint=hint)


def permissions(card: RequestCard, policy: str) -> Json:
    """Every detail of a request: all parameters, the whole reason, the exact statements."""
    request = card.request
    window = "Each statement also gets a time window: it works only between the grant's start and its end."
    blocks = [
        b.section(status_of(request, card.grants, card.names)),
        *_card_facts(card),
        *b.quote(request.ask.reason, "Why"),
        b.section("*Exact permissions*"),
        *b.code_in_full(policy, POLICY_BLOCKS),
        b.context(f"{window} Request `{b.esc(request.id, 60)}`"),
    ]
    return b.modal("Exact permissions", blocks)


def _card_facts(card: RequestCard) -> Blocks:
    facts = ask_facts(card.request.ask, Titles.on(card), **_ALL)
    if card.targets:
        return [*b.facts(facts), *several.targets_in_full(card.targets, card.names)]
    return b.facts([*facts, ("Identity", f"`{b.esc(card.request.principal, 120)}`")])


# --- the authenticator -----------------------------------------------------------------------------------


def enrol_form(*, invited: bool) -> Json:
    """How to begin: by an invite (admins), or by being vouched for."""
    blocks: Blocks = [
        b.section(
            "You need an authenticator app, one that shows six-digit codes.\n"
            "First an approver or an admin has to check that it is really you: call one of them, or expect a call."
        )
    ]
    if invited:
        field = b.text_input(ids.INVITE, placeholder="xxxx-xxxx-xxxx-xxxx-xxxx", most=60)
        hint = "From `prodaccess mfa invite`. Leave it empty to be vouched for."
        blocks.append(b.entry("Invite code", ids.INVITE, field, hint=hint, optional=True))
    return b.modal(
        "Set up authenticator", blocks, callback=ids.ENROL_FORM, submit="Continue" if invited else "Ask them"
    )


def vouch_code(enrolment_id: str, person: str) -> Json:
    """The voucher's word, with their own code. ``person`` is safe mrkdwn."""
    blocks = [
        b.section(f"You say: *I checked, in person or on a call, that this is really {person}.*"),
        b.section("For 30 minutes after this, whoever has their Slack account can set up an authenticator."),
        b.code_input("Code from your own authenticator", ids.CODE, hint=CODE_HINT),
    ]
    return b.modal("Vouch for a colleague", blocks, callback=ids.VOUCH_CODE, submit="Vouch", subject=enrolment_id)


def secret(enrolment_id: str, otpauth: str, grouped: str, page_url: str) -> Json:
    """The new secret, this once, and the two codes that finish it."""
    blocks = [b.section("*1. Add it to your authenticator app.* It is shown only here and only now.")]
    if page_url:
        scan = b.button("Show a QR code", ids.LINK, style="primary")
        blocks.append(b.actions({**scan, "url": page_url}))
    blocks += [
        b.code(grouped, "Type this key into it"),
        b.code(otpauth, "Or open this link on your phone"),
        b.section("*2. Type two codes in a row.* Wait until the first one changes, then type the second."),
        b.code_input("First code", ids.CODE),
        b.code_input("The code after it", ids.SECOND_CODE),
    ]
    return b.modal("Your authenticator", blocks, callback=ids.TWO_CODES, submit="Finish", subject=enrolment_id)


def reset_form(chat_id: str = "") -> Json:
    """An admin takes somebody's authenticator away."""
    menu: Json = {"type": "users_select", "action_id": ids.PERSON, "placeholder": b.plain("Choose a person", 150)}
    blocks = [
        b.section(
            "Their authenticator stops counting, their pending requests are cancelled and their access is revoked. "
            "They have to be vouched for again."
        ),
        b.entry("Whose", ids.PERSON, {**menu, **({"initial_user": chat_id} if chat_id else {})}),
        _why(),
        b.code_input("Code from your own authenticator", ids.CODE, hint=CODE_HINT),
    ]
    return b.modal("Reset authenticator", blocks, callback=ids.RESET_FORM, submit="Reset")
