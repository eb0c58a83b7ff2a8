"""``prodaccess explain`` and ``prodaccess who-can``, as an operator uses them."""

from pathlib import Path

import pytest

from bot import cli

FILE = ["--file", str(Path(__file__).parents[1] / "bot" / "sandbox" / "demo" / "access.yaml")]


def run(*words: str) -> int:
    return cli.main([*words, *FILE])


def test_explain_says_what_is_refused_and_what_would_make_it_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "maya", "s3-write", "payments-prod", "8h") == 1
    said = capsys.readouterr().out
    assert "It would be refused." in said
    assert "✗  duration: 8 h is not within what is allowed here" in said
    assert "→ ask for 4 h or less" in said
    assert "…  ticket: s3-write wants a ticket such as PAY-123." in said
    assert "stage 1: 1 of Inès Moreau, Ravi Subramanian" in said
    assert "Taken for granted:" in said


def test_explain_ends_with_0_where_it_could_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run("explain", "maya", "ec2-restart", "payments-staging", "1h", "instance=i-0123456789", "--work", "deployment")
        == 0
    )
    said = capsys.readouterr().out
    assert "It could be asked for." in said
    assert "Instance: i-0123456789" in said
    assert "(deployment)" in said


def test_explain_of_another_time_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "maya", "s3-read", "payments-prod", "1h", "--at", "Sat 02:00") == 0
    assert ", Sat " in capsys.readouterr().out


def test_explain_of_several_accounts_is_of_each_and_of_all_together(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ("1h", "instance=i-0123456789", "--work", "deployment")
    assert run("explain", "maya", "ec2-restart", "payments-staging,payments-prod", *wanted) == 0
    said = capsys.readouterr().out
    assert "Maya Lindqvist asks for ec2-restart in payments-staging, ec2-restart in payments-prod for 1 h" in said
    assert "It could be asked for. All or nothing." in said
    assert said.count("work: Work: deployment.") == 1
    for account in ("payments-staging", "payments-prod"):
        own = said.partition(f"\nec2-restart in {account}:\n")[2]
        assert own.splitlines()[0] == f"  ✓  account: ec2-restart is offered in {account}."
        assert f"Who could approve ec2-restart in {account}:\n  stage 1: 1 of " in said


def test_explain_of_a_bundle_is_of_each_of_its_roles(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "access.yaml"
    bundle = "\nbundles:\n  day: {title: A day, roles: [{role: s3-read}, {role: s3-write}]}\n"
    file.write_text(Path(FILE[1]).read_text(encoding="utf-8") + bundle, encoding="utf-8")
    assert cli.main(["explain", "maya", "day", "payments-prod", "8h", "--file", str(file)]) == 1
    said = capsys.readouterr().out
    assert "It would be refused. All or nothing." in said
    own = said.partition("\ns3-write in payments-prod:\n")[2].partition("\n\n")[0]
    assert "✗  duration: 8 h is not within what is allowed here" in own
    assert "→ s3-write in payments-prod: ask for 4 h or less" in said


def test_who_can_says_who_and_which_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("who-can", "s3-write", "payments-prod", "--at", "Sat 02:00") == 0
    said = capsys.readouterr().out
    assert "Maya Lindqvist (maya)  s3-write in payments-prod, up to 4 h  approvers: 1 approve" in said
    assert "Ravi" not in said


def test_who_can_without_a_second_human_of_a_plain_catalogue_is_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("who-can", "--without-a-second-human") == 0
    assert "nobody without a second human" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["explain", "mya", "s3-write", "payments-prod", "1h"], "no person “mya”; did you mean maya?"),
        (["explain", "maya", "s3-writ", "payments-prod", "1h"], "no role “s3-writ”; did you mean s3-write?"),
        (["explain", "maya", "s3-write", "prod", "1h"], "no account “prod”"),
        (["explain", "maya", "s3-write", "payments-prod", "1"], "has no unit"),
        (["explain", "maya", "s3-write", "payments-prod", "1h", "bucket"], "write NAME=VALUE"),
        (["explain", "maya", "s3-write", "payments-prod", "1h", "--on-call", "rota"], "no schedule “rota”"),
        (["explain", "maya", "s3-write", "payments-prod", "1h", "--work", "fun"], "no kind of work “fun”"),
        (["explain", "maya", "s3-write", "payments-prod", "1h", "--at", "Sat 25:00"], "is no time of day"),
        (["who-can", "s3-write", "payments-prod", "--at", "soon"], "is not a start time"),
        (["who-can", "s3"], "no role “s3”"),
    ],
)
def test_what_is_not_there_is_said_in_plain_words(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 1
    said = capsys.readouterr().err
    assert said.startswith("prodaccess: ")
    assert says in said
