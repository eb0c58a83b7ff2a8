"""A field whose choices are listed live: searched in a menu, typed where nothing can be listed, judged all the same."""

from dataclasses import replace

from bot.core.lookups import Choice, LookUp, LookUpKind
from bot.core.model import Parameter, Statement
from bot.providers.fake import Fault
from bot.sandbox.slack.limits.surfaces import check_view
from bot.sandbox.slack.visitor import Submission, Visitor
from bot.slack import ids
from bot.slack.blocks import Json
from bot.slack.form import Form, read
from bot.slack.views_lookup import looked_up_options
from bot.slack.views_request import request_form
from tests.slack.conftest import OpenOffice
from tests.slack.office import MAYA, PEOPLE, READ, Office, catalogue

BUCKETS = LookUp(LookUpKind.BUCKETS)
BUCKET = Parameter("bucket", "Bucket", "pay-[a-z-]{1,200}", hint="pay-logs", lookup=BUCKETS)
ROLE = replace(
    READ,
    id="s3-search",
    title="Search a bucket",
    parameters=(BUCKET,),
    statements=(Statement(("s3:GetObject",), ("arn:aws:s3:::{bucket}/*",)),),
)
NAMED = (Choice("i-01", "checkout-1"), Choice("i-02", "checkout-2"), Choice("i-11", "ledger"))
INSTANCE = Parameter("instance", "Instance", "i-[0-9]+", lookup=LookUp(LookUpKind.INSTANCES))


def values(options: list[Json]) -> list[str]:
    return [str(option["value"]) for option in options]


def fields(view: Json) -> dict[str, Json]:
    return {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}


def form(account: str = "", value: str = "", *, unlisted: tuple[str, ...] = ()) -> Json:
    filled = Form(role=ROLE.id, account=account, params={"bucket": value} if value else {})
    view = request_form(catalogue(ROLE), PEOPLE[0], filled, unlisted=unlisted)
    assert check_view(view) == []
    return view


# --- what is shown ---------------------------------------------------------------------------------------


def test_it_is_a_menu_of_the_account_that_is_chosen() -> None:
    menu = fields(form("pay", "pay-logs"))[f"param:{ROLE.id}:bucket:pay"]
    assert (menu["type"], menu["min_query_length"]) == ("external_select", 0)
    assert menu["initial_option"]["value"] == "pay-logs"
    hints = [block["hint"]["text"] for block in form("pay")["blocks"] if block.get("block_id", "").startswith("param:")]
    assert hints == ["For example pay-logs. What is not in the list can be typed in full."]


def test_where_nothing_can_be_listed_it_is_typed_and_a_line_says_why() -> None:
    view = form("pay", "pay-logs", unlisted=("bucket",))
    field = fields(view)[f"param:{ROLE.id}:bucket"]
    assert (field["type"], field["initial_value"]) == ("plain_text_input", "pay-logs")
    (line,) = [block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context"]
    assert "cannot be listed just now" in line


def test_what_a_menu_cannot_hold_is_typed() -> None:
    assert fields(form("pay", "pay-" + "x" * 150))[f"param:{ROLE.id}:bucket"]["type"] == "plain_text_input"


def test_what_is_found_is_what_has_every_word_and_what_is_called_so_comes_first() -> None:
    assert values(looked_up_options(INSTANCE, NAMED, "")) == ["i-01", "i-02", "i-11"]
    assert values(looked_up_options(INSTANCE, NAMED, "CHECK 2")) == ["i-02"]
    assert values(looked_up_options(INSTANCE, (*NAMED, Choice("i-0", "check")), "i-0"))[0] == "i-0"
    (option,) = looked_up_options(INSTANCE, NAMED, "ledger")
    assert (option["text"]["text"], option["description"]["text"]) == ("ledger", "i-11")


def test_what_is_not_listed_can_be_used_as_typed_if_the_parameter_takes_it() -> None:
    for found in (NAMED, (), None):
        (option,) = looked_up_options(INSTANCE, found, "i-99")
        assert (option["text"]["text"], option["value"]) == ("Use “i-99”", "i-99")
        assert looked_up_options(INSTANCE, found, "ninety-nine") == []
        assert looked_up_options(INSTANCE, found, "i-" + "9" * 149) == []
    assert looked_up_options(INSTANCE, None, "") == []


def test_no_menu_offers_more_or_longer_than_slack_takes() -> None:
    many = [Choice(f"i-{number}") for number in range(140)]
    assert len(looked_up_options(INSTANCE, many, "")) == 100
    assert values(looked_up_options(INSTANCE, [Choice("i-" + "1" * 149), Choice("i-1")], "")) == ["i-1"]


def test_what_was_chosen_in_one_account_is_not_carried_to_another() -> None:
    def state(account: str) -> Json:
        chosen = {"type": "external_select", "selected_option": {"value": "pay-logs"}}
        where = {"type": "external_select", "selected_option": {"value": account}}
        blocks = [f"account:{ROLE.id}", f"param:{ROLE.id}:bucket:pay"]
        return {
            "blocks": [{"type": "input", "block_id": block} for block in blocks],
            "state": {"values": {blocks[0]: {ids.ACCOUNT: where}, blocks[1]: {ids.PARAMETER: chosen}}},
        }

    assert read(state("pay"))[0].params == {"bucket": "pay-logs"}
    assert read(state("pay-test"))[0].params == {}


# --- over the wire ---------------------------------------------------------------------------------------


def opened(office: Office, account: str = "pay") -> Visitor:
    """Maya's form with role and account chosen."""
    office.enrol("maya")
    maya = office.visitor(MAYA)
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role=ROLE.id)
    maya.wait_for_modal("Choose an account to pick from a list")
    maya.fill(account=account)
    return maya


def send(maya: Visitor, bucket: str) -> Submission:
    maya.fill(param=bucket, work="incident", duration="1h", reason="The nightly export is broken.")
    return maya.submit()


def test_what_there_is_in_the_chosen_account_is_searched_and_anything_that_fits_can_be_typed(
    open_office: OpenOffice,
) -> None:
    office = open_office(ROLE)
    office.cloud.offers["pay", BUCKETS] = (Choice("pay-logs"), Choice("pay-exports"), Choice("crm-logs"))
    office.cloud.offers["pay-test", BUCKETS] = (Choice("pay-copy"),)
    maya = opened(office)
    view = maya.wait_for_modal("Choose: Bucket")
    assert values(maya.options(view, ids.PARAMETER, "")) == ["pay-exports", "pay-logs"]
    assert values(maya.options(view, ids.PARAMETER, "logs")) == ["pay-logs"]
    maya.fill(param="pay-logs")
    maya.fill(account="pay-test")
    maya.wait_for(lambda: f"param:{ROLE.id}:bucket:pay-test" in fields(maya.modal()))
    assert values(maya.options(maya.modal(), ids.PARAMETER, "")) == ["pay-copy"]
    assert maya.submit().errors.keys() >= {f"param:{ROLE.id}:bucket:pay-test"}, "nothing of the other account is left"
    assert send(maya, "pay-new").action == "push"
    assert "pay-new" in str(maya.wait_for_modal("exactly this"))


def test_where_the_cloud_refuses_it_is_typed_and_judged_by_its_pattern(open_office: OpenOffice) -> None:
    office = open_office(ROLE)
    office.cloud.fail("look_up", Fault.REFUSED, times=9)
    maya = opened(office)
    maya.wait_for_modal("cannot be listed just now")
    assert send(maya, "crm-logs").errors.keys() == {f"param:{ROLE.id}:bucket"}
    assert send(maya, "pay-logs").action == "push"


def test_whoever_may_ask_there_no_longer_is_shown_nothing_of_it(open_office: OpenOffice) -> None:
    office = open_office(ROLE)
    office.cloud.offers["pay", BUCKETS] = (Choice("pay-logs"),)
    maya = opened(office)
    view = maya.wait_for_modal("Choose: Bucket")
    left = replace(office.catalogue.people["maya"], identities={"pay-test": "user/maya"})
    office.in_use.swap(replace(office.catalogue, people={**office.catalogue.people, "maya": left}))
    assert maya.options(view, ids.PARAMETER, "") == []
