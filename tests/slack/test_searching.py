"""Menus with more in them than Slack shows: what is offered when somebody types."""

from dataclasses import replace

import pytest

from bot.core.model import Account, Parameter, Role, Work
from bot.sandbox.slack.limits.surfaces import check_view
from bot.slack import ids
from bot.slack.blocks import Json
from bot.slack.form import Form
from bot.slack.searching import best
from bot.slack.views_request import account_options, choice_options, request_form, role_options, work_options
from tests.slack.conftest import OpenOffice
from tests.slack.office import MAYA, PEOPLE, READ, Office, catalogue

SERVICES = tuple(replace(READ, id=f"svc-{number}", title=f"Restart service {number}") for number in range(130))
ACCOUNTS = [
    Account(f"acc-{number}", f"Team {number}, production", f"{number:012}", tags=frozenset({f"tier-{number % 7}"}))
    for number in range(300)
]


def values(options: list[Json]) -> list[str]:
    return [str(option["value"]) for option in options]


def called(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (name,), ()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("svc-7", "svc-7"),
        ("SERVICE 117", "svc-117"),
        ("117 restart", "svc-117"),
        ("objects 117", "svc-117"),
    ],
)
def test_a_role_is_found_by_id_title_and_description(typed: str, found: str) -> None:
    described = [replace(role, description="Reads objects.") for role in SERVICES]
    assert values(role_options(described, typed))[0] == found


@pytest.mark.parametrize(
    ("typed", "found"),
    [("acc-299", "acc-299"), ("team 250", "acc-250"), ("000000000217", "acc-217"), ("tier-6", "acc-6")],
)
def test_an_account_is_found_by_id_title_number_and_tag(typed: str, found: str) -> None:
    assert values(account_options(ACCOUNTS, typed))[0] == found


def test_what_is_called_so_comes_before_what_begins_so_and_that_before_what_has_it_in_it() -> None:
    things = ["reproduce", "my-prod", "prod-eu", "prod"]
    assert best("prod", things, called, 9) == ["prod", "prod-eu", "my-prod", "reproduce"]


def test_every_word_has_to_be_found_and_nothing_typed_finds_all_in_their_order() -> None:
    things = ["read logs", "write logs", "read files"]
    assert best("logs read", things, called, 9) == ["read logs"]
    assert best("  ", things, called, 2) == ["read logs", "write logs"]


def test_no_menu_ever_offers_more_than_slack_takes() -> None:
    many = catalogue()
    works = {f"work-{number}": replace(many.work["incident"], id=f"work-{number}") for number in range(140)}
    everything = replace(many, work=works)
    role = replace(READ, work=tuple(works))
    parameter = Parameter("host", "Host", ".*", choices=tuple(f"host-{number}" for number in range(140)))
    for options in (
        role_options(SERVICES, ""),
        account_options(ACCOUNTS, "production"),
        choice_options(parameter, "host"),
        work_options(everything, role, "incident"),
    ):
        assert len(options) == 100
    assert values(choice_options(parameter, "host-139")) == ["host-139"]
    assert values(work_options(everything, role, "work-139")) == ["work-139"]


def test_a_form_with_more_of_everything_than_a_menu_holds_asks_for_options_as_one_types() -> None:
    small = catalogue()
    works = {f"work-{number}": Work(f"work-{number}", "Some work", READ.longest) for number in range(140)}
    accounts = {account.id: account for account in ACCOUNTS}
    hosts = Parameter("host", "Host", ".*", choices=tuple(f"host-{number}" for number in range(140)))
    roles = {role.id: _with(role, tuple(works), frozenset(accounts), hosts) for role in SERVICES}
    maya = replace(PEOPLE[0], identities=dict.fromkeys(accounts, "user/maya"))
    view = request_form(replace(small, roles=roles, accounts=accounts, work=works), maya, Form(role="svc-7"))
    assert check_view(view) == []
    menus = {block["block_id"]: block["element"]["type"] for block in view["blocks"] if block["type"] == "input"}
    asked = ("role", "account:svc-7", "param:svc-7:host", "work:svc-7")
    kinds = ["external_select", "multi_external_select", "external_select", "external_select"]
    assert [menus[block] for block in asked] == kinds


def _with(role: Role, work: tuple[str, ...], accounts: frozenset[str], parameter: Parameter) -> Role:
    return replace(role, work=work, accounts=accounts, parameters=(parameter,))


def test_over_the_wire_a_role_beyond_the_hundredth_is_found_by_typing(open_office: OpenOffice) -> None:
    office = open_office(*SERVICES)
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess")
    form = maya.wait_for_modal("Request access")
    assert len(maya.options(form, ids.ROLE, "")) == 100
    assert values(maya.options(form, ids.ROLE, "service 129"))[0] == "svc-129"
    maya.fill(role="svc-129")
    maya.wait_for_modal("Bucket")


def test_over_the_wire_a_kind_of_work_beyond_the_hundredth_is_found_by_typing(office: Office) -> None:
    works = {f"work-{number}": Work(f"work-{number}", f"Some work {number}", READ.longest) for number in range(140)}
    office.edit("more work", replace(catalogue(replace(READ, work=tuple(works))), work=works))
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="s3-read")
    form = maya.wait_for_modal("Bucket")
    assert values(maya.options(form, ids.WORK, "work 139")) == ["work-139"]
