"""``/prodaccess why``: a line's verdict, told to nobody else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import Ask, Item, Parameter, Way
from bot.core.policy import Asking, Explanation, Reason, StageView, TargetView, Verdict
from bot.core.rules import Auto, Caps, Stage
from bot.sandbox.slack.screen import words
from bot.service.explaining import Explained
from bot.slack.why import Question, _answer
from tests.core.examples import NOW
from tests.slack.conftest import OpenOffice
from tests.slack.office import MAYA, PEOPLE, READ, SAM, TOMAS, WRITE, Office, catalogue
from tests.slack.shapes import assert_slack_takes

FULL = "s3-read pay bucket=pay-logs 1h the nightly export is broken"
DAY = timedelta(days=1)
BUSY = replace(READ, id="busy", title="Look busy", caps=Caps(per_person=1), auto=Auto(2, DAY, on_call="rota"))


def told(office: Office, line: str, says: str, user: str = MAYA) -> str:
    """What this line is answered with, which says this."""
    visitor = office.visitor(user)
    before = len(visitor.messages())
    visitor.command(f"/prodaccess why {line}")
    visitor.wait_for(lambda: len(visitor.messages()) > before, what="an answer")
    said = words(visitor.messages()[-1])
    assert says in said
    return said


def test_a_line_that_would_pass_is_told_with_every_rule_and_who_could_approve(either_office: Office) -> None:
    said = told(either_office, FULL, "It could be asked for.")
    for part in (
        "You ask for *Read a bucket* in *Payments*",
        "To be approved by* <@U0INES> or <@U0RAVI>",
        "✓ s3-read is offered in pay.",
        "✓ Bucket: pay-logs",
        "At most 2\N{NO-BREAK SPACE}h*",
    ):
        assert part in said
    assert "✗" not in said
    assert not either_office.desk.queries.pending()


def test_a_line_that_would_be_refused_says_what_would_make_it_pass_first(office: Office) -> None:
    said = told(office, "s3-write pay bucket=pay-logs 9h", "It would be refused.")
    assert "→ Ask for 2 h or less" in said
    assert "… s3-write wants a ticket such as PAY-123." in said
    assert said.index("✗ 9 h is not within") < said.index("… ") < said.index("✓ ")


def test_of_several_it_is_one_verdict_with_each_target_by_its_name(office: Office) -> None:
    said = told(office, "s3-read pay,pay-test bucket=pay-logs 9h", "You ask for *Read a bucket* in *2 accounts*")
    assert said.count("It would be refused.") == 1
    assert said.count("→ Ask for 2 h or less") == 1
    for account in ("pay", "pay-test"):
        assert f"*s3-read in {account}*\n👥 *To be approved by* <@U0INES> or <@U0RAVI>" in said
        assert f"*s3-read in {account}*\n✓ s3-read is offered in {account}." in said


def test_a_length_may_be_left_out(office: Office) -> None:
    said = told(office, "s3-read pay incident bucket=pay-logs", "once the rest is filled in")
    assert "is within what is allowed" not in said
    assert "At most 1\N{NO-BREAK SPACE}d*" in said


def test_what_is_not_understood_is_told_with_how_to_write_it(office: Office) -> None:
    said = told(office, "s3-raed pay", "cannot be explained as it stands")
    assert "Did you mean s3-read?" in said
    assert "/prodaccess why ROLE ACCOUNT" in said
    assert "How long: " in told(office, "s3-read pay 2x", "not a unit")


def test_of_a_role_that_is_not_theirs_nobody_but_an_admin_learns_more(office: Office) -> None:
    said = told(office, "secret-role pay 1h", "There is no role “secret-role” that you may ask for")
    assert "ask” of secret-role" not in said
    said = told(office, "for=maya secret-role pay 1h", "It would be refused.", SAM)
    assert "→ Be named by “ask” of secret-role in access.yaml" in said


def test_admins_ask_for_somebody_else_and_others_do_not(office: Office) -> None:
    told(office, f"for=tomas {FULL}", "Only an admin may ask why for somebody else")
    for line in (f"for=tomas {FULL}", f"@tomas {FULL}", f"<@{TOMAS}> {FULL}", f"{FULL} for=TOMAS"):
        assert "Tomás Reis asks for *Read a bucket*" in told(office, line, "It could be asked for.", SAM)
    told(office, f"@nobody {FULL}", "There is nobody in access.yaml called “nobody”", SAM)


def test_what_nobody_could_say_is_told_beside_the_verdict(open_office: OpenOffice) -> None:
    office = open_office(BUSY)
    said = told(office, "busy pay bucket=pay-logs 1h", "It could be asked for")
    assert "✗ Maya Lind is not on call (rota)." in said
    assert "Who is on call (rota) is not known here" in said
    assert "no limit is reached" not in said  # counted, not taken for granted


@pytest.mark.parametrize("several", [1, 10])
def test_however_long_the_verdict_slack_takes_it_and_what_refuses_is_in_it(several: int) -> None:
    parameters = tuple(Parameter(f"p{number}", "P" * 75, ".*") for number in range(60))
    role = replace(WRITE, parameters=parameters, stages=(Stage(people=frozenset({"ines"})),) * 5)
    reasons = tuple(Reason("parameter", at == 59, f"{at} {'<&>' * 300}", f"p{at}") for at in range(60))
    more = tuple(Item(role.id, f"pay-{number}") for number in range(1, several))
    ask = Ask("maya", role.id, "pay", {}, "incident", DAY, "", more=more)
    crowd = (StageView("S" * 75, 3, PEOPLE[:1] * 99, PEOPLE[:1] * 99),) * 5
    targets = tuple(TargetView(item, reasons if more else (), (), crowd, DAY) for item in ask.items)
    found = Explanation(Verdict(reasons), (), reasons, targets, Way.APPROVERS, Verdict(()), ("x" * 900,) * 60)
    asking = Asking(catalogue(role), PEOPLE[0], ask, NOW)
    form = Question(asking.catalogue, PEOPLE[0], ask, is_own=True, has_length=True)
    tell = _answer(form, Explained(found, asking, (), asked=False))
    assert_slack_takes(tell.message)
    said = "\n".join(block["text"]["text"] for block in tell.message.blocks if block["type"] == "section")
    assert "✗ 0 &lt;" in said
    assert "more; `prodaccess explain` at a shell" in said
