import copy
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.catalogue import CatalogueError, Loaded, Problem, load
from bot.core.model import (
    Account,
    Parameter,
    Person,
    Role,
    Statement,
    StepUpPolicy,
    StepUpRule,
    Summary,
    Work,
)
from bot.core.rules import AskRule, Stage, TicketRule

from .conftest import SOUND

Check = Callable[..., list[Problem]]
Load = Callable[..., Loaded]


def test_everything_that_the_file_says_is_in_the_catalogue(loaded: Load) -> None:
    catalogue = loaded().catalogue
    assert catalogue.accounts["prod"] == Account(
        "prod",
        "Production",
        "111111111111",
        "eu-central-1",
        frozenset({"prod", "payments"}),
        "arn:aws:iam::111111111111:role/broker",
        "demo",
        "p",
    )
    assert catalogue.accounts["dev"] == Account("dev", "Development", "022222222222", tags=frozenset({"payments"}))
    assert catalogue.people["maya"] == Person(
        "maya",
        "Maya",
        "maya@example.com",
        frozenset({"U0MAYA"}),
        "ines",
        frozenset({"engineers"}),
        {"prod": "user/maya", "dev": "user/maya"},
    )
    assert catalogue.people["ines"].slack_ids == {"U0INES", "W0INES"}
    assert catalogue.groups == {"engineers": {"maya"}, "leads": {"ines", "ravi"}}
    assert list(catalogue.work.values())[1] == Work("incident", "Incident", timedelta(hours=24))
    assert (catalogue.admins, catalogue.zone) == ({"sam"}, "Europe/Vienna")
    assert (catalogue.channel, catalogue.security_channel) == ("C0APPROVALS", "C0SECURITY")
    assert catalogue.summary == Summary("C0AUDIT", "UTC", 9, 30)
    assert catalogue.roles["read"] == Role(
        id="read",
        title="Read files",
        provider="aws_iam",
        accounts=frozenset({"prod"}),
        statements=(
            Statement(
                ("s3:GetObject",),
                ("arn:aws:s3:::{bucket}/{prefix}*",),
                {"StringEquals": {"aws:ResourceAccount": ("{account}",)}},
            ),
        ),
        longest=timedelta(hours=8),
        work=("incident", "bug-fix"),
        ask=(AskRule(groups=frozenset({"engineers"})),),
        stages=(Stage(manager=True, groups=frozenset({"leads"})),),
        description="Look at objects.",
        parameters=(
            Parameter("bucket", "Bucket", "logs|exports", "", ("logs", "exports"), "logs"),
            Parameter("prefix", "Prefix", "[a-z/]{1,20}", "app/"),
        ),
        shortest=timedelta(minutes=5),
        approve_step_up=StepUpPolicy(StepUpRule.WITHIN, timedelta(minutes=20)),
        ticket=TicketRule("PAY-[0-9]+", "PAY-1"),
        reason_min=12,
        lapses_after=timedelta(hours=2),
        remind_before=timedelta(minutes=5),
        channel="C0READ",
    )


def test_what_is_left_out_takes_its_default(loaded: Load) -> None:
    catalogue = loaded(
        ("summary: {channel: C0AUDIT, at: 9:30, zone: UTC}\n", ""),
        ("    work: [incident, bug-fix]\n", ""),
        ("    step_up: {ask: always, approve: 20m}\n", ""),
        ('    ticket: {pattern: "PAY-[0-9]+", hint: PAY-1}\n', ""),
        ("    channel: C0READ\n", ""),
    ).catalogue
    role = catalogue.roles["read"]
    assert catalogue.summary == Summary("C0SECURITY", "Europe/Vienna", 9, 0)
    assert role.work == ("bug-fix", "incident")
    assert role.ask_step_up == StepUpPolicy(StepUpRule.ALWAYS)
    assert role.approve_step_up == StepUpPolicy(StepUpRule.WITHIN, timedelta(minutes=15))
    assert (role.ticket, role.channel) == (None, "")


def test_tags_select_the_accounts_that_carry_all_of_them(loaded: Load) -> None:
    both = loaded(("accounts: [prod]", "accounts: {tags: [payments]}")).catalogue
    one = loaded(("accounts: [prod]", "accounts: {tags: [payments, prod]}")).catalogue
    assert both.roles["read"].accounts == {"prod", "dev"}
    assert one.roles["read"].accounts == {"prod"}


def test_the_digest_is_of_what_is_said_not_of_how(loaded: Load) -> None:
    plain = loaded().catalogue.digest
    assert loaded(("version: 1", "# a comment\nversion:   1  # another")).catalogue.digest == plain
    assert loaded(("title: Bug fix", 'title: "Bug fix"')).catalogue.digest == plain
    assert loaded(("max_duration: 8h", "max_duration: 7h")).catalogue.digest != plain
    assert len(plain) == 64


def test_the_sound_catalogue_has_no_warning(loaded: Load) -> None:
    assert loaded().warnings == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version: 1", "version: 2", "1: version: has to be 1"),
        ("  read:", "  status:", "28: roles.status: is what /prodaccess does something else for"),
        (
            "zone: Europe/Vienna",
            "zone: Europe/Wien",
            "2: zone: “Europe/Wien” is not a time zone → did you mean Europe/Vienna?",
        ),
        ("zone: Europe/Vienna", "zone: CEST", "2: zone: “CEST” is not a time zone → as in Europe/Vienna"),
        ("C0APPROVALS", "'#prod'", "3: channels.approvals: “#prod” is not a Slack channel id → it starts with C"),
        ("at: 9:30", "at: 24:00", "4: summary.at: “24:00” is not a time of day → write it like 09:00"),
        ("admins: [sam]", "admins: []", "5: admins: is empty: at least one is needed"),
        ("admins: [sam]\n", "", "1: admins: is missing → add admins: the security admins"),
        ("admins: [sam]", "admins: [sma]", "5: admins[0]: “sma” is no person of this catalogue → did you mean sam?"),
        ("admins: [sam]", "admins: [sam, sam]", "5: admins[1]: “sam” is there twice → remove one of them"),
        ("max: 2h", "max: 2", "7: work.bug-fix.max: 2 has no unit → write 2m or 2h"),
        ("max: 2h", "max: 0m", "7: work.bug-fix.max: “0m” is no time at all → write it like"),
        ("max: 2h", "maximum: 2h", "7: work.bug-fix.maximum: is not a known key → did you mean max?"),
        ("max: 2h", "maximum: 2h", "7: work.bug-fix.max: is missing → add max: the longest access that it justifies"),
        ("title: Bug fix", "title: ", "7: work.bug-fix.title: is empty → give it a value or remove the key"),
        ("title: Bug fix", "title: 7", "7: work.bug-fix.title: has to be text, not a number → put it in quotes"),
        ("title: Bug fix", "title: [a]", "7: work.bug-fix.title: has to be text, not a list"),
        ("title: Bug fix", "title: ''", "7: work.bug-fix.title: is empty"),
        ("title: Bug fix", f"title: {'x' * 76}", "7: work.bug-fix.title: is too long: the limit is 75"),
        ("title: Bug fix", 'title: "a\\u202eb"', "7: work.bug-fix.title: has line breaks, invisible characters"),
        (
            "bug-fix: {title: Bug fix, max: 2h}",
            "bug-fix: 2h",
            "7: work.bug-fix: has to be a mapping of keys to values, not text",
        ),
        (
            "111111111111\n",
            "1111\n",
            "12: accounts.prod.number: “1111” is not an AWS account number → it has 12 digits",
        ),
        ("022222222222", "111111111111", "18: accounts.dev.number: is the number of prod too"),
        ("region: eu-central-1", "region: frankfurt", "13: accounts.prod.region: “frankfurt” is not an AWS region"),
        (
            "iam::111111111111",
            "iam::333333333333",
            "15: accounts.prod.broker_role: is in account 333333333333, not in 111",
        ),
        (
            "arn:aws:iam::111111111111:role/broker",
            "broker",
            "15: accounts.prod.broker_role: “broker” is not the ARN of",
        ),
        ("    broker_role: arn:aws:iam::111111111111:role/broker\n", "", "15: accounts.prod.external_id: is of no use"),
        ("  dev:", "  Dev:", "18: accounts.Dev: “Dev” is not a usable id → up to 48 lower-case letters"),
        (
            "slack: U0MAYA",
            "slack: maya",
            "20: people.maya.slack: “maya” is not a Slack member id → it starts with U or W",
        ),
        ("slack: U0RAVI", "slack: U0MAYA", "22: people.ravi.slack: U0MAYA is already maya's (people.maya.slack[0])"),
        ("slack: U0RAVI", "email: Maya@Example.com", "22: people.ravi.email: Maya@Example.com is already maya's"),
        (
            "slack: U0RAVI",
            "slack: U0RAVI, aws: {prod: user/Maya}",
            "22: people.ravi.aws.prod: user/Maya is already maya's",
        ),
        ("prod: user/maya", "prod: role/broker", "20: people.maya.aws.prod: role/broker is the bot's own role there"),
        (
            "prod: user/maya",
            "prod: maya",
            "20: people.maya.aws.prod: “maya” is not a principal → write user/NAME or role/NAME",
        ),
        ("prod: user/maya", "prod: user/a/maya", "20: people.maya.aws.prod: “user/a/maya” is not a principal"),
        (
            "prod: user/maya",
            "prd: user/maya",
            "20: people.maya.aws.prd: “prd” is no account of this catalogue → did you mean prod?",
        ),
        ("manager: ines", "manager: maya", "20: people.maya.manager: maya cannot be their own manager"),
        (
            "manager: ines",
            "manager: inez",
            "20: people.maya.manager: “inez” is no person of this catalogue → did you mean ines?",
        ),
        ("maya@example.com", "maya", "20: people.maya.email: “maya” is not an e-mail address"),
        ("engineers: [maya]", "engineers: [mya]", "25: groups.engineers[0]: “mya” is no person of this catalogue"),
        ("    title: Read files\n", "", "28: roles.read.title: is missing → add title"),
        (
            "    title: Read files",
            "    titel: Read files",
            "29: roles.read.titel: is not a known key → did you mean title?",
        ),
        ("accounts: [prod]", "accounts: [prdo]", "31: roles.read.accounts[0]: “prdo” is no account of this catalogue"),
        (
            "accounts: [prod]",
            "accounts: prod",
            "31: roles.read.accounts: has to be a mapping of keys to values, not text",
        ),
        ("accounts: [prod]", "accounts: []", "31: roles.read.accounts: has to name accounts either by id or by tag"),
        (
            "accounts: [prod]",
            "accounts: {tags: [pord]}",
            "31: roles.read.accounts.tags: no account carries these tags → did you",
        ),
        (
            "ask: {groups: [engineers]}",
            "ask: {groups: [enginers]}",
            "32: roles.read.ask.groups[0]: “enginers” is no group",
        ),
        (
            "approve: {manager: true, groups: [leads]}",
            "approve: {}",
            "33: roles.read.approve: names nobody → write manager: true",
        ),
        ("manager: true", "manager: yes", "33: roles.read.approve.manager: has to be true or false, not text"),
        (
            "groups: [leads]",
            "people: [rvai]",
            "33: roles.read.approve.people[0]: “rvai” is no person of this catalogue",
        ),
        (
            "groups: [leads]",
            "slack_groups: [leads]",
            "33: roles.read.approve.slack_groups[0]: “leads” is not a Slack user group",
        ),
        ("groups: [leads]", "quorum: 0", "33: roles.read.approve.quorum: is too small: the least is 1"),
        ("groups: [leads]", "quorum: two", "33: roles.read.approve.quorum: has to be a whole number, not text"),
        ("groups: [leads]}", "quorum: 3}", "33: roles.read.approve: wants 3 approvers, which no requester can have"),
        ("work: [incident, bug-fix]", "work: [bugfix]", "34: roles.read.work[0]: “bugfix” is no kind of work of this"),
        ("max_duration: 8h", "max_duration: -1h", "35: roles.read.max_duration: “-1h” is negative"),
        ("max_duration: 8h", "max_duration: 2m", "36: roles.read.min_duration: is above max_duration"),
        ("min_duration: 5m", "min_duration: 30s", "36: roles.read.min_duration: is under a minute → write 1m or more"),
        (
            "approve: 20m",
            "approve: often",
            "44: roles.read.step_up.approve: “often” is not a duration → write always, never or how",
        ),
        (
            "PAY-[0-9]+",
            "PAY-[0-9",
            "45: roles.read.ticket.pattern: is not a regular expression: unterminated character set",
        ),
        ("min: 12", "min: 501", "46: roles.read.reason.min: is too large: the most is 500"),
        (
            "description: Look at objects.",
            "provider: gcp",
            "30: roles.read.provider: “gcp” is no way to grant → there is: aws_iam",
        ),
    ],
)
def test_a_wrong_entry_is_refused_with_its_line_path_and_fix(old: str, new: str, says: str, errors: Check) -> None:
    shown = [str(problem).replace("\n    → ", " → ").partition("access.yaml:")[2] for problem in errors((old, new))]
    assert any(each.startswith(says) for each in shown), shown


def test_all_problems_are_told_at_once_in_the_order_of_the_file(errors: Check) -> None:
    found = errors(
        ("zone: Europe/Vienna", "zone: Mars/Olympus"),
        ("max: 2h", "max: 2"),
        ("slack: U0RAVI", "slack: U0MAYA"),
        ("leads: [ines, ravi]", "leads: [inez, ravi]"),
        ("title: Read files", "titel: Read files"),
        ("s3:GetObject", "s3:*"),
        ("{prefix}", "{prefx}"),
        ("ask: always", "ask: sometimes"),
    )
    assert [(each.line, each.path) for each in found] == [
        (2, "zone"),
        (7, "work.bug-fix.max"),
        (22, "people.ravi.slack"),
        (26, "groups.leads[0]"),
        (28, "roles.read.title"),
        (29, "roles.read.titel"),
        (39, "roles.read.parameters.prefix"),
        (41, "roles.read.statements[0].actions[0]"),
        (42, "roles.read.statements[0].resources"),
        (44, "roles.read.step_up.ask"),
    ]


def test_a_wrong_part_does_not_make_the_sound_ones_look_wrong(errors: Check) -> None:
    assert [each.path for each in errors(("people:\n", "peple:\n"))] == ["people", "peple"]
    assert [each.path for each in errors(("  maya: {name: Maya", "  maya: {nam: Maya"))] == [
        "people.maya.nam",
        "people.maya.name",
    ]
    assert [each.path for each in errors(("    parameters:", "    params:"))] == ["roles.read.params"]
    assert [each.path for each in errors(("111111111111\n", "1\n"))] == ["accounts.prod.number"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1: is empty or not a mapping"),
        ("- a\n", "1: is empty or not a mapping"),
        ("version: 1\nroles: [", "is not YAML"),
        ("version: 1\n\tadmins: [sam]\n", "is not YAML"),
        ("version: 1\n---\nversion: 1\n", "is not YAML"),
        ("version: 1\nadmins: [sam]\nversion: 1\n", "3: version: is there twice; the first is on line 1"),
        ("version: 1\nroles:\n  a: {}\n  b: {}\n  a: {}\n", "5: roles.a: is there twice; the first is on line 3"),
        ("version: 1\nadmins: !!python/object:os.system [sam]\n", "2: admins: has the tag"),
        ("version: 1\nadmins: !secret x\n", "2: admins: has the tag !secret"),
        ("base: &b {a: 1}\nroles: {x: {<<: *b}}\n", "2: roles.x.<<: is a merge key"),
        ("version: 1\n? [a, b]\n: c\n", "2: has a key that is not plain text"),
        ("version: 1\nadmins: &a [*a]\n", "is nested or repeated without end"),
        ("version: 1\ntitle: a\x07b\n", "2: has the character U+0007"),
        ("x: " + "[" * 5000 + "]" * 5000, "1: is nested too deeply"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
            "is nested or repeated without end",
        ),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_refused_with_its_line(text: str, says: str, errors: Check) -> None:
    shown = [str(problem).partition("access.yaml:")[2] for problem in errors(text=text)]
    assert any(says in each for each in shown), shown


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read: No such file or directory"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"version: 1\n# \xe9\n")
    with pytest.raises(CatalogueError, match=r"latin\.yaml:2: is not UTF-8"):
        load(tmp_path / "latin.yaml")


def test_the_error_reads_as_a_report(write: Callable[..., Path]) -> None:
    path = write(("max: 2h", "max: 2"), ("ask: always", "ask: x"))
    with pytest.raises(CatalogueError) as refusal:
        load(path)
    assert str(refusal.value) == (
        "2 problems in the catalogue; it is not used.\n"
        f"{path}:7: work.bug-fix.max: 2 has no unit\n"
        "    → write 2m or 2h\n"
        f"{path}:44: roles.read.step_up.ask: “x” is not a duration\n"
        "    → write always, never or how old the proof may be, as in 15m"
    )


def test_aliases_are_written_out(loaded: Load) -> None:
    catalogue = loaded(
        ("engineers: [maya]", "engineers: &all [maya]\n  others: *all"),
    ).catalogue
    assert catalogue.groups["others"] == {"maya"}
    assert catalogue.people["maya"].groups == {"engineers", "others"}


LINES = SOUND.splitlines()


@settings(deadline=None)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(["", "x", "  x: 1", "- y", "a: {}", "\t", "null", ": :", "'"]))
def test_a_broken_line_never_raises_anything_but_a_catalogue_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, line: str
) -> None:
    path = tmp_path_factory.mktemp("broken") / "access.yaml"
    path.write_text("\n".join([*LINES[:at], line, *LINES[at + 1 :]]))
    try:
        said = load(path).digest
    except CatalogueError as error:
        said = str(error)
    assert "access.yaml:" in said or len(said) == 64


def _paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _paths(child, (*path, key))


DATA = yaml.load(SOUND, Loader=yaml.BaseLoader)
DATA["version"], DATA["roles"]["read"]["reason"]["min"], DATA["roles"]["read"]["approve"]["manager"] = 1, 12, True
PATHS = list(_paths(DATA))
VALUES: list[Any] = [
    None,
    [],
    {},
    7,
    -1,
    True,
    "",
    "x",
    "é\u202e",
    ["a"],
    [["a"]],
    {"a": 1},
    [{"a": []}],
    "{",
    "a" * 9999,
]


def test_the_data_that_is_made_odd_is_sound(tmp_path: Path) -> None:
    (tmp_path / "access.yaml").write_text(yaml.safe_dump(DATA))
    assert load(tmp_path / "access.yaml").roles


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), st.sampled_from(VALUES))
def test_any_value_in_any_place_loads_or_is_refused_in_plain_words(
    tmp_path_factory: pytest.TempPathFactory, where: tuple[str | int, ...], value: object
) -> None:
    data = copy.deepcopy(DATA)
    parent = data
    for key in where[:-1]:
        parent = parent[key]
    parent[where[-1]] = value
    path = tmp_path_factory.mktemp("odd") / "access.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    try:
        said = load(path).digest
    except CatalogueError as error:
        said = str(error)
        assert not re.search(r"pydantic|validator|Error\b|<class|Input should", said), said
    assert said
