"""Messages and views as the bot sends them."""

from __future__ import annotations

import time
from typing import Any

Json = dict[str, Any]

BOT = {"name": "prodaccess", "initials": "PA", "color": "#17705f"}
MAYA = {"name": "Maya Lindqvist", "initials": "ML", "color": "#2f7fb8"}
NOW = int(time.time())
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTPAUTH = f"otpauth://totp/prodaccess:maya?secret={SECRET}&issuer=prodaccess"


def message(age: float, text: str, blocks: list[Json] | None = None, **more: Any) -> Json:
    """A message `age` seconds old."""
    is_bot = more.pop("bot", blocks is not None)
    return {
        "ts": f"{NOW - age:.6f}",
        "user": "U0BOT" if is_bot else "U0MAYA",
        "bot": is_bot,
        "author": BOT if is_bot else MAYA,
        "text": text,
        "blocks": blocks or [],
        "edited": False,
        "deleted": False,
        "ephemeral": False,
        "thread_ts": None,
        "reply_count": 0,
        "metadata": None,
        **more,
    }


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str, description: str | None = None) -> Json:
    return {
        "text": plain(text),
        "value": value,
        **({"description": plain(description)} if description else {}),
    }


def section(text: str, **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(text: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": "req_1", **more}


def approval_blocks(outcome: str | None = None) -> list[Json]:
    fields = [
        "*What*\nRead one S3 bucket",
        "*Where*\npayments-prod",
        "*How long*\n2 h from the approval",
        "*Kind of work*\nBug fix",
        "*Bucket*\n`payments-logs`",
        "*Ticket*\n<https://tickets.example/PAY-123|PAY-123>",
    ]
    end: Json = {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            button("Approve", "approve", style="primary"),
            button("Deny", "deny", style="danger"),
            button("Exact permissions", "policy"),
            {
                "type": "overflow",
                "action_id": "more",
                "options": [option("Who can approve this", "who"), option("History", "history")],
            },
        ],
    }
    if outcome:
        end = {"type": "context", "block_id": "decide", "elements": [mrkdwn(outcome)]}
    return [
        {"type": "header", "block_id": "head", "text": plain("Access request from Maya")},
        section(":lock: <@U0MAYA> asks for *s3-read* in *payments-prod*.", block_id="who"),
        {"type": "section", "block_id": "facts", "fields": [mrkdwn(field) for field in fields]},
        section("*Why*\n> Refunds fail since 02:40; I need the gateway's logs &amp; nothing else.", block_id="why"),
        {
            "type": "context",
            "block_id": "held",
            "elements": [
                mrkdwn(f":hourglass_flowing_sand: Lapses <!date^{NOW + 3600}^{{date_short_pretty}} at {{time}}|soon>"),
                mrkdwn(":shield: Holds nothing else right now"),
            ],
        },
        end,
    ]


def text_input(block_id: str, label: str, hint: str | None = None, **element: Any) -> Json:
    optional = element.pop("optional", False)
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "optional": optional,
        **({"hint": plain(hint)} if hint else {}),
        "element": {"type": "plain_text_input", "action_id": "value", **element},
    }


def input_block(block_id: str, label: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {"action_id": "value", **element},
        **more,
    }


def request_view(*extra: Json) -> Json:
    return {
        "id": "V1",
        "hash": "h1",
        "type": "modal",
        "title": plain("Ask for access"),
        "submit": plain("Continue"),
        "close": plain("Cancel"),
        "blocks": [
            {
                **input_block(
                    "role",
                    "Role",
                    {
                        "type": "external_select",
                        "placeholder": plain("Type to search"),
                        "min_query_length": 0,
                    },
                ),
                "dispatch_action": True,
            },
            input_block(
                "account",
                "Account",
                {
                    "type": "static_select",
                    "placeholder": plain("Choose an account"),
                    "options": [
                        option("payments-prod", "1111", "eu-west-1"),
                        option("search-prod", "2222", "us-east-1"),
                        option("ledger-prod", "3333", "eu-central-1"),
                    ],
                },
            ),
            text_input("duration", "How long", "Like 90m, 2h or 1h30m. At most 2 h.", initial_value="2h"),
            text_input("reason", "Why", multiline=True, max_length=500),
            text_input("ticket", "Ticket", optional=True, placeholder=plain("PAY-123")),
            *extra,
        ],
    }


def home_view() -> Json:
    return {
        "id": "V9",
        "type": "home",
        "blocks": [
            {"type": "header", "block_id": "a", "text": plain("Your access")},
            section(
                ":large_green_circle: *s3-read* in *payments-prod*\n`payments-logs`, *1 h 42 min left*",
                block_id="g1",
                accessory=button("I'm done", "release", style="danger"),
            ),
            {"type": "context", "block_id": "b", "elements": [mrkdwn("Approved by <@U0TOMAS> at 09:12")]},
            {"type": "divider", "block_id": "c"},
            {"type": "header", "block_id": "d", "text": plain("Waiting")},
            section(":hourglass_flowing_sand: *ec2-restart* in *search-prod*, asked 4 min ago", block_id="e"),
            {
                "type": "actions",
                "block_id": "f",
                "elements": [
                    button("Ask for access", "ask", style="primary"),
                    button("History", "history"),
                    button("Reset my authenticator", "reset"),
                ],
            },
        ],
    }
