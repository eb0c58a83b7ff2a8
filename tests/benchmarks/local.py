"""1, second table: the same with the local Slack and the local AWS of ``prodaccess demo``."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bot.core.model import Catalogue
from bot.demo import manifest_app
from bot.sandbox.aws import LocalAws
from bot.sandbox.aws_seed import Keys
from bot.sandbox.slack.config import Behaviour, Secrets, SlackChannel, SlackPerson, Workspace
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.server import LocalSlack
from bot.slack import ids
from tests.benchmarks import clicks, company, stubs
from tests.benchmarks.bench import Bench
from tests.benchmarks.clicks import Taken
from tests.benchmarks.machine import Used, meter
from tests.benchmarks.processes import Replica, wait_until
from tests.benchmarks.report import Table
from tests.benchmarks.world import World, world
from tests.patience import PATIENT

NOTE = """As above, but Slack is the local workspace of prodaccess demo, in this process, and AWS is ministack,
which enforces IAM, in one of its own; both are far slower than what they stand for, and share the two cores with
the bot. N people press Approve on N cards, or type the command, at one instant. Click: until botocore is about to
send PutUserPolicy (AssumeRole for the grant's own session has been answered). Command: until the person sees the
modal."""


def run(bench: Bench) -> list[Table]:
    """Both databases, every size."""
    table = Table("1b", "Click and command, with the local Slack and the local AWS", NOTE)
    for database in bench.databases:
        with _worlds(bench, database) as (here, replica, slack):
            for size in bench.sizes.local_at_once:
                for name, work in (("click", _click), ("command", _command)):
                    taken = _rounds(bench, here, replica, lambda: work(here, replica, slack, size), size)  # noqa: B023
                    table.rows.append(clicks.row(bench, f"{here.place.name} {name}", size, taken))
    return [table]


@contextmanager
def _worlds(bench: Bench, database: str) -> Iterator[tuple[World, Replica, LocalSlack]]:
    with ExitStack() as stack:
        place = stack.enter_context(bench.place(database))
        slack, aws = stack.enter_context(LocalSlack(_workspace())), stack.enter_context(LocalAws(place.folder / "aws"))
        here = stack.enter_context(world(place, slack.url, aws.endpoint))
        keys = _seed(aws, here.parts.catalogue, max(bench.sizes.local_at_once))
        replica = stack.enter_context(here.replica(keys=keys))
        slack.deliver_over_http(f"{replica.url}/slack/events")
        yield here, replica, slack


def _workspace() -> Workspace:
    names = ["admin", *(name(n) for n in range(company.MOST_PEOPLE) for name in (company.engineer, company.manager))]
    people = tuple(SlackPerson(company.slack_id(name), name, name.title(), f"{name}@bench.example") for name in names)
    channels = [*company.CHANNELS, "C0SECURITY", "C0AUDIT"]
    return Workspace(
        people=people,
        channels=tuple(SlackChannel(channel, channel.lower()) for channel in channels),
        team_id=stubs.TEAM,
        secrets=Secrets(bot_token=company.BOT_TOKEN, signing_secret=company.SIGNING_SECRET),
        behaviour=Behaviour(**PATIENT),
        app=manifest_app(),
    )


def _seed(aws: LocalAws, catalogue: Catalogue, people: int) -> Keys:
    """Make the bot's own user, the broker role it assumes, and the engineers' users; the bot's keys."""
    tools = aws.root("iam", company.TOOLS_NUMBER)
    tools.create_user(UserName="bot")
    may_assume = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Resource": "*"}
    tools.put_user_policy(UserName="bot", PolicyName="assume", PolicyDocument=_document(may_assume))
    key = tools.create_access_key(UserName="bot")["AccessKey"]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{company.TOOLS_NUMBER}:user/bot"},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
    }
    may = {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}
    for account in catalogue.accounts.values():
        iam = aws.root("iam", account.number)
        iam.create_role(RoleName=company.BROKER, AssumeRolePolicyDocument=_document(trust))
        iam.put_role_policy(RoleName=company.BROKER, PolicyName="broker", PolicyDocument=_document(may))
    for number in range(people):
        iam = aws.root("iam", catalogue.accounts[company.account(number)].number)
        iam.create_user(UserName=company.user(number))
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


def _document(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _rounds(bench: Bench, here: World, replica: Replica, work: Callable[[], list[float]], size: int) -> Taken:
    taken = Taken([], [], 0.0, 0.0, Used())
    for number in range(clicks.rounds(bench.sizes.local_clicks, size) + 1):
        here.wait_until_quiet()
        before = clicks.talk([replica])
        with meter(here.place, [replica.pid]) as used:
            latencies = work()
        with meter(here.place, [replica.pid]) as after:
            here.wait_until_quiet()
        if number:  # the first warms up
            taken.latencies += latencies
            taken.talk += clicks.talk([replica]) - before
            taken.cpu += sum(used.ours) + sum(after.ours)
            taken.used = taken.used.plus(used)
    return taken


def _click(here: World, replica: Replica, slack: LocalSlack, size: int) -> list[float]:
    requests = [here.ask(number) for number in range(size)]
    here.prove(range(size))
    cards: dict[str, Json] = {}

    def all_posted() -> bool:
        cards.update(_cards(slack, requests))
        return len(cards) == size

    wait_until(all_posted, f"{size} cards", 600)
    here.wait_until_quiet()
    replica.put()

    def press(number: int) -> float:
        visitor, at = slack.visitor(company.slack_id(company.manager(number))), time.monotonic()
        visitor.click(cards[requests[number]], ids.APPROVE, value=requests[number])
        return at

    pressed = _together(size, press)
    called = clicks.by_request(here, clicks.calls([replica], size))
    latencies = [called[request_id] - at for request_id, at in zip(requests, pressed, strict=True)]
    here.wait_until_quiet()
    here.end_all()
    here.say_no_more()
    return latencies


def _cards(slack: LocalSlack, requests: list[str]) -> dict[str, Json]:
    """The approvers' cards in the channels by request."""
    found: dict[str, Json] = {}
    admin = slack.visitor(company.slack_id("admin"))
    for message in (message for channel in company.CHANNELS for message in admin.messages(channel)):
        for value in (element.get("value") for block in message["blocks"] for element in block.get("elements", ())):
            if value in requests:
                found[value] = message
    return found


def _command(_here: World, _replica: Replica, slack: LocalSlack, size: int) -> list[float]:
    def type_it(number: int) -> float:
        visitor, at = slack.visitor(company.slack_id(company.engineer(number))), time.monotonic()
        visitor.command("/prodaccess")
        visitor.wait_for_modal(timeout=60)
        took = time.monotonic() - at
        visitor.close()
        return took

    return _together(size, type_it)


def _together(count: int, work: Callable[[int], float]) -> list[float]:
    """What each gave, all of them begun at one instant."""
    gate, results = threading.Barrier(count), [0.0] * count

    def run_one(number: int) -> None:
        gate.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=run_one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
