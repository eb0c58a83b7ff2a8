"""Requests, grants and cards of any content, and what Slack would say to them."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.core.model import (
    AccessRequest,
    Approval,
    Ask,
    Denial,
    EndReason,
    Grant,
    GrantStatus,
    Item,
    Person,
    RequestStatus,
)
from bot.core.policy.boards import Board, StageBoard
from bot.core.text import clean
from bot.sandbox.slack.limits import blocks_too_long, check_message_blocks, check_view, view_too_large
from bot.service.cards import Names, RequestCard
from bot.slack.blocks import Message

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NAMES = Names({"maya": "Maya Lind", "ines": "Inès Moreau"}, {"maya": "U0MAYA", "ines": "U0INES"})

NASTY = (
    "<!channel> <!here|now> @here @channel <@U0INES> <#C0GENERAL> <https://evil.example|click> "
    "*bold* _it_ ~no~ `code` ```fence``` &lt;!channel&gt; :tada: "
)
hostile = st.one_of(
    st.text(max_size=30),
    st.sampled_from([NASTY, "<!channel>", "&" * 400, "<" * 3000, '"\\\n' * 900, "`" * 3000, "ü" * 3000, "🔥" * 3000]),
    st.builds(str.__mul__, st.text(alphabet='<>&@!#|`*_~"\\\n :', max_size=12), st.integers(1, 300)),
)


def typed(limit: int, *, multiline: bool = False) -> st.SearchStrategy[str]:
    """What is left of anything that somebody typed into a field of that length."""
    return hostile.map(
        lambda text: clean(clean(text, limit=100_000, multiline=multiline)[:limit], limit=limit, multiline=multiline)
    )


asks = st.builds(
    Ask,
    requester=st.sampled_from(["maya", "slack:U0NEW"]),
    role=typed(75),
    account=typed(75),
    params=st.integers(0, 20).flatmap(
        lambda count: st.fixed_dictionaries({f"p{at}": typed(300) for at in range(count)})
    ),
    work=typed(75),
    duration=st.timedeltas(timedelta(minutes=1), timedelta(days=30)),
    reason=typed(3000, multiline=True),
    ticket=typed(100),
    start_at=st.none() | st.just(NOW + timedelta(days=1)),
)
requests = st.builds(
    AccessRequest,
    id=st.just("r-0123456789"),
    ask=asks,
    status=st.sampled_from(RequestStatus),
    asked_at=st.just(NOW),
    lapses_at=st.just(NOW + timedelta(hours=4)),
    principal=typed(70),
    policy=st.just("[]"),
    catalogue_digest=st.just("d"),
    approvers_asked=st.builds(lambda person, count: (person,) * count, typed(60), st.integers(0, 40)),
    channel=st.just("C0APPROVALS"),
    approvals=st.lists(st.builds(Approval, person=typed(60), at=st.just(NOW), stepped_up_at=st.none()), max_size=5).map(
        tuple
    ),
    quorum=st.integers(1, 5),
    decided_at=st.none() | st.just(NOW),
    decided_by=st.none() | st.just("ines"),
    decision_note=typed(600, multiline=True),
    denials=st.lists(
        st.builds(Denial, person=typed(60), at=st.just(NOW), note=typed(600, multiline=True)), max_size=6
    ).map(tuple),
    claimed_by=st.just("") | typed(60),
)
grants = st.builds(
    Grant,
    id=st.just("g-0123456789"),
    request_id=st.just("r-0123456789"),
    person=st.sampled_from(["maya", "slack:U0NEW"]),
    role=typed(75),
    account=typed(75),
    provider=st.just("aws_iam"),
    principal=typed(70),
    policy=st.just("[]"),
    digest=st.just("d"),
    status=st.sampled_from(GrantStatus),
    starts_at=st.just(NOW),
    expires_at=st.just(NOW + timedelta(hours=1)),
    granted_at=st.none() | st.just(NOW),
    ended_at=st.none() | st.just(NOW + timedelta(hours=1)),
    end_reason=st.none() | st.sampled_from(EndReason),
    ended_by=st.none() | st.just("ines"),
    end_note=typed(600, multiline=True),
)
how_to_use = st.lists(st.tuples(typed(60), typed(800, multiline=True)), max_size=8).map(tuple)
people = st.lists(typed(60), max_size=10).map(tuple)
boards = st.builds(
    Board,
    item=st.builds(Item, role=typed(75), account=typed(75)),
    stages=st.lists(
        st.builds(
            StageBoard,
            title=typed(75),
            quorum=st.integers(1, 5),
            refusals=st.integers(1, 5),
            yeses=people,
            noes=people,
            is_on=st.booleans(),
            asked=people,
        ),
        max_size=4,
    ).map(tuple),
)
cards = st.builds(
    RequestCard,
    boards=st.lists(boards, max_size=2).map(tuple),
    audience=st.sampled_from(["approvers", "own"]),
    request=requests,
    grants=st.lists(grants, max_size=3).map(tuple),
    requester=st.just(Person("maya", "Maya Lind")),
    role_title=typed(75),
    account_title=typed(75),
    account_number=st.just("111111111111"),
    work_title=typed(75),
    held=st.lists(grants, max_size=10).map(tuple),
    how_to_use=how_to_use,
    names=st.just(NAMES),
    extending=st.none() | grants,
)


def assert_slack_takes(message: Message) -> None:
    """As a message, within every limit, and showing what people wrote without acting on it."""
    assert check_message_blocks(message.blocks) == []
    assert not blocks_too_long(message.blocks)
    assert 0 < len(message.text) <= 4000
    assert_harmless([*texts(message.blocks), ("mrkdwn", message.text)])


def assert_slack_takes_view(view: dict[str, Any]) -> None:
    """As a modal or Home tab, likewise."""
    assert check_view(view) == []
    assert not view_too_large(view)
    assert_harmless(texts(view["blocks"]))


def assert_harmless(found: list[tuple[str, str]]) -> None:
    """Every control sequence in mrkdwn is one of ours: a mention of a known person, or a date."""
    for kind, text in found:
        if kind == "mrkdwn":
            for start in (at for at, char in enumerate(text) if char == "<"):
                if re.match(r"<https://[\w.:/?=&%#;~+@-]+>", text[start:], re.ASCII):
                    continue  # a console link
                assert text[start:].startswith(("<@U0MAYA>", "<@U0INES>", "<@U0NEW>", "<!date^")), text[
                    start : start + 40
                ]
            assert text.count("<") == text.count(">"), text


def texts(part: Any) -> list[tuple[str, str]]:
    """(type, text) of every text object."""
    return list(_texts(part))


def _texts(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, list):
        for entry in part:
            yield from _texts(entry)
    elif isinstance(part, dict):
        if part.get("type") in {"plain_text", "mrkdwn"}:
            assert part["type"] == "plain_text" or part["verbatim"] is True
            yield part["type"], part["text"]
        for entry in part.values():
            yield from _texts(entry)


def values_of(blocks: list[dict[str, Any]]) -> dict[str, str]:
    """The value of every button, by action id."""
    flat = json.dumps(blocks)
    found = {}
    for block in json.loads(flat):
        for element in [*block.get("elements", []), block.get("accessory") or {}]:
            if element.get("type") == "button":
                found[element["action_id"]] = element.get("value", "")
    return found
