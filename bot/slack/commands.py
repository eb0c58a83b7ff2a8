"""What can be typed after ``/prodaccess``."""

from collections.abc import Callable, Mapping

from bot.core.decisions import Refusal
from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Catalogue, Grant
from bot.core.text import TextTooLong, clean
from bot.service.cards import Names
from bot.slack import asking, away, enrolling, extending, ids, several, views
from bot.slack import blocks as b
from bot.slack.blocks import Blocks, Message
from bot.slack.cards import UNFINISHED
from bot.slack.payloads import Line
from bot.slack.replies import Caller, Open, Replies, Tell, tell
from bot.slack.typed import USAGE
from bot.slack.why import USAGE as WHY_USAGE
from bot.slack.why import why
from bot.slack.wording import grant_status, what, what_grant

MOST = 8

HELP = f"""*Ask for access*
`{ids.COMMAND}` opens the form.
`{USAGE}` asks in one line; `--start "2026-11-24 09:00"` and `--work KIND` where you need them.
`--break-glass` in an emergency, where the role allows it: no approver, but the security team is told, and reviews it.
*Look*
`{ids.COMMAND} status` what you hold, what you wait for and what waits for you
`{ids.COMMAND} history` your latest requests
`{WHY_USAGE}` what would become of that, rule by rule (admins: `for=PERSON` too)
*Go on*
`{ids.COMMAND} extend [GRANT] [1h] [REASON]` make your access longer, once, before it ends
*Stop*
`{ids.COMMAND} release [GRANT]` you are done
`{ids.COMMAND} revoke [GRANT] [REASON]` stop somebody's access (admins, approvers)
*Away*
`{ids.COMMAND} away until DATE [delegate @PERSON]` somebody else approves in your place; `{ids.COMMAND} back`
*Authenticator*
`{ids.COMMAND} enrol` set up yours
`{ids.COMMAND} reset @PERSON` take somebody's away (admins)"""


def command(caller: Caller, line: Line) -> Replies:
    """A subcommand, the form, or the form typed in one line."""
    word, _, rest = line.text.replace("\n", " ", 1).partition(" ") if line.text else ("", "", "")
    if not word:
        return asking.open_form(caller)
    known = SUBCOMMANDS.get(word.casefold())
    return known(caller, rest.strip()) if known else asking.typed(caller, line)


def show_help(_: Caller, __: str) -> Replies:
    """What there is."""
    return (tell(HELP),)


def enrol(caller: Caller, _: str) -> Replies:
    """Set up an authenticator."""
    return enrolling.open_form(caller)


def status(caller: Caller, _: str) -> Replies:
    """What is held, waited for and to be decided."""
    card = caller.desk.queries.home(caller.person)
    blocks: Blocks = [b.section("*Your access*" if card.live else "You hold no access.")]
    blocks += [_grant_block(caller, grant, release=True) for grant in card.live[:MOST]]
    for title, requests, action, label in (
        ("Your pending requests", card.pending, ids.CANCEL, "Cancel"),
        ("Waiting for you", card.waiting_for_me, ids.PERMISSIONS, "Look"),
    ):
        if requests:
            blocks.append(b.section(f"*{title}*"))
        for request in requests[:MOST]:
            by = b.who(card.names, request.ask.requester)
            length = format_duration(request.ask.duration)
            text = f"{by}: {what(request.ask, card.catalogue)} for {length} · lapses {b.when(request.lapses_at)}"
            blocks.append(b.section(text, b.button(label, action, request.id)))
    return (Tell(b.message("Your access and requests", blocks)),)


def history(caller: Caller, _: str) -> Replies:
    """The latest requests and what became of them."""
    found = caller.desk.queries.history(caller.person.id, MOST)
    if not found:
        return (tell("You have asked for nothing yet."),)
    names = caller.desk.queries.names(*(grant.ended_by for _, grants in found for grant in grants))
    catalogue = caller.desk.access.catalogue()
    blocks: Blocks = [b.section("*Your latest requests*")]
    for request, grants in found:
        text = (
            f"{what(request.ask, catalogue)} · {request.status} · {b.when(request.asked_at)} `{b.esc(request.id, 40)}`"
        )
        lines = [text, *(_in_history(grant, request, names, catalogue) for grant in grants)]
        blocks.append(b.section("\n".join(lines), b.button("Ask again", ids.ASK_AGAIN, request.id)))
    return (Tell(b.message("Your latest requests", blocks)),)


def _in_history(grant: Grant, request: AccessRequest, names: Names, catalogue: Catalogue) -> str:
    """Where a grant stands; of several with its own target."""
    which = f"{what_grant(grant, catalogue)} " if request.ask.more else ""
    return f"{which}{grant_status(grant, names)}"


def release(caller: Caller, rest: str) -> Replies:
    """One's own access: the one named, or the only one, or a choice."""
    held = [grant for grant in caller.desk.queries.unfinished(caller.person.id) if grant.status in UNFINISHED]
    wanted = rest.split(maxsplit=1)[0] if rest else _only(several.together(held))
    if not held:
        return (tell("You hold no access."),)
    if not wanted:
        return (Tell(_list(caller, "Which one are you done with?", held, release=True)),)
    outcome = caller.desk.access.release(wanted, caller.person, caller.actor)
    if isinstance(outcome, Refusal):
        return (tell(f"⚠️ {b.esc(outcome.text)}"),)
    return (tell(f"✅ Released `{b.esc(wanted, 60)}`: it is being removed."),)


def _only(held: list[tuple[Grant, ...]]) -> str:
    """What there is to be done with, where it is one grant, or all of one request."""
    if len(held) != 1:
        return ""
    return held[0][0].id if len(held[0]) == 1 else held[0][0].request_id


def revoke(caller: Caller, rest: str) -> Replies:
    """Somebody's access: the one named, at once where a reason is given, else after one; or a choice."""
    access = caller.desk.access
    grant_id, _, reason = rest.partition(" ")
    if not grant_id:
        live = [grant for grant in caller.desk.queries.unfinished(None) if grant.status in UNFINISHED]
        mine = [grant for grant in live if access.may_revoke(grant.id, caller.person)]
        if not mine:
            return (tell("There is no access that you may revoke."),)
        return (Tell(_list(caller, "Which one should end?", mine, release=False)),)
    grant = access.grant(grant_id)
    card = caller.desk.queries.request_card(grant.request_id if grant else grant_id, "approvers")
    if card is None or not card.grants:
        return (tell(f"There is no grant `{b.esc(grant_id, 60)}`. `{ids.COMMAND} revoke` lists those you may revoke."),)
    try:
        note = clean(reason, limit=views.NOTE_MAX, multiline=True)
    except TextTooLong as error:
        return (tell(f"⚠️ The reason {error}."),)
    if not note and (theirs := access.stopping.revocable(grant_id, caller.person)):
        return (Open(views.revoke_note(card, grant_id, len(theirs))),)
    outcome = access.revoke(grant_id, caller.person, caller.actor, note)
    if isinstance(outcome, Refusal):
        return (tell(f"⚠️ {b.esc(outcome.text)}"),)
    return (tell(f"✅ Revoked `{b.esc(grant_id, 60)}`: it is being removed."),)


def _list(caller: Caller, title: str, grants: list[Grant], *, release: bool) -> Message:
    blocks: Blocks = [b.section(f"*{title}*")]
    blocks += [_grant_block(caller, grant, release=release) for grant in grants[:20]]
    if len(grants) > 20:
        blocks.append(b.context(f"… and {len(grants) - 20} more"))
    return b.message(title, blocks)


def _grant_block(caller: Caller, grant: Grant, *, release: bool) -> b.Json:
    names = caller.desk.queries.names(grant.person, grant.ended_by)
    whose = "" if release else f"{b.who(names, grant.person)}: "
    held = what_grant(grant, caller.desk.access.catalogue())
    text = f"{whose}{held}\n{grant_status(grant, names)} `{b.esc(grant.id, 40)}`"
    stop = (
        b.button("I'm done", ids.RELEASE, grant.id) if release else b.button("Revoke", ids.REVOKE, grant.id, "danger")
    )
    return b.section(text, stop if grant.status in UNFINISHED else None)


SUBCOMMANDS: Mapping[str, Callable[[Caller, str], Replies]] = {
    "help": show_help,
    "status": status,
    "enrol": enrol,
    "enroll": enrol,
    "release": release,
    "revoke": revoke,
    "extend": extending.typed,
    "history": history,
    "why": why,
    "away": away.away,
    "back": away.back,
    "reset": enrolling.open_reset,
}
