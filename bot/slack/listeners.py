"""Which of Slack's payloads goes to which handler; the one table of what can be pressed, sent and typed."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.service import homes, leaving
from bot.slack import (
    asking,
    away,
    changing,
    commands,
    deciding,
    enrolling,
    extending,
    favourites,
    ids,
    payloads,
    reviewing,
    settling,
)
from bot.slack.blocks import Json
from bot.slack.directory import SlackDirectory, may_do_nothing
from bot.slack.edge import Edge
from bot.slack.home import home
from bot.slack.payloads import Click
from bot.slack.replies import Caller, OnClick, OnSubmit, Replies, tell

CLICKS: Mapping[str, OnClick] = {
    ids.ASK: asking.ask,
    ids.ASK_AGAIN: asking.ask_again,
    ids.ROLE: asking.choose,
    ids.ACCOUNT: asking.choose,
    ids.WORK: asking.choose,
    ids.START: asking.choose,
    ids.APPROVE: deciding.approve,
    ids.DENY: deciding.deny,
    ids.CLAIM: deciding.claim,
    ids.PERMISSIONS: deciding.permissions,
    ids.CANCEL: deciding.cancel,
    ids.RELEASE: deciding.release,
    ids.REVOKE: deciding.revoke,
    ids.EXTEND: extending.extend,
    ids.KEEP: favourites.keep,
    ids.ASK_FAVOURITE: favourites.ask,
    ids.FORGET: favourites.forget,
    ids.BREAK_GLASS: asking.choose,
    ids.REVIEW_RIGHT: reviewing.right,
    ids.REVIEW_OBJECT: reviewing.objects,
    ids.ENROL: enrolling.begin,
    ids.VOUCH: enrolling.vouch,
    ids.REFUSE: enrolling.refuse,
    ids.SET_UP: enrolling.set_up,
    ids.REMOVE_STRAY: settling.remove,
    ids.ADOPT_STRAY: settling.adopt,
    ids.RESTORE_STRAY: settling.restore,
    ids.STRAY_POLICY: settling.policy,
    ids.APPROVE_CHANGE: changing.approve,
    ids.DENY_CHANGE: changing.deny,
    ids.AWAY: away.open_form,
    ids.BACK: away.end,
}
SUBMISSIONS: Mapping[str, OnSubmit] = {
    ids.FORM: asking.submit_form,
    ids.CONFIRM: asking.submit_confirm,
    ids.APPROVE_CODE: deciding.submit_approve,
    ids.DENY_NOTE: deciding.submit_deny,
    ids.REVOKE_NOTE: deciding.submit_revoke,
    ids.EXTEND_FORM: extending.submit,
    ids.OBJECTION_NOTE: reviewing.submit_objection,
    ids.ENROL_FORM: enrolling.submit_form,
    ids.TWO_CODES: enrolling.submit_codes,
    ids.VOUCH_CODE: enrolling.submit_vouch,
    ids.ADOPT_CODE: settling.submit_adopt,
    ids.RESTORE_CODE: settling.submit_restore,
    ids.APPROVE_CHANGE_CODE: changing.submit_approve,
    ids.DENY_CHANGE_CODE: changing.submit_deny,
    ids.RESET_FORM: enrolling.submit_reset,
    ids.AWAY_FORM: away.submit,
}
MENUS = (ids.ROLE, ids.ACCOUNT, ids.WORK, ids.PARAMETER)
"""Menus that ask for their options."""

_ANYTHING = re.compile(".*", re.DOTALL)


def register(app: AsyncApp, edge: Edge, directory: SlackDirectory | None) -> None:
    """Add every listener. What Slack says about people makes ``directory`` forget them."""
    app.command(ids.COMMAND)(edge.on_line(commands.command))
    for action, on_click in CLICKS.items():
        app.action(action)(edge.on_click(on_click))
    for callback, on_submit in SUBMISSIONS.items():
        app.view(callback)(edge.on_submit(on_submit))
    for menu in MENUS:
        app.options(menu)(edge.on_lookup(asking.options))
    app.event("app_home_opened")(edge.on_home(open_home))
    if directory is not None:
        app.event("user_change")(_changed(edge, directory))
        app.event("subteam_members_changed")(
            _forgetting(lambda event: directory.forget_group(str(event.get("subteam_id"))))
        )
    app.action({"action_id": ids.LINK})(_nothing)
    app.action(_ANYTHING)(edge.on_click(_unknown_button))
    app.event(_ANYTHING)(_nothing)
    app.view_closed(_ANYTHING)(_nothing)


def open_home(caller: Caller) -> Json:
    """A person's own page, as of now; from now on it is kept up to date."""
    homes.note_opened(caller.desk.access.store, caller.person.id)
    return home(caller.desk.queries.home(caller.person))


def _unknown_button(_: Caller, __: Click) -> Replies:
    return (tell("This button is from an older message and does nothing any more. Look at the app's Home tab."),)


def _changed(edge: Edge, directory: SlackDirectory) -> Callable[..., Any]:
    """Somebody's account is another now: they may have left. Bolt has acknowledged it; a look finds what fails here."""
    store = edge.desk.access.store

    async def listener(event: dict[str, Any]) -> None:
        user = payloads.part(event, "user")
        chat_id = str(user.get("id") or "")
        directory.forget(chat_id)
        if chat_id and may_do_nothing(user):
            await edge.run(lambda: leaving.note(store, chat_id))

    return edge.running.counted(listener)


def _forgetting(forget: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    async def listener(event: dict[str, Any]) -> None:
        forget(event)

    return listener


async def _nothing(ack: AsyncAck) -> None:
    await ack()
