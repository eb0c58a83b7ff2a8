from dataclasses import replace

import pytest

from bot.core.model import Person
from bot.core.rules import AskRule
from bot.service.people import Refused
from bot.service.records import ChatUser, DirectoryError
from tests.core.examples import ASK, DEPLOY, READ, actor
from tests.service.world import TEAM, World, done


def test_a_chat_account_of_the_catalogue_is_that_person(world: World) -> None:
    assert world.people.identify("U1", TEAM) == world.catalogue.people["alice"]


def test_an_account_that_may_do_nothing_here_is_refused_with_its_reason(world: World) -> None:
    world.directory.change("U1", refused="Guests may not use prodaccess.")
    with pytest.raises(Refused, match="Guests may not use prodaccess"):
        world.people.identify("U1", TEAM)


def test_a_failed_look_up_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="could not be looked up"):
        world.people.identify("U404", TEAM)
    world.directory.down = True
    with pytest.raises(Refused, match="could not be looked up"):
        world.people.identify("U1", TEAM)


def test_another_team_is_refused_whatever_its_user_id(world: World) -> None:
    world.directory.change("U1", team="T2")
    with pytest.raises(Refused, match="members of this workspace"):
        world.people.identify("U1", TEAM)


def test_by_mail_whatever_its_case_where_the_catalogue_has_no_chat_id(world: World) -> None:
    world.change_person("bob", slack_ids=frozenset())
    world.directory.change("U2", email="BOB@Example.COM")
    found = world.people.identify("U2", TEAM)
    assert found == replace(world.catalogue.people["bob"], slack_ids=frozenset({"U2"}))


def test_a_mail_does_not_make_anybody_a_person_who_has_another_chat_id(world: World) -> None:
    world.directory.change("U9", email="alice@example.com")
    found = world.people.identify("U9", TEAM)
    assert found.id == "slack:U9"
    assert found.identities == {}
    assert found.is_same_human(world.catalogue.people["alice"])


def test_an_account_without_mail_is_nobody_s(world: World) -> None:
    world.change_person("bob", slack_ids=frozenset(), email=None)
    world.directory.change("U9", email="")
    assert world.people.identify("U9", TEAM).id == "slack:U9"


def test_the_chat_id_goes_before_the_mail(world: World) -> None:
    world.change_person("bob", slack_ids=frozenset())
    world.directory.change("U1", email="bob@example.com")
    assert world.people.identify("U1", TEAM).id == "alice"


def test_a_stranger_of_the_workspace_is_known_from_the_chat_only(world: World) -> None:
    assert world.people.identify("U9", TEAM) == Person("slack:U9", "Zoe", "zoe@example.com", frozenset({"U9"}))


# --- facts -----------------------------------------------------------------------------------------------


def test_members_who_may_do_nothing_here_are_no_approvers(world: World) -> None:
    world.directory.users["U7"] = ChatUser("U7", TEAM, "Guest", refused="Guests may not use prodaccess.")
    world.directory.groups["S1"] = frozenset({"U4", "U7", "U404"})
    facts = world.people.facts(DEPLOY, world.person("alice"))
    assert [person.id for person in facts.slack_groups["S1"]] == ["otto"]


def test_a_group_of_two_hundred_approvers_costs_a_submit_a_few_calls(world: World) -> None:
    many = {f"UC{number}": ChatUser(f"UC{number}", TEAM, f"N{number}", f"n{number}@x.example") for number in range(200)}
    world.directory.users |= many
    world.directory.groups["S1"] = frozenset({*many, "U4"})
    draft = world.drafted(replace(ASK, role="deploy", params={}))
    world.directory.calls = 0
    request = done(world.access.submit(draft, world.person("alice"), actor("alice"))).request
    assert request is not None
    assert {"mona", "otto", "slack:UC7"} <= set(request.approvers_asked)
    assert len(request.approvers_asked) == 202
    assert world.directory.calls <= 4


def test_a_group_that_cannot_be_looked_up_has_nobody(world: World) -> None:
    world.directory.groups.clear()
    assert world.people.facts(DEPLOY, world.person("alice")).slack_groups == {"S1": ()}


def test_the_profile_s_manager_is_asked_for_only_where_the_catalogue_has_none(world: World) -> None:
    world.directory.change("U1", manager="U9")
    world.directory.change("U2", manager="U9")
    assert world.people.facts(READ, world.person("alice")).manager is None
    manager = world.people.facts(READ, world.person("bob")).manager
    assert manager is not None
    assert manager.id == "slack:U9"


@pytest.mark.parametrize("how", ["nobody", "unknown", "refused"])
def test_a_manager_who_cannot_be_known_is_nobody(world: World, how: str) -> None:
    bob = world.person("bob")
    world.directory.change("U2", manager={"nobody": "", "unknown": "U404"}.get(how, "U9"))
    if how == "refused":
        world.directory.change("U9", refused="This Slack account is deactivated.")
    assert world.people.facts(READ, bob).manager is None


def test_what_the_directory_does_not_answer_is_not_known(world: World) -> None:
    world.directory.down = True
    with pytest.raises(DirectoryError):
        world.people.facts(READ, world.catalogue.people["bob"])
    assert world.people.facts_if_any(READ, world.catalogue.people["bob"]).manager is None


def test_a_person_known_by_e_mail_only_has_the_manager_and_the_account_of_that_address(world: World) -> None:
    world.directory.change("U2", manager="U9")
    world.change_person("bob", slack_ids=frozenset())
    manager = world.people.facts(READ, world.catalogue.people["bob"]).manager
    assert manager is not None
    assert manager.id == "slack:U9"
    assert world.people.chat_id("bob") == "U2"


# --- names -----------------------------------------------------------------------------------------------


def test_people_are_written_by_name_and_mention_where_known(world: World) -> None:
    world.change_person("bob", slack_ids=frozenset())
    names = world.people.names("alice", "bob", "slack:U9", "left-long-ago", None)
    assert names.shown == {"alice": "Alice", "bob": "Bob"}
    assert names.mention == {"alice": "U1", "bob": "U2", "slack:U9": "U9"}


def test_whoever_the_catalogue_in_use_names_is_found_not_who_an_older_one_named(world: World) -> None:
    assert world.people.identify("U1", TEAM).id == "alice"
    world.change_person("alice", slack_ids=frozenset({"U77"}), email=None)
    world.directory.change("U1", email="")
    assert world.people.identify("U1", TEAM).id == "slack:U1"


def test_what_is_offered_to_somebody_takes_no_look_at_the_others_of_a_group(world: World) -> None:
    world.change_role("s3-read", ask=(AskRule(slack_groups=frozenset({"S7"})),))
    bob = world.catalogue.people["bob"]
    # Nobody else can be looked up: Slack would be asked once for each of them.
    world.directory.groups["S7"] = frozenset({"U404", *bob.slack_ids})
    world.directory.user = _nobody_is_looked_up  # type: ignore[method-assign]
    assert world.people.eligibility(bob).slack_groups == {"S7": (bob,)}
    assert world.people.eligibility(world.catalogue.people["alice"]).slack_groups == {"S7": ()}


def test_who_is_known_by_mail_alone_is_found_in_a_group(world: World) -> None:
    world.change_role("s3-read", ask=(AskRule(slack_groups=frozenset({"S7"})),))
    world.change_person("bob", slack_ids=frozenset())
    world.directory.groups["S7"] = frozenset({"U2"})
    bob = world.catalogue.people["bob"]
    assert world.people.eligibility(bob).slack_groups == {"S7": (bob,)}


def _nobody_is_looked_up(chat_id: str) -> ChatUser:
    raise AssertionError(f"{chat_id} was looked up")
