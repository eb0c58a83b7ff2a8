"""The rules of a role in access.yaml: each mistake is told by its field, with what to write instead."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from bot.catalogue import CatalogueError, inspect, load, schema
from bot.catalogue.entries import LookedUp
from bot.catalogue.source import read_source
from bot.core.lookups import LookUp, LookUpKind
from bot.core.model import StepUpPolicy, StepUpRule
from bot.core.rules import (
    AskRule,
    Auto,
    BreakGlass,
    Bundle,
    Caps,
    Escalation,
    Extension,
    Hours,
    Override,
    OwnerOf,
    Separation,
    Stage,
    TicketRule,
    Tracker,
)

FILE = Path(__file__).parent / "full.yaml"
FULL: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Write = Callable[[dict[str, Any]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_it(document: dict[str, Any]) -> Path:
        file = tmp_path / "access.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return file

    return write_it


def with_change(path: str, value: Any) -> dict[str, Any]:
    """The full catalogue with something else at a path such as ``roles.write.approve.0.quorum``."""
    document = copy.deepcopy(FULL)
    node: Any = document
    *parts, last = path.split(".")
    for part in parts:
        node = node[int(part) if isinstance(node, list) else part]
    node[int(last) if isinstance(node, list) else last] = value
    return document


def problems(file: Path) -> list[str]:
    try:
        inspect(file)
    except CatalogueError as error:
        return [f"{each.path}: {each.message} → {each.hint}" for each in error.problems]
    return []


def some(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_every_rule_of_the_file_is_in_the_catalogue() -> None:
    catalogue = load(FILE)
    role, restart, look = (catalogue.roles[key] for key in ("write", "restart", "look"))
    assert role.ask == (
        AskRule(groups=some("engineers"), slack_groups=some("S0GUESTS"), until=datetime(2027, 3, 4, tzinfo=UTC)),
        AskRule(people=some("tomas"), email_domains=some("partner.example")),
    )
    assert role.only_accounts == {"prod": (AskRule(people=some("maya", "tomas")),)}
    assert set(role.only_tags) == {"live"}
    assert role.stages == (
        Stage(
            title="The lead",
            manager=True,
            groups=some("leads"),
            slack_groups=some("S0LEADS"),
            quorum=2,
            refusals=3,
            fallback=some("spare"),
            escalate=(Escalation(11 * MINUTE, some("noor"), some("security"), some("S0BOSSES")),),
        ),
        Stage(title="The owner", people=some("sam"), owner=OwnerOf("bucket", "owner-of"), on_call="rota"),
    )
    assert role.quorum == 3
    assert role.longest_by_work == {"incident": 3 * HOUR}
    assert (role.hours, role.outside) == ("office", 41 * MINUTE)
    assert (role.sensitive, role.break_glass) == (True, BreakGlass(23 * MINUTE, 5 * HOUR))
    assert role.ticket == TicketRule("PAY-[0-9]+", "PAY-1", "jira", must_be_open=True, ends_access=True)
    assert role.separation == Separation(some("spare", "leads"), 2, timedelta(days=9))
    assert role.caps == Caps(2, 3, 4, 31 * MINUTE)
    assert role.extend == Extension(37 * MINUTE, approval=False)
    assert restart.critical
    assert look.auto == Auto(3, 43 * HOUR, "pager", some("sev1", "sev2"), "late")


def test_every_entry_of_its_own_is_in_the_catalogue() -> None:
    catalogue = load(FILE)
    assert catalogue.hours["office"] == Hours("office", frozenset(range(5)), time(9), time(18), "Europe/Lisbon")
    assert catalogue.hours["late"].zone == "Europe/Vienna"
    rota = catalogue.schedules["rota"]
    assert (rota.people, rota.handover_day, rota.handover_at) == (("ravi", "otto"), 2, time(10, 15))
    assert (rota.shift, rota.zone) == (12 * HOUR, "Europe/Rome")
    assert rota.overrides == (
        Override("noor", datetime(2026, 12, 24, tzinfo=UTC), datetime(2026, 12, 27, 7, tzinfo=UTC)),
    )
    assert catalogue.schedules["pager"].source == "PABC12"
    assert catalogue.trackers["code"] == Tracker("code", "github", "", "shop/infra")
    assert catalogue.limits == Caps(7, 11, 13, 17 * MINUTE)
    items = (("restart", {}), ("write", {"bucket": "exports", "prefix": "a"}))
    assert catalogue.bundles["night"] == Bundle("night", "A night's work", items)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("log-groups", LookUp(LookUpKind.LOG_GROUPS)),
        ({"kind": "secrets"}, LookUp(LookUpKind.SECRETS)),
        (
            {"kind": "instances", "tags": {"team": "pay", "env": "prod"}},
            LookUp(LookUpKind.INSTANCES, (("env", "prod"), ("team", "pay"))),
        ),
    ],
)
def test_a_parameter_says_what_is_listed_for_it(said: object, means: LookUp, write: Write) -> None:
    document = with_change("roles.write.parameters.prefix.lookup", said)
    _, prefix = load(write(document)).roles["write"].parameters
    assert prefix.lookup == means
    assert list(Draft202012Validator(schema()).iter_errors(document)) == []


def test_every_kind_that_can_be_listed_can_be_written_and_no_other() -> None:
    assert set(get_args(LookedUp.model_fields["kind"].annotation)) == set(LookUpKind)


def test_a_critical_role_takes_a_code_on_both_sides_without_saying_so() -> None:
    role = load(FILE).roles["restart"]
    assert role.ask_step_up == role.approve_step_up == StepUpPolicy(StepUpRule.ALWAYS)


def test_a_single_mapping_is_a_list_of_one(write: Write) -> None:
    one, many = ({"groups": ["engineers"]}, [{"groups": ["engineers"]}])
    roles = [load(write(with_change("roles.restart.ask", value))).roles["restart"] for value in (one, many)]
    assert roles[0] == roles[1]


@pytest.mark.parametrize(
    ("days", "means"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("fri-mon", {4, 5, 6, 0}),
        ("sat, sun", {5, 6}),
        (["mon-tue", "Thu"], {0, 1, 3}),
        ("wed", {2}),
    ],
)
def test_days_may_be_a_range_or_a_list(days: object, means: set[int], write: Write) -> None:
    assert load(write(with_change("hours.late.days", days))).hours["late"].days == means


def test_the_full_catalogue_is_valid_in_an_editor() -> None:
    validator = Draft202012Validator(schema())
    assert [error.message for error in validator.iter_errors(dict(read_source(FILE).data))] == []


WRITE, ASK = "roles.write", "roles.write.ask"
APPROVE = "roles.write.approve.0"
# One line each, however long: a table.
# ruff: noqa: E501
# fmt: off
WRONG: list[tuple[str, Any, str]] = [
    # who may ask
    (f"{ASK}.0.groups", ["enginers"], "roles.write.ask[0].groups[0]: “enginers” is no group of this catalogue → did you mean engineers?"),
    (f"{ASK}.1.people", ["tomas", "tomas"], "roles.write.ask[1].people[1]: “tomas” is there twice → remove one of them"),
    (f"{ASK}.0.slack_groups", ["guests"], "is not a Slack user group id → it starts with S"),
    (f"{ASK}.1.email_domains", ["@partner.example"], "is not an e-mail domain → what is behind the @"),
    (f"{ASK}.1.email_domains", ["Partner.example"], "is not an e-mail domain"),
    (f"{ASK}.0.until", "next year", "roles.write.ask[0].until: “next year” is not a date → write a date, as in 2027-01-31"),
    (f"{ASK}.0.until", "2027-02-30", "roles.write.ask[0].until: “2027-02-30” is not a date"),
    (f"{ASK}.0.until", "2027-01-31T18:00", "has no offset from UTC → write a date"),
    (f"{ASK}.0.until", 2027, "roles.write.ask[0].until: is not a date"),
    (f"{ASK}.0.grups", ["x"], "roles.write.ask[0].grups: is not a known key → did you mean groups?"),
    (ASK, [], "roles.write.ask: is empty: at least one is needed"),
    (f"{WRITE}.only.accounts", {"pord": {"people": ["maya"]}}, "roles.write.only.accounts.pord: “pord” is no account of this role → did you mean prod?"),
    (f"{WRITE}.only.tags", {"staging": {"people": ["maya"]}}, "roles.write.only.tags.staging: “staging” is no tag of an account of this role"),
    (f"{WRITE}.only.accounts.prod.people", ["mya"], "roles.write.only.accounts.prod.people[0]: “mya” is no person"),
    # who approves
    (APPROVE, {"quorum": 2}, "roles.write.approve[0]: names nobody → write manager: true, or name"),
    (f"{APPROVE}.quorum", 0, "roles.write.approve[0].quorum: is too small: the least is 1"),
    (f"{APPROVE}.refusals", 11, "roles.write.approve[0].refusals: is too large: the most is 10"),
    (f"{APPROVE}.fallback", ["spares"], "roles.write.approve[0].fallback[0]: “spares” is no group of this catalogue → did you mean spare?"),
    (f"{APPROVE}.escalate.0.after", "90m", "roles.write.approve[0].escalate[0].after: is not before the request lapses → make it shorter"),
    (f"{APPROVE}.escalate", [{"after": "10m"}], "names nobody → name groups"),
    (f"{APPROVE}.escalate", [{"after": "10m", "people": ["sam"]}, {"after": "9m", "people": ["noor"]}], "escalate[1].after: is not after the one before it"),
    (f"{APPROVE}.escalate.0.groups", ["nobody"], "escalate[0].groups[0]: “nobody” is no group"),
    ("roles.write.approve.0.owner", {"parameter": "prefix", "tag": "owner-of"}, "approve[1].owner: is another owner than that of the stage before → name the same"),
    ("roles.write.approve.1.owner.parameter", "bukket", "approve[1].owner.parameter: “bukket” is no parameter of this role → did you mean bucket?"),
    ("roles.write.approve.1.on_call", "rotta", "approve[1].on_call: “rotta” is no schedule of this catalogue → did you mean rota?"),
    (f"{WRITE}.approve", [], "roles.write.approve: is empty"),
    # when and how long
    (f"{WRITE}.hours.during", "ofice", "roles.write.hours.during: “ofice” is no window of hours of this catalogue → did you mean office?"),
    (f"{WRITE}.hours.outside", "never", "roles.write.hours.outside: “never” is not a duration → write refuse, or the longest outside"),
    (f"{WRITE}.hours.outside", "8h", "roles.write.hours.outside: is no shorter than max_duration → lower it, or write refuse"),
    (f"{WRITE}.hours.outside", "1m", "roles.write.hours.outside: is below min_duration"),
    (f"{WRITE}.hours", {"during": "office"}, "roles.write.hours.outside: is missing → add outside: ``refuse``, or the longest"),
    (f"{WRITE}.max_by_work", {"bug-fix": "1h"}, "roles.write.max_by_work.bug-fix: “bug-fix” is no kind of work of this role"),
    (f"{WRITE}.max_by_work.incident", "9h", "roles.write.max_by_work.incident: is above max_duration → lower it"),
    (f"{WRITE}.max_by_work.incident", "1m", "roles.write.max_by_work.incident: is below min_duration"),
    ("hours.office.days", "mon-frei", "hours.office.days: “frei” is not a day of the week → write one of mon, tue"),
    ("hours.office.days", [], "hours.office.days: names no day → write mon-fri"),
    ("hours.office.from", "9", "hours.office.from: “9” is not a time of day → write it like 09:00"),
    ("hours.office", {"days": "mon", "from": "09:00"}, "hours.office.to: is missing → add to: local time at which it closes"),
    ("hours.office.zone", "CET+1", "hours.office.zone: “CET+1” is not a time zone"),
    # tickets
    (f"{WRITE}.ticket", {"pattern": "X", "must_be_open": True}, "roles.write.ticket.must_be_open: is of no use: nobody looks the ticket up → add tracker"),
    (f"{WRITE}.ticket", {"pattern": "X", "ends_access": True}, "roles.write.ticket.ends_access: is of no use"),
    (f"{WRITE}.ticket.tracker", "jirra", "roles.write.ticket.tracker: “jirra” is no tracker of this catalogue → did you mean jira?"),
    ("trackers.jira.url", "http://shop.example", "trackers.jira.url: “http://shop.example” is not an address that tokens may be sent to → it begins with https://"),
    ("trackers.jira", {"kind": "jira"}, "trackers.jira: does not say where Jira is → add url"),
    ("trackers.code.repository", "infra", "is not a repository → write OWNER/REPOSITORY"),
    ("trackers.code", {"kind": "github"}, "trackers.code: is kept in a repository if it is at GitHub, and only then → add or remove repository"),
    ("trackers.code.kind", "gitlab", "trackers.code.kind: has to be 'jira', 'github' or 'linear'"),
    # without a word
    ("roles.look.automatic", {"times": 1, "per": "1d"}, "roles.look.automatic: has no condition: everybody would have it without a word → add on_call"),
    ("roles.look.automatic", {"on_call": "rota", "per": "1d"}, "roles.look.automatic.times: is missing → add times: how often at most"),
    ("roles.look.automatic.during", "lat", "roles.look.automatic.during: “lat” is no window of hours"),
    ("roles.look.automatic.on_call", "page", "roles.look.automatic.on_call: “page” is no schedule"),
    ("roles.look.automatic.severities", ["SEV1"], "is not a severity → write it in lower case"),
    ("roles.look.ticket", {"pattern": "X"}, "roles.look.automatic.severities: is never known: nobody looks the ticket up → add a ticket with a tracker"),
    ("roles.look.sensitive", True, "roles.look.automatic: cannot be: the role is sensitive → remove it, or sensitive"),
    # break-glass, critical
    (f"{WRITE}.break_glass.max", "61m", "roles.write.break_glass.max: is above an hour → write 1h or less"),
    (f"{WRITE}.break_glass.review_within", "25h", "roles.write.break_glass.review_within: is above a day → write 24h or less"),
    ("roles.restart.approve.quorum", 1, "roles.restart.approve: lets one approver decide, but the role is critical → raise quorum to 2"),
    ("roles.restart.step_up", {"approve": "15m"}, "roles.restart.step_up.approve: is weaker than always, but the role is critical → remove it"),
    ("roles.restart.step_up", {"ask": "never"}, "roles.restart.step_up.ask: is weaker than always, but the role is critical"),
    ("roles.restart.automatic", {"on_call": "rota", "times": 1, "per": "1d"}, "roles.restart.automatic: cannot be: the role is critical"),
    ("roles.restart.break_glass", {}, "roles.restart.break_glass: cannot be: the role is critical → remove it, or critical"),
    ("roles.restart.extend", {"max": "1h", "approval": False}, "roles.restart.extend.approval: cannot be false: the role is critical"),
    # separation, limits, extension
    (f"{WRITE}.separation", {}, "roles.write.separation: separates nobody → name teams"),
    (f"{WRITE}.separation.teams", ["spar"], "roles.write.separation.teams[0]: “spar” is no group of this catalogue → did you mean spare?"),
    (f"{WRITE}.separation.pair", {"per": "7d"}, "roles.write.separation.pair.most: is missing"),
    (f"{WRITE}.limits.per_person", 0, "roles.write.limits.per_person: is too small: the least is 1"),
    ("limits.per_persn", 1, "limits.per_persn: is not a known key → did you mean per_person?"),
    ("limits.cool_down", 10, "limits.cool_down: 10 has no unit → write 10m or 10h"),
    (f"{WRITE}.extend", {"approval": True}, "roles.write.extend.max: is missing → add max: by how much at most"),
    # look-ups
    (f"{WRITE}.parameters.prefix.lookup", "bukkets", "roles.write.parameters.prefix.lookup: has to be 'buckets', 'databases',"),
    (f"{WRITE}.parameters.prefix.lookup", {"kind": "buckets", "tags": {"team": "pay"}}, "lookup: cannot tell buckets by their tags → remove tags; databases, instances, secrets can"),
    (f"{WRITE}.parameters.prefix.lookup", {"tags": {"team": "pay"}}, "roles.write.parameters.prefix.lookup.kind: is missing"),
    (f"{WRITE}.parameters.bucket.lookup", "buckets", "roles.write.parameters.bucket: has choices and a lookup → keep one of them"),
    # schedules and bundles
    ("schedules.rota.people", ["ravi", "oto"], "schedules.rota.people[1]: “oto” is no person of this catalogue → did you mean otto?"),
    ("schedules.rota.people", [], "schedules.rota: names nobody who could be on call → add people"),
    ("schedules.rota.id", "P1", "schedules.rota: is written down here and asked elsewhere too → remove id and url"),
    ("schedules.rota.handover.day", "someday", "schedules.rota.handover.day: “someday” is not a day of the week"),
    ("schedules.rota.overrides.0.to", "2026-12-01", "schedules.rota.overrides[0].to: is not after from"),
    ("schedules.rota.overrides.0.person", "santa", "schedules.rota.overrides[0].person: “santa” is no person"),
    ("schedules.pager", {"kind": "pagerduty"}, "schedules.pager: does not say which schedule of pagerduty it is → add id"),
    ("schedules.pager.people", ["ravi"], "schedules.pager: is kept at pagerduty and written down here too"),
    ("schedules.pager.kind", "victorops", "schedules.pager.kind: has to be 'static', 'pagerduty' or 'opsgenie'"),
    ("bundles.night.roles.0.role", "restrat", "bundles.night.roles[0].role: “restrat” is no role of this catalogue → did you mean restart?"),
    ("bundles.night.roles.1.params", {"buckets": "logs"}, "bundles.night.roles[1].params.buckets: write has no parameter “buckets” → did you mean bucket?"),
    ("bundles.night.roles.1.params", {"bucket": "vault", "prefix": "a"}, "bundles.night.roles[1].params.bucket: “vault” is not what write takes → one of: logs, exports"),
    ("bundles.write", {"title": "x", "roles": [{"role": "look"}]}, "bundles.write: has the name of a role → give it another one"),
    ("bundles.night.roles", [], "bundles.night.roles: is empty"),
]
# fmt: on


@pytest.mark.parametrize(("path", "value", "says"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_is_told_by_its_field_with_a_way_to_mend_it(
    path: str, value: Any, says: str, write: Write
) -> None:
    found = problems(write(with_change(path, value)))
    assert any(says in each for each in found), found
    assert len(found) == 1, found


@pytest.mark.parametrize(("path", "value", "says"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_one_mistake_beside_another_makes_no_third(path: str, value: Any, says: str, write: Write) -> None:
    document = with_change(path, value)
    document["roles"]["look"]["titel"] = document["roles"]["look"].pop("title")
    found = [each for each in problems(write(document)) if "roles.look.tit" not in each]
    assert [each for each in found if says not in each] == []


def test_what_a_bundle_says_of_a_role_that_is_wrong_itself_is_not_judged(write: Write) -> None:
    document = with_change("roles.write.parameters.bucket.choices", "logs")
    assert problems(write(document)) == ["roles.write.parameters.bucket.choices: has to be a list, not text → "]
