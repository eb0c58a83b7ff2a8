"""Who Slack says people are."""

from dataclasses import replace

import pytest

from bot.sandbox.slack.config import SlackPerson
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.server import LocalSlack
from bot.service.records import NO_SUCH_ADDRESS, NOT_HERE, DirectoryError, NotInDirectoryError
from bot.slack.config import SlackConfig, sync_client
from bot.slack.directory import FEW, SlackDirectory
from tests.slack.office import INES, MAYA, RAVI, TOMAS, workspace


class Time:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def directory(slack: LocalSlack, time: Time) -> SlackDirectory:
    return SlackDirectory(sync_client(SlackConfig(slack.bot_token, base_url=slack.api_url)), clock=time)


def test_a_member_with_mail_and_manager(directory: SlackDirectory) -> None:
    user = directory.user(TOMAS)
    assert (user.name, user.email, user.manager, user.refused) == ("Tomás Reis", "tomas@example.com", INES, "")
    assert directory.user(MAYA).manager == ""


@pytest.mark.parametrize("flag", ["deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"])
def test_accounts_that_may_do_nothing(directory: SlackDirectory, slack: LocalSlack, flag: str) -> None:
    slack.change_person(MAYA, **{flag: True})
    assert directory.user(MAYA).refused


def test_whoever_installed_the_app_is_no_app(directory: SlackDirectory, slack: LocalSlack) -> None:
    slack.change_person(MAYA, is_app_user=True)
    assert directory.user(MAYA).refused == ""


def test_another_teams_account_is_refused(directory: SlackDirectory, slack: LocalSlack) -> None:
    slack.change_person(MAYA, team_id="T0OTHER")
    user = directory.user(MAYA)
    assert user.refused
    assert user.team == "T0OTHER"


@pytest.mark.parametrize("fault", [Fault("error", "user_not_found"), Fault("status", status=500), Fault("drop")])
def test_a_failed_look_up_is_an_error_and_is_not_remembered(
    directory: SlackDirectory, slack: LocalSlack, fault: Fault
) -> None:
    directory.user(INES)
    slack.order_fault("users.info", fault)
    with pytest.raises(DirectoryError):
        directory.user(MAYA)
    assert not directory.user(MAYA).refused


def test_an_unknown_id_is_an_error(directory: SlackDirectory) -> None:
    with pytest.raises(DirectoryError, match="user_not_found"):
        directory.user("U0NOBODY")


def test_an_answer_lives_for_a_minute_or_until_it_is_forgotten(
    directory: SlackDirectory, slack: LocalSlack, time: Time
) -> None:
    directory.user(MAYA)
    directory.user(MAYA)
    assert slack.calls("users.info") == 1
    time.now = 59
    directory.user(MAYA)
    assert slack.calls("users.info") == 1
    time.now = 61
    directory.user(MAYA)
    assert slack.calls("users.info") == 2
    directory.forget(MAYA)
    directory.user(MAYA)
    assert slack.calls("users.info") == 3


def test_a_groups_members_live_for_five_minutes(directory: SlackDirectory, slack: LocalSlack, time: Time) -> None:
    assert directory.members("S0LEADS") == {INES, RAVI}
    slack.change_usergroup("S0LEADS", (RAVI,))
    assert directory.members("S0LEADS") == {INES, RAVI}
    directory.forget_group("S0LEADS")
    assert directory.members("S0LEADS") == {RAVI}
    with pytest.raises(DirectoryError):
        directory.members("S0NONE")


def crowd(slack: LocalSlack, count: int) -> list[str]:
    """So many more people of the workspace."""
    ids = [f"U0CROWD{number}" for number in range(count)]
    for each in ids:
        slack.add_person(SlackPerson(each, each.lower(), each, f"{each.lower()}@example.com"))
    return ids


def test_many_accounts_take_a_page_and_not_a_call_each(
    directory: SlackDirectory, slack: LocalSlack, time: Time
) -> None:
    ids = crowd(slack, FEW + 5)
    slack.change_person(ids[0], deleted=True)
    slack.change_person(ids[1], is_restricted=True)
    found = directory.accounts(ids)
    assert set(found) == set(ids)
    assert [bool(found[each].refused) for each in ids[:3]] == [True, True, False]
    assert found[ids[2]].email == "u0crowd2@example.com"
    directory.accounts(ids)
    assert [slack.calls(method) for method in ("users.list", "users.info", "users.profile.get")] == [1, 0, 0]
    time.now = 61
    directory.accounts(ids)
    assert slack.calls("users.list") == 2


def test_an_account_of_many_that_changed_is_asked_about_by_itself(directory: SlackDirectory, slack: LocalSlack) -> None:
    ids = crowd(slack, FEW + 5)
    assert not directory.accounts(ids)[ids[0]].refused
    slack.change_person(ids[0], deleted=True)
    directory.forget(ids[0])
    assert directory.accounts(ids)[ids[0]].refused == "This Slack account is deactivated."
    assert [slack.calls(method) for method in ("users.list", "users.info")] == [1, 1]


def test_few_accounts_are_asked_about_by_themselves_and_who_is_not_there_is_left_out(
    directory: SlackDirectory, slack: LocalSlack
) -> None:
    assert set(directory.accounts([MAYA, "U0NOBODY"])) == {MAYA}
    assert [slack.calls(method) for method in ("users.list", "users.info", "users.profile.get")] == [0, 2, 0]


def test_in_a_large_workspace_so_many_pages_are_read_and_no_more(
    directory: SlackDirectory, slack: LocalSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.directory.PAGE", 2)
    monkeypatch.setattr("bot.slack.directory.PAGES_MOST", 2)
    ids = crowd(slack, FEW + 5)
    assert set(directory.accounts(ids)) == set(ids)
    assert slack.calls("users.list") == 2


def test_many_accounts_without_an_answer_are_not_known(directory: SlackDirectory, slack: LocalSlack) -> None:
    ids = crowd(slack, FEW + 5)
    slack.order_fault("users.list", Fault("status", status=503))
    with pytest.raises(DirectoryError):
        directory.accounts(ids)
    with pytest.raises(DirectoryError, match="not remembered"):
        directory.remembered().accounts(ids)


def test_a_profile_that_cannot_be_read_names_no_manager(directory: SlackDirectory, slack: LocalSlack) -> None:
    slack.order_fault("users.profile.get", Fault("error", "missing_scope"))
    user = directory.user(TOMAS)
    assert user.manager == ""
    assert user.refused == ""


# --- asked anew ------------------------------------------------------------------------------------------


def test_what_is_asked_anew_is_not_what_was_remembered(directory: SlackDirectory, slack: LocalSlack) -> None:
    assert not directory.user(MAYA).refused
    slack.change_person(MAYA, deleted=True)
    assert not directory.user(MAYA).refused, "up to a minute old"
    assert directory.fresh(MAYA).refused == "This Slack account is deactivated."
    assert directory.user(MAYA).refused, "and what is known by now is not forgotten"


def test_an_account_is_asked_for_by_its_address_too(directory: SlackDirectory, slack: LocalSlack) -> None:
    assert directory.fresh("MAYA@example.com").id == MAYA
    slack.change_person(MAYA, deleted=True)
    gone = directory.fresh("maya@example.com")
    assert (gone.email, gone.refused) == ("maya@example.com", NO_SUCH_ADDRESS)
    assert directory.fresh("U0NOBODY").refused == NOT_HERE


@pytest.mark.parametrize("account", [MAYA, "maya@example.com"])
@pytest.mark.parametrize(
    "fault", [Fault("error", "internal_error"), Fault("status", status=503), Fault("ratelimited"), Fault("drop")]
)
def test_no_answer_is_not_an_account_that_is_gone(
    directory: SlackDirectory, slack: LocalSlack, account: str, fault: Fault
) -> None:
    slack.order_fault("*", fault)
    with pytest.raises(DirectoryError) as raised:
        directory.fresh(account)
    assert not isinstance(raised.value, NotInDirectoryError)


def test_everyone_is_read_page_by_page_with_one_call_each(slack: LocalSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.directory.PAGE", 3)
    directory = SlackDirectory(sync_client(SlackConfig(slack.bot_token, base_url=slack.api_url)))
    slack.change_person(MAYA, deleted=True)
    slack.change_person(TOMAS, is_restricted=True)
    cursor, found, pages = "", {}, 0
    while cursor or not pages:
        users, cursor = directory.page(cursor)
        found |= {user.id: user for user in users}
        pages += 1
        assert len(users) <= 3
    assert set(found) > {person.id for person in workspace().people}, "the people and the bot"
    assert found[MAYA].refused == "This Slack account is deactivated."
    assert found[MAYA].email == "maya@example.com"
    assert found[TOMAS].refused == "Guests may not use prodaccess."
    assert found[INES].refused == ""
    assert pages == slack.calls("users.list") > 1
    assert slack.calls("users.profile.get") == 0


def test_a_cursor_that_is_not_known_any_more_is_told_from_no_answer(
    directory: SlackDirectory, slack: LocalSlack
) -> None:
    with pytest.raises(NotInDirectoryError, match="invalid_cursor"):
        directory.page("dXNlcjpVMEc5V0ZYTlo=")
    slack.order_fault("users.list", Fault("status", status=500))
    with pytest.raises(DirectoryError) as raised:
        directory.page()
    assert not isinstance(raised.value, NotInDirectoryError)


def test_a_workspace_without_the_field_names_no_manager() -> None:
    with LocalSlack(replace(workspace(), manager_field=None)) as slack:
        directory = SlackDirectory(sync_client(SlackConfig(slack.bot_token, base_url=slack.api_url)))
        slack.add_person(SlackPerson("U0NEW", "new", "New Person", "new@example.com", manager=INES))
        assert directory.user("U0NEW").manager == ""
        assert slack.calls("users.profile.get") == 0


def test_what_is_remembered_is_said_without_asking_slack_and_the_rest_is_not_known(
    directory: SlackDirectory, slack: LocalSlack
) -> None:
    known = directory.user(TOMAS)
    members = directory.members("S0LEADS")
    silent = directory.remembered()
    slack.change_person(MAYA, real_name="Somebody else")
    assert (silent.user(TOMAS), silent.members("S0LEADS")) == (known, members)
    for ask in (lambda: silent.user(MAYA), lambda: silent.by_email("maya@example.com"), lambda: silent.members("S0X")):
        with pytest.raises(DirectoryError, match="not remembered"):
            ask()
    assert directory.user(MAYA).name == "Somebody else"
