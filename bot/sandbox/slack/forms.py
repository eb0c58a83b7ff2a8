"""Submitting and closing modals, and carrying out what the app answers to a submission."""

from __future__ import annotations

import logging

from bot.sandbox.slack.client_rules import problems_of_form
from bot.sandbox.slack.context import Slack
from bot.sandbox.slack.errors import DispatchError, SlackError
from bot.sandbox.slack.interactions import failure_text, page_error
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.limits import input_blocks
from bot.sandbox.slack.model import View
from bot.sandbox.slack.views import stateful

log = logging.getLogger(__name__)

TROUBLE = "We had some trouble connecting. Try again?"


class Forms:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def submit(self, user: str, view_id: str, state: Json | None) -> Json:
        """Press a modal's submit button; returns what happened: `action` and, for `errors`, the texts.

        Raises:
            SlackError: `not_found`, `dispatch_failed`, `operation_timeout`, or `invalid_response` when the app
                answered with something that Slack would not take. The modal stays as it was.
        """
        slack = self._slack
        view = slack.views.modal(user, view_id)
        if view.body.get("submit") is None:
            raise SlackError("invalid_arguments")
        slack.views.keep_typed(view, state)
        if problems := problems_of_form(view.body, view.typed):
            return {"action": "errors", "errors": problems}
        payload = slack.payloads.view_submission(
            slack.members.get(user), view, slack.triggers.issue(user, view.id), self._response_urls(user, view)
        )
        try:
            answer = await slack.courier.ask("interactive", payload, accepts_response_payload=True)
        except DispatchError as failure:
            text = failure_text(failure) if failure.status is not None else TROUBLE
            slack.live.notice(user, text)
            raise SlackError(page_error(failure)) from None
        try:
            return self._carry_out(user, view, answer)
        except SlackError as refusal:
            slack.live.notice(user, TROUBLE)
            log.info("the answer to a submission was refused: %s %s", refusal.code, refusal.extra)
            raise SlackError("invalid_response", reason=refusal.code, **refusal.extra) from None

    def _carry_out(self, user: str, view: View, answer: Json) -> Json:
        views = self._slack.views
        action = answer.get("response_action")
        if action is None:
            if answer.keys() - {"text"}:
                raise SlackError("invalid_arguments", problems=["unknown response_action"])
            views.close(user, view)
            return {"action": "close"}
        if action == "clear":
            self._tell_closed(user, [gone for gone in views.clear(user) if gone.id != view.id], is_cleared=True)
        elif action == "errors":
            return {"action": "errors", "errors": _errors_for(view, answer.get("errors"))}
        elif action == "update":
            views.update(views.modal(user, view.id), _view_of(answer))
        elif action == "push":
            views.push(user, _view_of(answer))
        else:
            raise SlackError("invalid_arguments", problems=[f"unknown response_action: {action}"])
        return {"action": action}

    def close(self, user: str, view_id: str, *, cleared: bool) -> None:
        """Close a modal by its button or, `cleared`, the whole stack by the cross; tells the app if it wants to know.

        Raises:
            SlackError: `not_found`.
        """
        views = self._slack.views
        view = views.modal(user, view_id)
        cleared = cleared or bool(view.body.get("clear_on_close"))
        gone = views.clear(user) if cleared else views.close(user, view)
        self._tell_closed(user, gone, is_cleared=cleared)

    def _tell_closed(self, user: str, gone: list[View], *, is_cleared: bool) -> None:
        person = self._slack.members.get(user)
        for view in gone:
            if view.body.get("notify_on_close"):
                payload = self._slack.payloads.view_closed(person, view, is_cleared=is_cleared)
                self._slack.courier.spawn(self._send_closed(payload))

    async def _send_closed(self, payload: Json) -> None:
        try:
            await self._slack.courier.ask("interactive", payload)
        except DispatchError as failure:
            log.info("view_closed was not taken by the app: %s", failure.reason)

    def _response_urls(self, user: str, view: View) -> list[Json]:
        urls = []
        for (block_id, action_id), element in stateful(view.body).items():
            if not element.get("response_url_enabled"):
                continue
            state = view.typed[block_id][action_id]
            channel = state.get("selected_conversation") or state.get("selected_channel")
            if channel:
                url = self._slack.response_urls.issue(user, channel, None, "app")
                urls.append({"response_url": url, "channel_id": channel, "block_id": block_id, "action_id": action_id})
        return urls


def _view_of(answer: Json) -> Json:
    view = answer.get("view")
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", problems=["missing required field: view"])
    return view


def _errors_for(view: View, errors: object) -> dict[str, str]:
    """The app's errors, each under an input block that exists; Slack shows no others."""
    known = input_blocks(view.body)
    if not isinstance(errors, dict) or not errors:
        raise SlackError("invalid_arguments", problems=["missing required field: errors"])
    if strangers := [name for name in errors if name not in known]:
        raise SlackError("invalid_arguments", problems=[f"no input block named {name}" for name in strangers])
    if bad := [name for name, text in errors.items() if not isinstance(text, str) or not text]:
        raise SlackError("invalid_arguments", problems=[f"no error text for {name}" for name in bad])
    return dict(errors)
