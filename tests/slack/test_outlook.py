"""What the form foretells, in words."""

from dataclasses import replace
from datetime import timedelta

from bot.core.model import Person
from bot.core.policy import Condition, Outlook, Reason, RoleOutlook, StageOutlook, Unknown
from bot.core.policy.explain import StageView
from bot.sandbox.slack.limits.surfaces import check_view
from bot.sandbox.slack.screen import words
from bot.slack import ids
from bot.slack.blocks import SECTION_TEXT
from bot.slack.form import Form
from bot.slack.outlook import CANNOT_BE_SAID, OF_A_BUNDLE, in_words
from bot.slack.views_request import request_form
from tests.slack.conftest import OpenOffice
from tests.slack.office import MAYA, PEOPLE, WRITE, Office, catalogue

HOUR = timedelta(hours=1)
INES, RAVI = PEOPLE[2], PEOPLE[3]
ZOE = Person("zoe", "Zoe <!channel>")


def stage(*people: Person, needed: int = 1, later: tuple[Person, ...] = (), title: str = "stage 1") -> StageOutlook:
    return StageOutlook(StageView(title, needed, people, later))


PLAIN = Outlook((), (), (RoleOutlook("Read a bucket", (stage(INES, RAVI),)),), 2 * HOUR, "for Bug fix")


def asks(*stages: StageOutlook) -> Outlook:
    return replace(PLAIN, roles=(RoleOutlook("Read a bucket", stages),))


def test_one_stage_names_who_can_approve_and_how_long_it_may_be() -> None:
    assert in_words(PLAIN).split("\n") == [
        "👥 *To be approved by* <@U0INES> or <@U0RAVI>",
        "⏱️ *At most 2\N{NO-BREAK SPACE}h*, for Bug fix.",
    ]


def test_stages_are_told_in_their_order_with_how_many_it_takes_and_who_may_later() -> None:
    stages = (stage(INES, title="Team lead", later=(ZOE,)), stage(INES, RAVI, needed=2, title="Security"))
    assert in_words(asks(*stages)).split("\n")[:2] == [
        "👥 *First by Team lead:* <@U0INES>; later or instead Zoe &lt;!channel&gt;",
        "👥 *Then by Security:* 2 of <@U0INES>, <@U0RAVI>",
    ]


def test_approvers_whom_the_catalogue_does_not_name_are_told_by_where_they_come_from() -> None:
    unknown = (Unknown("slack_group", "S1"), Unknown("on_call", "rota"), Unknown("owner", "table"), Unknown("manager"))
    said = in_words(asks(replace(stage(INES), unknown=unknown)))
    for part in ("<!subteam^S1>", "who is on call (rota)", "the owner of what “table” names", "manager by Slack's"):
        assert part in said


def test_it_says_that_nobody_may_have_to_be_asked_when_and_who_else() -> None:
    on_call, severe = Condition("you are on call (rota)", True), Condition("the ticket is sev1", None)
    at_once = in_words(replace(PLAIN, automatic=(on_call,)))
    assert at_once.startswith("⚡ *May be approved at once:* you are on call (rota). Else:\n👥")
    assert "at once* if the ticket is sev1. Else:" in in_words(replace(PLAIN, automatic=(on_call, severe)))
    off_call = Condition("you are not on call (rota)", False)
    assert "Not approved at once: you are not on call (rota)." in in_words(replace(PLAIN, automatic=(off_call, severe)))


def test_a_refusal_comes_first_with_its_reason_and_no_length_is_promised() -> None:
    refused = replace(PLAIN, refusals=(Reason("hours", False, "Only within office."),), longest=timedelta(0))
    lines = in_words(refused).split("\n")
    assert lines[:2] == ["⛔ *As it is filled in, this would be refused:*", "• Only within office."]
    assert "At most" not in in_words(refused)


def test_where_nothing_can_be_foretold_it_says_so() -> None:
    form = request_form(catalogue(), PEOPLE[0], Form(role="s3-read"))
    assert CANNOT_BE_SAID in words(form)
    assert CANNOT_BE_SAID not in words(request_form(catalogue(), PEOPLE[0], Form()))


def test_however_many_may_approve_slack_takes_the_form() -> None:
    crowd = tuple(replace(ZOE, id=f"p{number}", name="N" * 75) for number in range(300))
    many = asks(*(stage(*crowd, needed=3, later=crowd),) * 5)
    assert "292 more" in in_words(many)
    assert check_view(request_form(catalogue(), PEOPLE[0], Form(role="s3-read"), many)) == []


def test_each_role_of_a_bundle_is_told_with_its_own_approvers() -> None:
    roles = (RoleOutlook("Read <a> bucket", (stage(INES),)), RoleOutlook("Change it", (stage(RAVI, needed=1),)))
    assert in_words(replace(PLAIN, roles=roles)).split("\n")[:5] == [
        OF_A_BUNDLE,
        "*Read &lt;a&gt; bucket*",
        "👥 *To be approved by* <@U0INES>",
        "*Change it*",
        "👥 *To be approved by* <@U0RAVI>",
    ]


def test_however_many_roles_a_bundle_has_how_long_it_may_be_is_told_too() -> None:
    crowd = tuple(replace(ZOE, id=f"p{number}", name="N" * 75) for number in range(300))
    roles = (RoleOutlook("R" * 75, (stage(*crowd, needed=3, later=crowd),) * 3),) * 10
    said = in_words(replace(PLAIN, roles=roles))
    assert len(said) <= SECTION_TEXT
    assert said.split("\n")[-2:] == [
        "… and more; `/prodaccess why` says all of it",
        "⏱️ *At most 2\N{NO-BREAK SPACE}h*, for Bug fix.",
    ]


# --- over the wire ---------------------------------------------------------------------------------------


def test_the_form_thinks_along_as_its_fields_change(either_office: Office) -> None:
    office = either_office
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess")
    assert "approved by" not in words(maya.wait_for_modal("Request access"))
    maya.fill(role="s3-read")
    assert "To be approved by* <@U0INES> or <@U0RAVI>" in words(maya.wait_for_modal("At most 1\N{NO-BREAK SPACE}d*"))
    maya.fill(work="bug-fix")
    maya.wait_for_modal("At most 2\N{NO-BREAK SPACE}h*, for Bug fix.")
    maya.fill(account="pay", start=int(office.clock.now().timestamp()) + 40 * 86_400)
    maya.wait_for_modal("this would be refused")
    assert "Choose a start within the next 14 days" in words(maya.modal())


def test_only_one_role_and_it_is_foretold_at_once(open_office: OpenOffice) -> None:
    office = open_office(*(replace(role, ask=()) for role in (WRITE, replace(WRITE, id="look"))))
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess")
    maya.wait_for_modal("To be approved by")
    assert ids.ACCOUNT in {block.partition(":")[0] for block in maya.typed(maya.modal())}
