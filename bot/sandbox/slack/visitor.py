"""A person of the workspace, played from a test: the same `/ui` API as the browser page, one call after another."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

from bot.sandbox.slack import screen
from bot.sandbox.slack.entering import Value, entered
from bot.sandbox.slack.jsontypes import Json, dump
from bot.sandbox.slack.live import Live

T = TypeVar("T")
Look = Callable[[str, Mapping[str, str]], str]
_ANSWER_SECONDS = 30.0
_WAIT_SECONDS = 10.0


class Refused(AssertionError):
    """The workspace or the app did not do what the person asked; `error` is the word for it."""

    def __init__(self, doing: str, answer: Json) -> None:
        details = {name: part for name, part in answer.items() if name not in {"ok", "error"}}
        super().__init__(f"{doing} failed: {answer.get('error')}{f' {details}' if details else ''}")
        self.error = str(answer.get("error"))
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Submission:
    """What pressing submit led to: `close`, `clear`, `update`, `push`, or `errors` under the named blocks."""

    action: str
    errors: dict[str, str] = field(default_factory=dict)


class Visitor:
    """Beside a `LocalSlack`, `live` tells of changes, and `look` answers what only looks, without a request."""

    def __init__(
        self, url: str, user: str, *, app_name: str = "prodaccess", live: Live | None = None, look: Look | None = None
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self.user = user
        self._app_name = app_name
        self._live = live
        self._look = look
        self._typed: dict[str, dict[str, dict[str, Json]]] = {}

    # looking

    def state(self) -> Json:
        return self._get("state")

    def channel(self, name: str | None = None) -> str:
        """The id of a channel by name or id; without one, of the direct messages with the app."""
        channels = self.state()["channels"]
        for channel in channels:
            is_direct = name is None and channel["kind"] == "dm" and channel["name"] == self._app_name
            if is_direct or name in {channel["id"], channel["name"]}:
                return str(channel["id"])
        names = ", ".join(channel["name"] for channel in channels)
        raise AssertionError(f"{self.user} is in no channel {name!r}; they are in: {names}")

    def messages(self, channel: str | None = None) -> list[Json]:
        """The messages in a channel that this person sees, oldest first; without one, those from the app."""
        channel_id = self.channel(channel)
        found = self._get("messages", channel=channel_id)["messages"]
        return [{**message, "channel": channel_id} for message in found]

    def home(self) -> Json | None:
        home: Json | None = self.state()["home"]
        return home

    def modals(self) -> list[Json]:
        """The open modals, the top one last."""
        modals: list[Json] = self.state()["modals"]
        return modals

    def modal(self) -> Json:
        """The top modal.

        Raises:
            AssertionError: none is open.
        """
        modals = self.modals()
        if not modals:
            raise AssertionError(f"{self.user} has no modal open")
        return modals[-1]

    def notices(self) -> list[str]:
        """What went wrong before this person's eyes, oldest first (only beside a `LocalSlack`)."""
        return [] if self._live is None else self._live.notices_of(self.user)

    # waiting

    def wait_for(self, predicate: Callable[[], T], timeout: float = _WAIT_SECONDS, *, what: str = "") -> T:
        """Call `predicate` until it returns something true, and return that; `timeout` in seconds.

        An AssertionError from the predicate counts as "not yet", and is what is raised in the end.
        """
        deadline = time.monotonic() + timeout
        while True:
            version = self._live.version if self._live else 0
            failure: AssertionError | None = None
            try:
                result = predicate()
            except AssertionError as error:
                failure = error
            else:
                if result:
                    return result
            left = deadline - time.monotonic()
            if left <= 0:
                reason = what or (str(failure) if failure else "the condition")
                raise AssertionError(f"{self.user} waited {timeout:g} s in vain for: {reason}") from failure
            self._pause(version, left)

    def _pause(self, version: int, left: float) -> None:
        if self._live is not None:
            self._live.wait_beyond(version, min(left, 0.25))
        else:
            time.sleep(min(left, 0.05))

    def wait_for_message(self, containing: str, channel: str | None = None, timeout: float = _WAIT_SECONDS) -> Json:
        """The newest message that shows this text, as soon as there is one."""

        def look() -> Json | None:
            messages = self.messages(channel)
            for message in reversed(messages):
                if containing in screen.words(message) or containing in message["text"]:
                    return message
            seen = "\n---\n".join(screen.words(message) for message in messages[-5:]) or "(nothing)"
            raise AssertionError(f"a message with {containing!r} in {channel or 'the DM'}; the latest there:\n{seen}")

        found = self.wait_for(look, timeout)
        assert found is not None  # noqa: S101 - wait_for returns what is true
        return found

    def wait_for_modal(self, containing: str = "", timeout: float = _WAIT_SECONDS) -> Json:
        """The top modal, as soon as it shows this text."""

        def look() -> Json:
            modal = self.modal()
            if containing not in screen.words(modal):
                raise AssertionError(f"a modal with {containing!r}; open is:\n{screen.words(modal)}")
            return modal

        return self.wait_for(look, timeout)

    def wait_for_home(self, containing: str = "", timeout: float = _WAIT_SECONDS) -> Json:
        """The Home tab, as soon as it shows this text."""

        def look() -> Json:
            home = self.home()
            if home is None or containing not in screen.words(home):
                raise AssertionError(f"a Home tab with {containing!r}; it shows:\n{screen.words(home)}")
            return home

        return self.wait_for(look, timeout)

    # doing

    def say(self, text: str, channel: str | None = None) -> str:
        """Post a plain message; returns its timestamp."""
        return str(self._post("send", channel=self.channel(channel), text=text)["ts"])

    def command(self, text: str, channel: str | None = None) -> None:
        """Type a slash command, e.g. `/prodaccess help`.

        Raises:
            Refused: `dispatch_failed`, `operation_timeout` or `unknown command`.
        """
        self._post("command", channel=self.channel(channel), text=text)

    def click(self, thing: Json, action_id: str, *, value: str | None = None) -> None:
        """Press a button of a message, modal or Home tab, found by action id or label.

        The element is looked up in `thing` as it was read, so that an old card can be clicked.
        """
        block_id, element = screen.find(thing, action_id, value=value)
        action = {"type": element["type"], "action_id": element["action_id"], "text": element.get("text")}
        if "value" in element:
            action["value"] = element["value"]
        self._act(thing, block_id, action)

    def click_modal(self, action_id: str, *, value: str | None = None) -> None:
        self.click(self.modal(), action_id, value=value)

    def click_home(self, action_id: str, *, value: str | None = None) -> None:
        self.click(self.wait_for_home(), action_id, value=value)

    def choose(self, thing: Json, action_id: str, value: Value) -> None:
        """Choose in a menu or picker outside of an input block; the app hears of it at once."""
        block_id, element = screen.find(thing, action_id)
        chosen = self._entered(thing, element, value)
        self._keep(thing, block_id, element["action_id"], chosen)
        self._act(thing, block_id, {"action_id": element["action_id"], **chosen})

    def options(self, thing: Json, action_id: str, typed: str) -> list[Json]:
        """What an external select offers for what was typed into it."""
        block_id, element = screen.find(thing, action_id)
        answer = self._post(
            "options", where=screen.where(thing), block_id=block_id, action_id=element["action_id"], value=typed
        )
        groups = answer["option_groups"] or []
        return [*(answer["options"] or []), *(option for group in groups for option in group["options"])]

    def fill(self, *entries: tuple[str, Value], **by_name: Value) -> None:
        """Enter values into the top modal, by action id, block id or label.

        Selects take an option's value or text (an external one is asked with it first), several of them for multi
        selects and checkboxes; pickers take dates, `HH:MM`, or Unix seconds. An input that dispatches does so.
        """
        modal = self.modal()
        blocks = {block["block_id"]: block for block in modal["blocks"]}
        for name, value in [*entries, *by_name.items()]:
            block_id, element = screen.find(modal, name)
            state = self._entered(modal, element, value)
            self._keep(modal, block_id, element["action_id"], state)
            if blocks[block_id]["type"] != "input" or blocks[block_id].get("dispatch_action"):
                self._act(modal, block_id, {"action_id": element["action_id"], **state})

    def submit(self, modal: Json | None = None) -> Submission:
        """Press the submit button of a modal, the top one unless given; errors under inputs come back as such.

        Raises:
            Refused: the app did not answer, or not as Slack takes it.
        """
        modal = modal or self.modal()
        answer = self._post("submit", view_id=modal["id"], state={"values": self.typed(modal)})
        return Submission(answer["action"], answer.get("errors") or {})

    def close(self, *, cleared: bool = False) -> None:
        """Close the top modal or, `cleared`, all of them by the cross."""
        self._post("close", view_id=self.modal()["id"], cleared=cleared)

    def open_home(self) -> None:
        self._post("open_home")

    def read(self, channel: str | None = None) -> None:
        self._post("read", channel=self.channel(channel))

    def typed(self, view: Json) -> dict[str, dict[str, Json]]:
        """What stands in a view's inputs: what this person entered, and what was there before."""
        values: dict[str, dict[str, Json]] = deepcopy(view["state"]["values"])
        own = self._typed.get(view["id"], {})
        for block_id, action_id in screen.usable(view):
            if action_id in own.get(block_id, {}):
                values.setdefault(block_id, {})[action_id] = own[block_id][action_id]
        return values

    def _keep(self, thing: Json, block_id: str, action_id: str, entered: Json) -> None:
        if "id" in thing:
            self._typed.setdefault(thing["id"], {}).setdefault(block_id, {})[action_id] = entered

    def _act(self, thing: Json, block_id: str, action: Json) -> None:
        state = {"values": self.typed(thing)} if "id" in thing else None
        self._post("action", where=screen.where(thing), block_id=block_id, action=action, state=state)

    def _entered(self, thing: Json, element: Json, value: Value) -> Json:
        return entered(element, value, lambda typed: self.options(thing, element["action_id"], typed))

    # the wire

    def _get(self, what: str, **query: str) -> Json:
        query = {"user": self.user, **query}
        if self._look is not None:
            return self._answered(f"GET /ui/{what}", json.loads(self._look(what, query)))
        return self._request("GET", f"/ui/{what}?{urlencode(query, quote_via=quote)}", None)

    def _post(self, what: str, **body: object) -> Json:
        return self._request("POST", f"/ui/{what}", {"user": self.user, **body})

    def _request(self, verb: str, path: str, body: Json | None) -> Json:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_ANSWER_SECONDS)
        try:
            data = None if body is None else dump(body).encode()
            connection.request(verb, path, data, {"Content-Type": "application/json"} if data else {})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        return self._answered(f"{verb} {path.partition('?')[0]}", answer)

    def _answered(self, doing: str, answer: Json) -> Json:
        if not answer.get("ok"):
            raise Refused(f"{self.user}: {doing}", answer)
        return dict(answer)
