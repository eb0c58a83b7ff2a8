"""A ticket that is kept elsewhere: while it is open there is access, and when it is closed there is none."""

from datetime import timedelta

from bot.sandbox.slack import screen
from bot.service.watching import LOOK_EVERY
from bot.settings import Secret
from tests.contracts.sources import host_of
from tests.scenarios.harness import World
from tests.sources.stub import serving, shape

TOKEN = "bot@shopworks.example:ATATT3-nobody-sees-me"


def test_closing_the_ticket_ends_the_access(socket_world: World) -> None:
    world = socket_world
    with serving() as jira:
        jira.replies = [shape("jira_open")]
        world.source_tokens["JIRA"], world.source_hosts["JIRA"] = Secret(TOKEN), host_of(jira.url)
        world.secrets.texts.add(TOKEN)
        tracker = f"trackers:\n  jira: {{kind: jira, url: {jira.url!r}}}\n"
        text = world.catalogue.read_text(encoding="utf-8").replace(
            "hint: PAY-123}", "hint: PAY-123, tracker: jira, must_be_open: true, ends_access: true}"
        )
        world.catalogue.write_text(text + tracker, encoding="utf-8")
        world.restart()

        line = "/prodaccess s3-write payments-prod bucket=payments-logs 1h PAY-231 settle what failed last night"
        grant = world.granted(line)
        assert world.cloud.policies("maya")

        jira.replies = [shape("jira_closed")]
        world.clock.advance(LOOK_EVERY + timedelta(seconds=1))
        ended = world.wait_for_grant(grant.request_id, "ended")
        assert (str(ended.end_reason), ended.ended_by) == ("revoked", "prodaccess")
        told = screen.words(world.visitor("maya").wait_for_message("Your access has ended"))
        assert "Its ticket PAY-231 was closed." in told
        assert "revoked by prodaccess" in told
        assert not world.cloud.policies("maya")
        assert {seen.path for seen in jira.seen} == {"/rest/api/3/issue/PAY-231"}
