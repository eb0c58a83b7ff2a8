"""A small app that uses every kind of interaction."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.app.async_app import AsyncApp


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def text_input(block_id: str, *, optional: bool = False, **element: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": block_id,
        "optional": optional,
        "label": plain(block_id.capitalize()),
        "element": {"type": "plain_text_input", "action_id": "value", **element},
    }


def button(action_id: str, text: str, value: str = "") -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": value}


def modal(callback_id: str, title: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **more,
    }


FORM = modal(
    "form",
    "Form",
    {
        "type": "input",
        "block_id": "fruit",
        "label": plain("Fruit"),
        "element": {"type": "external_select", "action_id": "pick", "min_query_length": 0},
    },
    text_input("reason", min_length=3, max_length=20),
    text_input("note", optional=True),
)
CODE = modal("code", "Code", text_input("code", max_length=6))
FRUIT = ["apple", "apricot", "banana"]


class Echo:
    """What the app saw, and switches for how it behaves."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.before_ack = 0.0
        self.raises = False

    def build(self, app: AsyncApp) -> None:
        app.command("/prodaccess")(self.on_command)
        app.options("pick")(self.on_options)
        app.view("form")(self.on_form)
        app.view("code")(self.on_code)
        app.view("choice")(self.on_choice)
        app.view_closed("form")(self.on_closed)
        app.action("go")(self.on_go)
        app.event("app_home_opened")(self.on_home)
        app.event("message")(self.on_message)
        app.event("user_change")(self.on_message)

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        return [payload for seen, payload in self.seen if seen == kind]

    async def on_command(self, ack: Any, body: Any, client: Any, respond: Any) -> None:
        self.seen.append(("command", body))
        if self.raises:
            raise RuntimeError("the app is broken")
        await asyncio.sleep(self.before_ack)
        word = body.get("text", "").partition(" ")[0]
        if word == "echo":
            await ack(text=body["text"])
        elif word == "card":
            await ack()
            blocks = [{"type": "actions", "block_id": "row", "elements": [button("go", "Go", "42")]}]
            await client.chat_postMessage(channel=body["user_id"], text="A card", blocks=blocks)
        elif word == "respond":
            await ack()
            await respond("in private")
            await respond("for all", response_type="in_channel")
        elif word == "listen":
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view={**FORM, "notify_on_close": True})
        else:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def on_options(self, ack: Any, body: Any) -> None:
        self.seen.append(("options", body))
        found = [name for name in FRUIT if name.startswith(body["value"])]
        await ack(options=[{"text": plain(name.capitalize()), "value": name} for name in found])

    async def on_form(self, ack: Any, body: Any) -> None:
        self.seen.append(("form", body))
        reason = body["view"]["state"]["values"]["reason"]["value"]["value"]
        if reason == "bad":
            await ack(response_action="errors", errors={"reason": "Give a better reason"})
        elif reason == "stranger":
            await ack(response_action="errors", errors={"nowhere": "No such block"})
        elif reason == "again":
            await ack(response_action="update", view={**FORM, "title": plain("Form again")})
        elif reason == "huge":
            await ack(response_action="push", view={**CODE, "title": plain("x" * 25)})
        elif reason == "done":
            await ack()
        else:
            await ack(response_action="push", view=CODE)

    async def on_code(self, ack: Any, body: Any, client: Any) -> None:
        self.seen.append(("code", body))
        code = body["view"]["state"]["values"]["code"]["value"]["value"]
        if code == "123456":
            await ack(response_action="clear")
            await client.chat_postMessage(channel=body["user"]["id"], text="Done")
        else:
            await ack(response_action="errors", errors={"code": "Wrong code"})

    async def on_choice(self, ack: Any) -> None:
        await ack(response_action="errors", errors={"one": "Choose again"})

    async def on_closed(self, ack: Any, body: Any) -> None:
        await ack()
        self.seen.append(("closed", body))

    async def on_go(self, ack: Any, body: Any, client: Any) -> None:
        await ack()
        self.seen.append(("go", body))
        if "message" in body:
            await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="Gone", blocks=[])

    async def on_home(self, event: Any, client: Any) -> None:
        self.seen.append(("home", event))
        blocks = [
            {"type": "header", "text": plain("Welcome")},
            {"type": "actions", "block_id": "row", "elements": [button("go", "Go")]},
        ]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    async def on_message(self, body: Any) -> None:
        self.seen.append(("event", body))
