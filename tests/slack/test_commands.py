"""What can be typed besides asking, and the Home tab."""

from bot.catalogue import parameters
from bot.sandbox.slack.screen import words
from bot.slack import commands, ids
from tests.slack.doing import LINE, approve, ask
from tests.slack.office import GUS, INES, MAYA, RAVI, SAM, TOMAS, Office


def test_help_tells_what_there_is(either_office: Office) -> None:
    maya = either_office.visitor(MAYA)
    maya.command("/prodaccess help")
    told = words(maya.wait_for_message("Ask for access"))
    for word in ("status", "history", "release", "revoke", "enrol", "--start"):
        assert word in told


def test_status_and_history_show_what_there_is_and_was(office: Office) -> None:
    office.enrol("maya", "ines")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess status")
    maya.wait_for_message("You hold no access")
    maya.command("/prodaccess history")
    maya.wait_for_message("You have asked for nothing yet")
    ask(office)
    approve(office, INES, "ines")
    maya.wait_for_message("You have access")
    second = ask(office, LINE.replace("broken", "late"))
    maya.command("/prodaccess status")
    told = maya.wait_for_message("Your pending requests")
    assert "Active" in words(told)
    maya.click(told, ids.CANCEL, value=second)
    maya.wait_for(lambda: not office.desk.queries.pending(), what="the request to be cancelled")
    maya.command("/prodaccess history")
    told = maya.wait_for_message("Your latest requests")
    assert "cancelled" in words(told)
    assert "approved" in words(told)


def test_release_without_a_grant_means_the_only_one(office: Office) -> None:
    office.enrol("maya", "ines")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess release")
    maya.wait_for_message("You hold no access")
    ask(office)
    approve(office, INES, "ines")
    maya.wait_for_message("You have access")
    maya.command("/prodaccess release")
    maya.wait_for_message("Your access has ended")
    assert not office.cloud.held()


def test_release_of_anothers_grant_is_refused(office: Office) -> None:
    office.enrol("maya", "tomas", "ines")
    ask(office)
    approve(office, INES, "ines")
    (grant,) = office.grants("maya")
    request = ask(office, LINE.replace("broken", "late"), TOMAS, "tomas")
    ines, tomas = office.visitor(INES), office.visitor(TOMAS)
    ines.click(ines.wait_for_message("is late", "approvals"), ids.APPROVE, value=request)
    tomas.wait_for_message("You have access")
    tomas.command(f"/prodaccess release {grant.id}")
    tomas.wait_for_message("Only the holder may release this access")
    assert len(office.cloud.held()) == 2


def test_revoke_lists_or_asks_why_or_does_it_at_once(office: Office) -> None:
    office.enrol("maya", "ines")
    ask(office)
    approve(office, INES, "ines")
    maya, ravi, tomas = office.visitor(MAYA), office.visitor(RAVI), office.visitor(TOMAS)
    maya.wait_for_message("You have access")
    (grant,) = office.grants()
    tomas.command("/prodaccess revoke")
    tomas.wait_for_message("There is no access that you may revoke")
    tomas.command(f"/prodaccess revoke {grant.id}")
    tomas.wait_for_message("Only an admin or one of the role's approvers")
    assert not tomas.modals()
    tomas.command(f"/prodaccess revoke {grant.id} because I can")
    tomas.wait_for_message("Only an admin or one of the role's approvers")
    ravi.command("/prodaccess revoke g-unknown")
    ravi.wait_for_message("There is no grant")
    ravi.command("/prodaccess revoke")
    ravi.click(ravi.wait_for_message("Which one should end?"), ids.REVOKE)
    ravi.wait_for_modal("holds")
    ravi.close()
    ravi.command(f"/prodaccess revoke {grant.id} the incident is over")
    ravi.wait_for_message("Revoked")
    assert "the incident is over" in words(maya.wait_for_message("Your access has ended"))


def test_the_exact_permissions_are_behind_a_button(office: Office) -> None:
    office.enrol("maya")
    ask(office)
    ravi = office.visitor(RAVI)
    ravi.click(ravi.wait_for_message("nightly export", "approvals"), ids.PERMISSIONS)
    shown = words(ravi.wait_for_modal("Exact permissions"))
    assert "arn:aws:s3:::pay-logs/app/*" in shown
    assert "user/maya" in shown


def test_the_home_tab_shows_and_does_it_all(office: Office) -> None:
    office.enrol("maya", "ines")
    maya, ines = office.visitor(MAYA), office.visitor(INES)
    maya.open_home()
    maya.wait_for_home("You hold no access")
    maya.click_home(ids.ASK)
    maya.wait_for_modal("Request access")
    maya.close()
    ask(office)
    maya.wait_for_home("My pending requests")
    ines.open_home()
    ines.wait_for_home("Waiting for me")
    ines.click_home(ids.APPROVE)
    ines.wait_for_modal("You approve")
    ines.fill(code=office.code("ines"))
    assert ines.submit().action == "clear"
    maya.wait_for_home("Active")
    maya.click_home(ids.RELEASE)
    maya.wait_for(lambda: not office.grants(), what="the access to end")
    maya.wait_for_home("Ask again")
    maya.click_home(ids.ASK_AGAIN)
    form = maya.wait_for_modal("Request access")
    assert maya.typed(form)["reason"]["reason"]["value"] == "the nightly export is broken"


def test_who_is_not_enrolled_finds_the_way_on_the_home_tab(office: Office) -> None:
    sam = office.visitor(SAM)
    sam.open_home()
    sam.wait_for_home("Set up your authenticator first")
    sam.click_home(ids.ENROL)
    sam.wait_for_modal("Invite code")


def test_a_guests_home_tab_says_why_it_is_empty(office: Office) -> None:
    gus = office.visitor(GUS)
    gus.open_home()
    gus.wait_for_home("Guests may not use prodaccess")


def test_no_role_can_be_called_what_a_subcommand_is() -> None:
    assert set(commands.SUBCOMMANDS) <= parameters.SUBCOMMANDS
