"""The command line, as an operator uses it: its output, its exit status, and plain words for what is wrong."""

import base64
import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot import app, cli
from bot.catalogue import schema
from bot.core.model import Review
from bot.service.operations import operator
from bot.store import open_store
from tests.core.examples import APPROVED, DAY
from tests.sources.stub import Reply, json_reply, serving, shape

CATALOGUE = Path(__file__).parents[1] / "bot" / "sandbox" / "demo" / "access.yaml"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without Slack whose AWS does not answer; the path of its database."""
    path = tmp_path / "prodaccess.db"
    for name, value in {
        "DATABASE_URL": f"sqlite:///{path}",
        "CATALOGUE": str(CATALOGUE),
        "KEYS": "k1:" + base64.b64encode(bytes(range(32))).decode(),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(f"PRODACCESS_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    assert cli.main(["migrate"]) == 0
    return path


def test_check_prints_who_can_get_what_with_whose_approval(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(CATALOGUE)]) == 0
    table = capsys.readouterr().out
    for words in ("s3-read", "payments-prod", "Maya Lindqvist", "manager"):
        assert words in table


def test_check_reports_every_problem_with_its_line_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "access.yaml"
    text = (
        CATALOGUE.read_text(encoding="utf-8").replace("max: 2h", "max: soon").replace("admins: [sam]", "admins: [sami]")
    )
    file.write_text(text, encoding="utf-8")
    assert cli.main(["check", str(file)]) == 1
    said = capsys.readouterr().err
    assert f"{file}:{text[: text.index('soon')].count(chr(10)) + 1}" in said
    assert "sami" in said
    assert "did you mean sam?" in said
    assert "Traceback" not in said


def test_a_difference_says_who_gains_what_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(CATALOGUE.read_text(encoding="utf-8").replace("admins: [sam]", "admins: [sam, maya]"))
    assert cli.main(["catalogue", "diff", str(CATALOGUE), str(file)]) == 1
    assert capsys.readouterr().out == "+ Maya Lindqvist (maya) is now an admin\n"
    assert cli.main(["catalogue", "diff", str(file), str(CATALOGUE)]) == 1
    assert capsys.readouterr().out == "− Maya Lindqvist (maya) is no longer an admin\n"
    assert cli.main(["catalogue", "diff", str(file), str(file)]) == 0
    assert "nothing else is different" in capsys.readouterr().out


def test_an_operator_lets_a_file_be_used_and_looks_at_what_that_changed_by_digest(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, digests = tmp_path / "new.yaml", []
    for admins in ("[sam]", "[sam, maya]"):
        file.write_text(CATALOGUE.read_text(encoding="utf-8").replace("admins: [sam]", f"admins: {admins}"))
        assert cli.main(["catalogue", "use", str(file), "--reason", "All approvers are away."]) == 0
        digests.append(re.findall("[0-9a-f]{12}", capsys.readouterr().out)[0])
    assert cli.main(["catalogue", "diff", *digests]) == 1
    assert capsys.readouterr().out == "+ Maya Lindqvist (maya) is now an admin\n"
    assert cli.main(["catalogue", "diff", "ffffffffffff", digests[0]]) == 1
    assert "neither a file nor a version" in capsys.readouterr().err
    assert cli.main(["mfa", "invite", "maya"]) == 0  # an admin by what is in use, not by the file
    cli.main(["audit", "export"])
    exported = capsys.readouterr().out
    assert "All approvers are away." in exported


def test_doctor_says_when_the_file_is_not_what_is_in_use_and_when_it_is_bad(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "access.yaml"
    file.write_text(CATALOGUE.read_text(encoding="utf-8"))
    monkeypatch.setenv("PRODACCESS_CATALOGUE", str(file))
    assert cli.main(["catalogue", "use", str(file), "--reason", "The first."]) == 0
    cli.main(["doctor"])
    assert "ok   what access.yaml says is in use" in capsys.readouterr().out
    file.write_text(CATALOGUE.read_text(encoding="utf-8").replace("admins: [sam]", "admins: [maya]"))
    assert cli.main(["doctor"]) == 1
    assert "BAD  what access.yaml says is in use" in capsys.readouterr().out
    file.write_text("version: [1")
    assert cli.main(["doctor"]) == 1
    assert "BAD  access.yaml is sound: what was there before stays in use" in capsys.readouterr().out


def test_revoking_at_a_shell_goes_on_when_what_is_in_use_was_tampered_with(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["catalogue", "use", str(CATALOGUE), "--reason", "The first."]) == 0
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE catalogues SET signature = 'ff'")
    assert cli.main(["grants", "list"]) == 0
    assert cli.main(["grants", "revoke", "--all"]) == 0


def test_check_prints_the_schema_for_editors(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_a_missing_file_is_one_line_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "/nowhere/access.yaml"]) == 1
    said = capsys.readouterr().err
    assert "/nowhere/access.yaml" in said
    assert "Traceback" not in said


def test_serve_names_every_missing_setting_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "KEYS"):
        monkeypatch.delenv(f"PRODACCESS_{name}", raising=False)
    assert cli.main(["serve"]) == 1
    said = capsys.readouterr().err
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "KEYS"):
        assert f"PRODACCESS_{name}" in said


@pytest.mark.usefixtures("database")
def test_an_invitation_is_for_admins_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mfa", "invite", "maya"]) == 2
    assert "only an admin" in capsys.readouterr().err
    assert cli.main(["mfa", "invite", "sam"]) == 0
    assert "works once, for 30 min" in capsys.readouterr().out


@pytest.mark.usefixtures("database")
def test_resetting_who_has_no_authenticator_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mfa", "reset", "maya"]) == 1
    assert "no authenticator" in capsys.readouterr().err


def test_verify_passes_on_the_log_as_written_and_names_the_record_that_was_changed(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        assert cli.main(["mfa", "invite", "sam"]) == 0
    assert cli.main(["audit", "verify"]) == 0
    capsys.readouterr()
    with sqlite3.connect(database) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("UPDATE audit_log SET body = replace(body, 'sam', 'eve') WHERE seq = 2")
    assert cli.main(["audit", "verify"]) == 1
    assert "2" in capsys.readouterr().out


@pytest.mark.usefixtures("database")
def test_the_log_is_exported_as_json_lines_and_as_csv(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["mfa", "invite", "sam"]) == 0
    capfdbinary.readouterr()
    assert cli.main(["audit", "export", "--format", "jsonl"]) == 0
    records = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [record["tag"] for record in records] == ["mfa.invited"]
    assert records[0]["person"] == "sam"
    assert records[0]["actor"]["kind"] == "operator"
    assert cli.main(["audit", "export", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    assert [row["tag"] for row in rows] == ["mfa.invited"]


@pytest.mark.parametrize("missing", [KeyError("getpwuid(): uid not found"), OSError("No username set")])
def test_an_operator_without_a_name_goes_by_their_number(missing: Exception) -> None:
    def nobody() -> str:
        raise missing

    assert operator(nobody).id == f"uid {os.getuid()}"


@pytest.mark.usefixtures("database")
def test_an_invite_is_logged_with_the_operator_who_made_it(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["mfa", "invite", "sam"]) == 0
    capfdbinary.readouterr()
    assert cli.main(["audit", "export"]) == 0
    [record] = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert (record["actor"]["id"], record["actor"]["via"]) == (operator().id, "cli")


@pytest.mark.usefixtures("database")
def test_grants_revoke_wants_one_grant_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["grants", "revoke"]) == 2
    assert cli.main(["grants", "revoke", "g-0000000000"]) == 1
    assert "there is no such grant: g-0000000000" in capsys.readouterr().err
    assert cli.main(["grants", "revoke", "--all"]) == 0
    assert cli.main(["grants", "list"]) == 0
    assert "GRANT" in capsys.readouterr().out


def test_a_database_that_was_never_migrated_is_one_line_with_the_fix(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database.unlink()
    for command in (["grants", "list"], ["audit", "verify"], ["mfa", "invite", "sam"]):
        assert cli.main(command) == 1
        assert "run: prodaccess migrate" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_reconcile_ends_with_status_1_and_names_the_accounts_that_it_could_not_look_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["reconcile", "--dry-run"]) == 1
    said = capsys.readouterr()
    assert said.out.split()[:2] == ["ACCOUNT", "PRINCIPAL"]
    assert said.err.count("payments-prod could not be looked at") == 1
    assert "Traceback" not in said.err


def test_doctor_names_the_broken_glass_that_nobody_reviewed(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(open_store(f"sqlite:///{database}")) as store, store.transaction() as tx:
        for name, due_at in (("late", tx.now() - DAY), ("owed", tx.now() + DAY)):
            tx.save_request(replace(APPROVED, id=name, review=Review(due_at)))
        tx.save_request(replace(APPROVED, id="seen", review=Review(tx.now() - DAY, tx.now(), "sam")))
    assert cli.main(["doctor"]) == 1
    said = [line for line in capsys.readouterr().out.splitlines() if "review" in line]
    fix = "an admin or approver has to say whether it was right"
    assert said == [f"BAD  no review is overdue: {fix}: late (alice, payments)"]


@pytest.mark.usefixtures("database")
def test_doctor_ends_with_status_1_and_names_the_account_that_does_not_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "ok   database schema is current" in said
    assert "BAD  AWS account payments-prod answers" in said


def test_doctor_asks_every_source_that_access_yaml_names_and_shows_no_token(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "reach_accounts", lambda _: ())
    with serving() as pages, serving() as issues:
        file = tmp_path / "access.yaml"
        file.write_text(
            CATALOGUE.read_text(encoding="utf-8")
            + f"""
schedules:
  paged: {{kind: pagerduty, id: PI7DH85, url: "{pages.url}"}}
  in-turn: {{kind: static, people: [maya], handover: {{day: mon, at: "09:00"}}, length: 7d}}
trackers:
  code: {{kind: github, repository: acme/payments, url: "{issues.url}"}}
  board: {{kind: jira, url: "{issues.url}"}}
"""
        )
        monkeypatch.setenv("PRODACCESS_CATALOGUE", str(file))
        for name, url in (("PAGERDUTY", pages.url), ("GITHUB", issues.url)):
            monkeypatch.setenv(f"PRODACCESS_SOURCE_{name}_TOKEN", f"hush-{name}")
            monkeypatch.setenv(f"PRODACCESS_SOURCE_{name}_HOST", urlsplit(url).netloc)
        pages.replies, issues.replies = [shape("pagerduty_one")], [json_reply({"id": 1})]
        assert cli.main(["doctor"]) == 1
        said = capsys.readouterr().out
        assert "ok   schedule paged (pagerduty) answers: 1 on call now" in said
        assert "ok   tracker code (github) answers\n" in said
        assert "BAD  tracker board (jira) answers: board has no token; give it one in PRODACCESS_SOURCE_BOARD" in said
        assert "in-turn" not in said
        assert "hush" not in said
        file.write_text("\n".join(line for line in file.read_text().splitlines() if "kind: jira" not in line))
        assert cli.main(["doctor"]) == 0
        pages.replies = [Reply(401)]
        assert cli.main(["doctor"]) == 1
        said = capsys.readouterr().out
        assert "BAD  schedule paged (pagerduty) answers: paged does not take our token (401)" in said
        assert {seen.method for seen in (*pages.seen, *issues.seen)} == {"GET"}


def test_a_command_loads_neither_the_local_workspace_nor_the_web_server() -> None:
    look = "import bot.cli, sys; print(*{'bot.demo', 'bot.serving', 'fastapi'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
