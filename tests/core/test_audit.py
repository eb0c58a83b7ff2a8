import hashlib
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
import rfc8785

from bot.core.audit import GENESIS, SYSTEM, Actor, ActorKind, Event, Tag, leaf, link

AT = datetime(2026, 11, 23, 10, 0, 0, 1500, tzinfo=UTC)


def record_bytes(event: Event, seq: int = 1) -> bytes:
    return rfc8785.dumps(event.record(seq, AT))  # type: ignore[arg-type]


def chained(bodies: Sequence[bytes]) -> bytes:
    head = GENESIS
    for body in bodies:
        head = link(head, leaf(body))
    return head


def test_a_record_s_canonical_bytes_are_these() -> None:
    event = Event(
        Tag.REQUEST_APPROVED,
        Actor(ActorKind.PERSON, "mona", "slack", "U3"),
        request_id="r-1",
        person="alice",
        account="payments",
        data={"quorum": 1, "digest": "ab", "name": "Zoë €"},
    )
    assert (
        record_bytes(event, 7)
        == (
            '{"account":"payments","actor":{"id":"mona","identity":"U3","kind":"person","via":"slack"},'
            '"at":"2026-11-23T10:00:00.001500+00:00","data":{"digest":"ab","name":"Zoë €","quorum":1},'
            '"grant_id":"","person":"alice","request_id":"r-1","seq":7,"tag":"request.approved"}'
        ).encode()
    )


def test_the_order_in_which_data_was_put_together_does_not_show() -> None:
    orders = itertools.permutations({"b": 1, "a": 2, "é": 3, "\U0001f600": 4, "ﬀ": 5}.items())
    assert len({record_bytes(Event(Tag.GRANT_ENDED, SYSTEM, data=dict(order))) for order in orders}) == 1


def test_whole_seconds_are_written_with_their_microseconds() -> None:
    assert Event(Tag.GRANT_ENDED, SYSTEM).record(1, datetime(2026, 1, 1, tzinfo=UTC))["at"] == (
        "2026-01-01T00:00:00.000000+00:00"
    )


def test_a_leaf_is_no_inner_hash_and_no_plain_hash() -> None:
    body = b"x" * 64
    assert leaf(body) == hashlib.sha256(b"\x00" + body).digest()
    assert link(body[:32], body[32:]) == hashlib.sha256(b"\x01" + body).digest()
    assert leaf(body) != link(body[:32], body[32:])
    assert leaf(body) != hashlib.sha256(body).digest()


BODIES = tuple(record_bytes(Event(Tag.GRANT_ENDED, SYSTEM, grant_id=f"g-{n}"), n) for n in range(1, 5))


@pytest.mark.parametrize(
    "tampered",
    [
        lambda b: [b[0].replace(b"g-1", b"g-9"), *b[1:]],
        lambda b: [*b[:3], b[3].replace(b"g-4", b"g-9")],
        lambda b: [b[1], b[0], *b[2:]],
        lambda b: [*b[:1], *b[2:]],
        lambda b: b[:-1],
        lambda b: [*b, b[-1]],
        lambda b: [b[0] + b[1], *b[2:]],
        lambda _: [],
    ],
    ids=["first changed", "last changed", "swapped", "one left out", "cut short", "one twice", "joined", "emptied"],
)
def test_tampering_shows_in_the_chain_s_head(tampered: Callable[[list[bytes]], list[bytes]]) -> None:
    assert chained(tampered(list(BODIES))) != chained(BODIES)


def test_an_empty_log_has_the_genesis_value() -> None:
    assert chained([]) == bytes(32)


def test_every_tag_says_its_subject_and_what_happened() -> None:
    for tag in Tag:
        subject, _, happened = str(tag).partition(".")
        assert subject
        assert happened
        assert str(tag) == str(tag).lower()
