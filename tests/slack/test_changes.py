"""The card of a change of access.yaml: what a security admin reads on a phone, within Slack's limits."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.difference import Direction, Kind, Line
from bot.core.versions import NOBODY, Standing, Version
from bot.sandbox.slack import screen
from bot.service.cards import CatalogueCard, UnreadableCard
from bot.service.chat import fingerprint
from bot.slack.messenger import render
from tests.slack.shapes import NAMES, NOW, assert_slack_takes, hostile, typed

VERSION = Version(
    "c-1",
    "b2" * 32,
    "a1" * 32,
    "version: 1",
    Standing.LIVE,
    guarded=False,
    seen_at=NOW,
    decided_at=NOW,
    decided_by=NOBODY,
)
LINES = (
    Line(Kind.ADMIN, Direction.GAINED, "Maya (maya) is now an admin"),
    Line(Kind.ASK, Direction.LOST, "Everyone in engineers (42) may no longer ask for s3-write", 42),
)
CARD = CatalogueCard(VERSION, LINES, "", ("ines",), NAMES)


def words(card: CatalogueCard | UnreadableCard) -> str:
    return screen.words({"blocks": render(card).blocks})


def standing(standing: Standing, by: str = "ines") -> CatalogueCard:
    return replace(CARD, version=replace(VERSION, standing=standing, decided_by=by))


STATES = {
    "in use": (CARD, "In use"),
    "approved": (standing(Standing.LIVE), "approved by <@U0INES>"),
    "replaced": (standing(Standing.REPLACED), "replaced since"),
    "waiting": (standing(Standing.WAITING, ""), "Until it is approved"),
    "denied": (standing(Standing.DENIED), "Denied by <@U0INES>"),
    "withdrawn": (standing(Standing.WITHDRAWN, NOBODY), "says something else by now"),
}


@pytest.mark.parametrize(("card", "says"), STATES.values(), ids=STATES)
def test_the_card_says_where_it_stands_and_who_gains_and_loses_what(card: CatalogueCard, says: str) -> None:
    said = words(card)
    for part in (
        says,
        "Maya (maya) is now an admin",
        "Everyone in engineers (42)",
        "1 gained, 42 lost",
        "b2b2b2b2b2b2",
    ):
        assert part in said
    assert said.index("Maya") < said.index("Everyone")
    assert_slack_takes(render(card))


def test_a_card_that_changed_has_another_fingerprint_and_the_file_s_text_is_not_part_of_it() -> None:
    shown = {fingerprint(card) for card, _ in STATES.values()}
    assert len(shown) == len(STATES)
    other = replace(CARD, version=replace(VERSION, content="a secret"))
    assert fingerprint(other) == fingerprint(CARD)
    assert "a secret" not in words(other)


def test_what_changes_nothing_for_anybody_says_so() -> None:
    assert "Nobody gains or loses anything" in words(replace(CARD, lines=()))


def test_where_the_difference_is_not_known_the_card_says_so() -> None:
    assert "not on record" in words(replace(CARD, lines=(), unknown="What was there before is not on record."))


def test_a_long_difference_is_cut_with_what_is_left_out_and_the_command_that_shows_it() -> None:
    lines = tuple(Line(Kind.ASK, Direction.GAINED, f"Number {number} may now ask" + "x" * 100) for number in range(500))
    said = words(replace(CARD, lines=lines))
    shown = sum(f"Number {number} " in said for number in range(500))
    assert 20 < shown < 500
    assert f"… and {500 - shown} lines more" in said
    assert "prodaccess catalogue diff a1a1a1a1a1a1 b2b2b2b2b2b2" in said
    assert_slack_takes(render(replace(CARD, lines=lines)))


def test_a_bad_file_is_told_with_its_problems_and_what_stays() -> None:
    said = words(
        UnreadableCard("2 problems in the catalogue\naccess.yaml:3: admins[0]: “x” is no person", "a1" * 32, NOW)
    )
    for part in ("access.yaml cannot be used", "a1a1a1a1a1a1", "access.yaml:3", "stays in use"):
        assert part in said


lines = st.builds(Line, st.sampled_from(Kind), st.sampled_from(Direction), typed(1500), st.integers(1, 9999))


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        CatalogueCard,
        version=st.builds(
            Version,
            id=st.just("c-1"),
            digest=st.just("b2" * 32),
            before=st.sampled_from(["", "a1" * 32]),
            content=st.just(""),
            standing=st.sampled_from(Standing),
            guarded=st.booleans(),
            seen_at=st.just(NOW),
            decided_at=st.none() | st.just(NOW),
            decided_by=st.sampled_from(["", "ines", NOBODY, "<!channel>"]),
        ),
        lines=st.lists(lines, max_size=60).map(tuple),
        unknown=st.just("") | typed(200),
        approvers=st.sampled_from([(), ("ines",), ("ines", "<!channel>")]),
        names=st.just(NAMES),
    )
)
def test_whatever_a_change_says_its_card_fits_and_harms_nobody(card: CatalogueCard) -> None:
    assert_slack_takes(render(card))


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_whatever_is_wrong_with_a_file_its_card_fits_and_harms_nobody(problems: str) -> None:
    assert_slack_takes(render(UnreadableCard(problems * 50, "a1" * 32, NOW)))
