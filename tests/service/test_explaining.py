"""What would become of an ask: the form's outlook from what is at hand, and the whole verdict."""

from collections.abc import Collection
from dataclasses import replace
from typing import NoReturn

import pytest

from bot.core.model import Item
from bot.core.rules import Caps, Stage
from bot.service.explaining import Explaining
from bot.service.people import People
from bot.service.records import ChatUser, DirectoryError
from tests.core.examples import ASK
from tests.service.fakes import FakeDirectory
from tests.service.world import TEAM, World

BOTH = replace(ASK, more=(Item("deploy", "payments"),))


class AskedNobody(FakeDirectory):
    """A directory that fails the test when it is asked, and remembers what another one knows."""

    def __init__(self, knows: FakeDirectory) -> None:
        super().__init__()
        self._knows = knows

    def remembered(self) -> FakeDirectory:
        return self._knows

    def user(self, chat_id: str) -> ChatUser:
        self._asked()

    def accounts(self, chat_ids: Collection[str]) -> dict[str, ChatUser]:
        self._asked()

    def by_email(self, email: str) -> ChatUser | None:
        self._asked()

    def members(self, group_id: str) -> frozenset[str]:
        self._asked()

    def _asked(self) -> NoReturn:
        raise AssertionError("somebody was asked")


@pytest.fixture
def explaining(world: World) -> Explaining:
    people = People(lambda: world.catalogue, AskedNobody(world.directory))
    return Explaining(world.store, lambda: world.catalogue, people, world.access.cases)


def names(explaining: Explaining, world: World, requester: str = "alice") -> list[str]:
    person = world.catalogue.people[requester]
    found = explaining.outlook(world.catalogue, person, replace(ASK, requester=requester))
    assert found is not None
    return [each.name for role in found.roles for stage in role.stages for each in stage.view.at_once]


def test_the_form_asks_nobody_and_names_whom_the_catalogue_names(world: World, explaining: Explaining) -> None:
    world.directory.down = True
    assert names(explaining, world) == ["Mona", "Otto"]


def test_who_is_remembered_of_a_group_is_named_and_a_stranger_goes_by_their_chat_id(
    world: World, explaining: Explaining
) -> None:
    world.change_role("s3-read", stages=(Stage(slack_groups=frozenset({"S1"})),))
    world.directory.groups["S1"] = frozenset({"U3", "U9"})
    assert names(explaining, world) == ["Mona", "U9"]


def test_a_manager_whom_the_chat_remembers_is_named(world: World, explaining: Explaining) -> None:
    world.change_role("s3-read", stages=(Stage(manager=True),))
    world.directory.change("U2", manager="U4")
    assert names(explaining, world, "bob") == ["Otto"]


def test_a_group_that_nobody_remembers_is_not_known_rather_than_empty(world: World, explaining: Explaining) -> None:
    world.change_role("s3-read", stages=(Stage(slack_groups=frozenset({"S1"})),))
    world.directory.down = True
    found = explaining.outlook(world.catalogue, world.catalogue.people["alice"], ASK)
    assert found is not None
    assert [unknown.name for role in found.roles for stage in role.stages for unknown in stage.unknown] == ["S1"]
    assert found.refusals == ()


def test_where_nothing_can_be_foretold_the_form_is_shown_all_the_same(world: World, explaining: Explaining) -> None:
    def fail() -> NoReturn:
        raise DirectoryError("no answer")

    world.directory.remembered = fail  # type: ignore[method-assign]
    broken = replace(explaining, people=People(lambda: world.catalogue, world.directory))
    assert broken.outlook(world.catalogue, world.catalogue.people["alice"], ASK) is None


def test_the_verdict_is_that_of_asking_with_what_nobody_could_say_granted(world: World) -> None:
    explaining = Explaining(world.store, lambda: world.catalogue, world.people, world.access.cases)
    alice = world.people.identify("U1", TEAM)
    explained = explaining.explain(alice, ASK)
    assert explained.asked
    assert explained.found.passes
    assert explained.found.verdict == world.access.judge(alice, ASK)
    world.directory.change("U1", refused="This Slack account is deactivated.")
    assert [each.rule for each in explaining.explain(alice, ASK).found.refusals] == ["standing"]


def test_of_several_targets_the_verdict_is_that_of_asking_for_all_of_them(world: World) -> None:
    world.change_role("s3-read", caps=Caps(per_person=1))
    explaining = Explaining(world.store, lambda: world.catalogue, world.people, world.access.cases)
    alice = world.people.identify("U1", TEAM)
    explained = explaining.explain(alice, BOTH)
    assert explained.found.verdict == world.access.judge(alice, BOTH)
    assert [each.text.partition(":")[0] for each in explained.found.refusals] == ["s3-read in payments"]
    assert explaining.explain(alice, ASK).found.passes


def test_the_form_asks_nobody_about_any_role_of_a_bundle(world: World, explaining: Explaining) -> None:
    world.directory.groups["S1"] = frozenset({"U4"})
    found = explaining.outlook(world.catalogue, world.catalogue.people["alice"], BOTH)
    assert found is not None
    assert [[each.name for each in role.stages[0].view.at_once] for role in found.roles] == [
        ["Mona", "Otto"],
        ["Mona", "Otto"],
    ]
    assert not any(stage.unknown for role in found.roles for stage in role.stages)


def test_without_slack_the_verdict_says_that_slack_was_not_asked(world: World) -> None:
    world.directory.down = True
    explaining = Explaining(world.store, lambda: world.catalogue, world.people, world.access.cases)
    explained = explaining.explain(world.catalogue.people["alice"], ASK)
    assert not explained.asked
    assert explained.found.passes
