"""Setting up an authenticator, vouching for somebody, and taking one away."""

from bot.core.decisions import Refusal
from bot.core.text import TextTooLong
from bot.service.people import Refused
from bot.service.records import Enrolment, EnrolmentStatus
from bot.slack import blocks as b
from bot.slack import ids, payloads, views
from bot.slack.asking import enrol_first
from bot.slack.form import sentence
from bot.slack.payloads import Click, Submitted
from bot.slack.replies import Answer, Caller, Open, Replies, tell

ENROLLED = "✅ *Your authenticator is set up.* You can ask for access now."
NOT_ADMIN = "Only an admin may reset somebody's authenticator."


def open_form(caller: Caller) -> Replies:
    """How to begin."""
    if caller.desk.enrolments.is_enrolled(caller.person.id):
        return (tell("You have an authenticator already. If you lost it, an admin has to reset it first."),)
    invited = caller.person.id in caller.desk.access.catalogue().admins
    return (Open(views.enrol_form(invited=invited)),)


def begin(caller: Caller, _: Click) -> Replies:
    """The button that begins it."""
    return open_form(caller)


def submit_form(caller: Caller, sent: Submitted) -> Answer:
    """By an invite the secret is shown at once; else those who may vouch are asked."""
    enrolments, invite = caller.desk.enrolments, payloads.entered(sent.view, ids.INVITE).strip()
    if invite:
        begun = enrolments.redeem_invite(caller.person, invite, caller.actor)
        return _shown(caller, begun.id) if isinstance(begun, Enrolment) else Answer(errors={ids.INVITE: begun.text})
    begun = enrolments.request(caller.person, caller.actor)
    if isinstance(begun, Refusal):
        return _not_done(begun)
    if begun.status is EnrolmentStatus.VOUCHED:
        return _shown(caller, begun.id)
    asked = enrolments.vouchers(caller.person.id)
    names = b.everyone(caller.desk.queries.names(*(person.id for person in asked)), [person.id for person in asked])
    text = f"✅ *Asked:* {names}\nOne of them has to check that it is really you. Talk to one of them now."
    return Answer(update=views.notice("Set up authenticator", text, clears=True))


def set_up(caller: Caller, click: Click) -> Replies:
    """The secret, this once."""
    answer = _shown(caller, click.value)
    return (Open(answer.update),) if answer.update else ()


def _shown(caller: Caller, enrolment_id: str) -> Answer:
    shown = caller.desk.enrolments.show(enrolment_id, caller.person, caller.actor)
    if isinstance(shown, Refusal):
        return _not_done(shown)
    return Answer(update=views.secret(enrolment_id, shown.otpauth, shown.secret, shown.page_url))


def submit_codes(caller: Caller, sent: Submitted) -> Answer:
    """Two codes in a row finish it."""
    first, second = (payloads.entered(sent.view, field) for field in (ids.CODE, ids.SECOND_CODE))
    done = caller.desk.enrolments.confirm(sent.subject, caller.person, first, second, caller.actor)
    if isinstance(done, Refusal) and done.code == "code":
        return Answer(errors={ids.SECOND_CODE: f"{done.text} It takes two codes, one right after the other."})
    return _not_done(done) if isinstance(done, Refusal) else Answer(update=views.notice("Done", ENROLLED, clears=True))


# --- for others ------------------------------------------------------------------------------------------


def vouch(caller: Caller, click: Click) -> Replies:
    """Ask for the voucher's own code."""
    card = caller.desk.queries.enrolment_card(click.value)
    if card is None:
        return (tell("There is no such enrolment."),)
    if not caller.desk.enrolments.is_enrolled(caller.person.id):
        return enrol_first()
    return (Open(views.vouch_code(click.value, b.who(card.names, card.enrolment.person))),)


def submit_vouch(caller: Caller, sent: Submitted) -> Answer:
    """The voucher's word."""
    code = payloads.entered(sent.view, ids.CODE)
    outcome = caller.desk.enrolments.vouch(sent.subject, caller.person, code, caller.actor)
    if isinstance(outcome, Refusal):
        return Answer(errors={ids.CODE: outcome.text}) if outcome.code == "code" else _not_done(outcome)
    return Answer()


def refuse(caller: Caller, click: Click) -> Replies:
    """It is not them."""
    outcome = caller.desk.enrolments.refuse(click.value, caller.person, caller.actor)
    return (tell(f"⚠️ {b.esc(outcome.text)}"),) if isinstance(outcome, Refusal) else ()


def open_reset(caller: Caller, rest: str) -> Replies:
    """The form in which an admin resets; ``rest`` may name whom."""
    if caller.person.id not in caller.desk.access.catalogue().admins:
        return (tell(NOT_ADMIN),)
    named = rest.strip().removeprefix("@")
    people = caller.desk.access.catalogue().people
    chat_id = caller.desk.people.chat_id(named) if named in people else named
    return (Open(views.reset_form(chat_id if chat_id[:1] in {"U", "W"} and chat_id.isalnum() else "")),)


def submit_reset(caller: Caller, sent: Submitted) -> Answer:
    """Take it away, with the admin's own code."""
    try:
        note = payloads.typed_text(sent.view, ids.NOTE, views.NOTE_MAX, multiline=True)
    except TextTooLong as error:
        return Answer(errors={ids.NOTE: sentence(f"This {error}")})
    if not note:
        return Answer(errors={ids.NOTE: "Say why, in a few words; it goes into the audit log."})
    person_id, code = _whose(caller, payloads.entered(sent.view, ids.PERSON)), payloads.entered(sent.view, ids.CODE)
    refusal = caller.desk.enrolments.reset(person_id, caller.person, code, note, caller.actor)
    if refusal is None:
        return Answer(
            update=views.notice("Reset", "✅ *Reset.* Their requests and access are being stopped.", clears=True)
        )
    field = ids.CODE if refusal.code == "code" else ids.PERSON
    return Answer(errors={field: refusal.text})


def _whose(caller: Caller, chat_id: str) -> str:
    """The person id behind a chat account, of one that may do nothing here any more too."""
    try:
        return caller.desk.people.identify(chat_id).id
    except Refused:
        known = caller.desk.access.catalogue().people.values()
        return next((person.id for person in known if chat_id in person.slack_ids), f"slack:{chat_id}")


def _not_done(refusal: Refusal) -> Answer:
    return Answer(update=views.notice("Not done", f"⚠️ {b.esc(refusal.text, 1000)}", clears=True))
