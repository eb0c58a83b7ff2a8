"""Who Slack says people are."""

from dataclasses import replace

import pytest

from bot.sandbox.slack.config import SlackPerson
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.server import LocalSlack
from bot.service.records import DirectoryError
from bot.slack.config import SlackConfig, sync_client
from bot.slack.directory import SlackDirectory
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


def test_a_profile_that_cannot_be_read_names_no_manager(directory: SlackDirectory, slack: LocalSlack) -> None:
    slack.order_fault("users.profile.get", Fault("error", "missing_scope"))
    user = directory.user(TOMAS)
    assert user.manager == ""
    assert user.refused == ""


def test_a_workspace_without_the_field_names_no_manager() -> None:
    with LocalSlack(replace(workspace(), manager_field=None)) as slack:
        directory = SlackDirectory(sync_client(SlackConfig(slack.bot_token, base_url=slack.api_url)))
        slack.add_person(SlackPerson("U0NEW", "new", "New Person", "new@example.com", manager=INES))
        assert directory.user("U0NEW").manager == ""
        assert slack.calls("users.profile.get") == 0
