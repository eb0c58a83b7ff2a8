"""What a person may have so many times: two that come at the same instant are not counted as if each were alone."""

from dataclasses import replace

import pytest

from bot.core.model import Ask, RequestStatus, Role
from bot.providers.iam_policy import render
from bot.service.ports import Tx
from bot.store import open_store
from tests.core.examples import ASK, HOUR, PENDING
from tests.races.company import CATALOGUE, GLASS, HEADS, ONCE, SINGLE, SINGLE_BY_WORD, name_of
from tests.races.conftest import prove, save_draft
from tests.races.racing import Facts, Side, facts_of, one_is_refused, race
from tests.races.replica import WAITS, Two

ROUNDS = tuple(f"p-{number}" for number in range(HEADS))
ONE, OTHER = (Side("submit", "p-#", prefix) for prefix in ("d", "e"))


def ask_of(number: int, role: Role) -> Ask:
    """What that person asks for."""
    return replace(
        ASK, requester=name_of(number), role=role.id, params={}, duration=HOUR, break_glass=role.break_glass is not None
    )


def prepare_drafts(url: str, role: Role) -> None:
    """Each person is about to send it twice."""
    store = open_store(url)
    with store.transaction() as tx:
        for number in range(HEADS):
            prove(tx, name_of(number))
            for prefix in ("d", "e"):
                save_draft(tx, f"{prefix}-{number}", ask_of(number, role))
    store.close()


def prepare_requests(url: str, role: Role) -> None:
    """Each person waits for a yes to two requests."""
    store = open_store(url)
    with store.transaction() as tx:
        prove(tx, "mona", "otto")
        for number in range(HEADS):
            for prefix in ("d", "e"):
                _save_request(tx, f"{prefix}-{number}", number, role)
    store.close()


def _save_request(tx: Tx, request_id: str, number: int, role: Role) -> None:
    request = replace(
        PENDING,
        id=request_id,
        ask=ask_of(number, role),
        asked_at=tx.now(),
        lapses_at=tx.now() + 4 * HOUR,
        principal=f"user/{name_of(number)}",
        policy=render(role, CATALOGUE.accounts["payments"], {}),
    )
    tx.save_request(request)


def given(facts: Facts, number: int) -> list[str]:
    """The person's requests that came to a grant, by the prefix of their ids."""
    return [prefix for prefix in ("d", "e") if facts.grants[f"{prefix}-{number}"]]


@pytest.mark.parametrize(
    ("role", "what_comes_of_the_other"),
    [(GLASS, "policy"), (SINGLE, "policy"), (ONCE, WAITS)],
    ids=["one review is owed", "there is room for one", "one is left in the budget"],
)
def test_of_two_that_are_asked_without_a_word_where_one_is_allowed_one_is_given(
    two: Two, postgres_url: str, role: Role, what_comes_of_the_other: str
) -> None:
    prepare_drafts(postgres_url, role)
    two.open(postgres_url)
    winners = race(two, (ONE, OTHER), ROUNDS, one_is_refused(what_comes_of_the_other))
    facts = facts_of(postgres_url)
    for number, winner in enumerate(winners):
        assert given(facts, number) == [winner]
        others = [facts.requests.get(f"{prefix}-{number}") for prefix in ("d", "e") if prefix != winner]
        waits = [str(each.status) for each in others if each]
        assert waits == ([RequestStatus.PENDING] if what_comes_of_the_other == WAITS else [])


def test_of_two_that_are_approved_where_there_is_room_for_one_one_is_given(two: Two, postgres_url: str) -> None:
    prepare_requests(postgres_url, SINGLE_BY_WORD)
    two.open(postgres_url)
    # By two people: what one says is said in turn anyway.
    sides = (Side("approve", "mona", "d"), Side("approve", "otto", "e"))
    winners = race(two, sides, ROUNDS, one_is_refused("policy"))
    facts, of = facts_of(postgres_url), {side.person: side.prefix for side in sides}
    assert [given(facts, number) for number in range(HEADS)] == [[of[winner]] for winner in winners]
