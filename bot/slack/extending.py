"""Making access longer: a small form with a code, or one typed line."""

from dataclasses import replace

from bot.core import policy
from bot.core.decisions import Refusal
from bot.core.duration import format_duration, parse_duration
from bot.core.model import Catalogue, Role
from bot.core.policy import Verdict
from bot.core.text import TextTooLong, clean
from bot.service.extending import Extendable
from bot.service.proof import REFUSED
from bot.service.records import Draft
from bot.slack import blocks as b
from bot.slack import ids, payloads, views
from bot.slack.asking import confirmation, enrol_first, send
from bot.slack.blocks import Blocks, Json
from bot.slack.form import DURATION_MAX, on_blocks, problems_of, read, sentence
from bot.slack.payloads import Click, Submitted
from bot.slack.replies import Answer, Caller, Open, Replies, Tell, tell
from bot.slack.wording import what_grant

MOST = 8
NOTHING = "You hold nothing that can be made longer just now."


def extend(caller: Caller, click: Click) -> Replies:
    """The form for one grant."""
    return _open(caller, click.value)


def submit(caller: Caller, sent: Submitted) -> Answer:
    """Every problem below its field; the code is checked last, for exactly what stands there."""
    found = caller.desk.extending.of(sent.subject, caller.person)
    if isinstance(found, Refusal):
        return Answer(update=views.notice("Not extended", f"⚠️ {b.esc(found.text)}", clears=True))
    form, too_long = read(sent.view)
    problems, ask = dict(too_long), replace(found.ask, reason=form.reason)
    try:
        ask = replace(ask, duration=parse_duration(form.duration))
    except ValueError as error:
        problems = {(ids.DURATION, ""): sentence(str(error)), **problems}
    if problems:
        return Answer(errors=on_blocks(problems, sent.view))
    drafted = caller.desk.access.draft(caller.person, ask)
    if isinstance(drafted, Verdict):
        return Answer(errors=on_blocks(problems_of(drafted), sent.view))
    code = payloads.entered(sent.view, ids.CODE)
    if caller.desk.access.codes.verify(caller.person.id, code, drafted.digest(), caller.actor) is None:
        return Answer(errors={ids.CODE: REFUSED})
    return Answer(update=views.checking(), then=lambda: send(caller, drafted))


def typed(caller: Caller, rest: str) -> Replies:
    """``extend [GRANT] [1h] [why]``: straight to the confirmation where the length is said, else the form."""
    first, _, after = rest.partition(" ")
    mine = {grant.id for grant in caller.desk.queries.unfinished(caller.person.id)}
    named = first in mine or first.startswith("g-")
    words = after.strip() if named else rest
    offered = [] if named else _offered(caller)
    if not named and len(offered) != 1:
        return (Tell(_list(caller, offered)),) if offered else (tell(NOTHING),)
    grant_id = first if named else offered[0]
    return _typed(caller, grant_id, words) if words else _open(caller, grant_id)


def _typed(caller: Caller, grant_id: str, words: str) -> Replies:
    found = caller.desk.extending.of(grant_id, caller.person)
    if isinstance(found, Refusal):
        return (tell(f"⚠️ {b.esc(found.text)}"),)
    length, _, why = words.partition(" ")
    try:
        reason = clean(why, limit=policy.REASON_MAX, multiline=True)
        ask = replace(found.ask, duration=parse_duration(length), reason=reason or found.ask.reason)
    except TextTooLong as error:
        return (tell(f"⚠️ The reason {error}."),)
    except ValueError as error:
        return (tell(f"⚠️ How long: {b.esc(sentence(str(error)))} Write it like `{ids.COMMAND} extend 1h`."),)
    drafted = caller.desk.access.draft(caller.person, ask)
    if isinstance(drafted, Draft):
        return (Open(confirmation(caller, drafted)),)
    listed = "\n".join(f"• {b.esc(reason.text, 400)}" for reason in drafted.refusals[:6])
    return (tell(f"⚠️ *Nothing was sent.*\n{listed}"),)


def _open(caller: Caller, grant_id: str) -> Replies:
    found = caller.desk.extending.of(grant_id, caller.person)
    if isinstance(found, Refusal):
        return (tell(f"⚠️ {b.esc(found.text)}"),)
    if not caller.desk.enrolments.is_enrolled(caller.person.id):
        return enrol_first()
    return (Open(form(found, caller.desk.access.catalogue())),)


def _offered(caller: Caller) -> list[str]:
    """Grants of theirs that may be made longer, the soonest end first."""
    page = caller.desk.queries.home(caller.person)
    return [grant.id for grant in page.live if grant.id in page.extendable]


def _list(caller: Caller, offered: list[str]) -> b.Message:
    title, catalogue = "Which one should go on?", caller.desk.access.catalogue()
    held = {grant.id: grant for grant in caller.desk.queries.unfinished(caller.person.id)}
    blocks: Blocks = [b.section(f"*{title}*")]
    for grant in [held[each] for each in offered if each in held][:MOST]:
        text = f"{what_grant(grant, catalogue)}\nActive until {b.when(grant.expires_at)} `{b.esc(grant.id, 40)}`"
        blocks.append(b.section(text, b.button("Extend", ids.EXTEND, grant.id)))
    return b.message(title, blocks)


def form(found: Extendable, catalogue: Catalogue) -> Json:
    """How much longer, why, and the code; filled in from what is held."""
    grant, ask = found.grant, found.ask
    role, most = catalogue.roles[grant.role], format_duration(found.longest)
    blocks: Blocks = [
        b.section(f"{what_grant(grant, catalogue)}\n🟢 *Active* until {b.when(grant.expires_at)}"),
        b.context(f"It goes on from there with exactly the same permissions, once. {_on_whose_word(role)}"),
        b.entry(
            "How much longer",
            ids.DURATION,
            b.text_input(ids.DURATION, format_duration(ask.duration), "e.g. 30m, 1h", most=DURATION_MAX),
            hint=f"At most {most}.",
        ),
        b.entry(
            "Why",
            ids.REASON,
            b.text_input(ids.REASON, ask.reason, most=policy.REASON_MAX, lines=True),
            hint=f"At least {role.reason_min} characters; the approvers and the audit log see it.",
        ),
        b.code_input("Code from your authenticator", ids.CODE, hint=views.CODE_HINT),
    ]
    return b.modal("Extend access", blocks, callback=ids.EXTEND_FORM, submit="Extend", subject=grant.id)


def _on_whose_word(role: Role) -> str:
    silent = role.extend is not None and not role.extend.approval
    return "A code is enough." if silent else "It has to be approved anew."
