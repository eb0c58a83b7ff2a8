"""Several targets in one request, and bundles: one card, a grant each, all or none."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from bot.sandbox.slack import screen
from bot.slack import ids
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import Cloud, World, wait_for

NUMBERS = ("111111111111", "222222222222", "333333333333")
THREE = "/prodaccess machines-look payments-prod,payments-staging, data-prod 1h the queue is stuck in all of them"


def statuses(world: World, request_id: str) -> list[str]:
    return [str(grant.status) for grant in sorted(world.grants_of(request_id), key=lambda grant: grant.item)]


def policies(world: World) -> list[int]:
    return [len(world.cloud.policies("tomas", number)) for number in NUMBERS]


def told(world: World, who: str, words: str) -> int:
    return sum(words in screen.words(message) for message in world.visitor(who).messages(None))


@contextmanager
def without_the_right_to_put(cloud: Cloud, number: str) -> Iterator[None]:
    """The broker of one account may give nothing any more."""
    iam, name = cloud.aws.root("iam", number), "nothing-more"
    statement = {"Effect": "Deny", "Action": "iam:PutUserPolicy", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="prodaccess-broker", PolicyName=name, PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName="prodaccess-broker", PolicyName=name)


def test_three_accounts_on_one_card_are_given_told_of_and_released_together(world: World) -> None:
    tomas, request_id = world.visitor("tomas"), world.ask(THREE, "tomas")
    card = screen.words(world.card("ines", request_id))
    assert "3 accounts" in card
    assert all(number in card for number in NUMBERS)
    world.approve(request_id)
    message = tomas.wait_for_message("You have access")
    assert statuses(world, request_id) == ["active"] * 3
    assert policies(world) == [1, 1, 1]
    tomas.click(message, ids.RELEASE, value=request_id)
    tomas.wait_for_message("Your access has ended")
    assert policies(world) == [0, 0, 0]
    world.card("ines", request_id, APPROVALS, "ended: released")
    assert (told(world, "tomas", "You have access"), told(world, "tomas", "Your access has ended")) == (1, 1)


def test_where_one_account_gives_nothing_none_is_kept(world: World) -> None:
    tomas, request_id = world.visitor("tomas"), world.ask(THREE, "tomas")
    with without_the_right_to_put(world.cloud, "333333333333"):
        world.approve(request_id)
        failed = screen.words(tomas.wait_for_message("Your access could not be granted"))
    assert "machines-look in data-prod could not be given" in failed
    assert statuses(world, request_id) == ["ended"] * 3
    assert policies(world) == [0, 0, 0]
    assert told(world, "tomas", "You have access") == 0


def test_a_bundle_waits_for_the_approvers_of_each_of_its_roles_and_is_revoked_with_one_note(world: World) -> None:
    tomas = world.visitor("tomas")
    tomas.command("/prodaccess")
    modal = tomas.wait_for_modal("Request access")
    offered = {option["value"]: option["text"]["text"] for option in tomas.options(modal, "role", "incident")}
    assert offered == {"payments-incident": "📦 Incident in payments (2 roles)"}
    tomas.fill(role="payments-incident")
    tomas.wait_for_modal("Year")
    tomas.fill(Year="2026", duration="30m", reason="The settlement does not add up")
    assert tomas.submit().action == "push"
    tomas.submit()
    tomas.wait_for_modal("Sent.")
    tomas.close()
    (request_id,) = [request.id for request in world.pending()]

    world.visitor("ines").click(world.card("ines", request_id), ids.APPROVE)
    world.card("ines", request_id, APPROVALS, "said yes")
    assert world.grants_of(request_id) == ()
    world.approve(request_id, "sam")
    tomas.wait_for_message("You have access")
    assert statuses(world, request_id) == ["active"] * 2

    sam = world.visitor("sam")
    sam.click(world.card("sam", request_id, APPROVALS, "Active"), ids.REVOKE, value=request_id)
    assert "This ends *2* of its 2 grants" in screen.words(sam.wait_for_modal("holds"))
    sam.fill(note="It was found")
    assert sam.submit().action == "clear"
    wait_for(lambda: statuses(world, request_id) == ["ended"] * 2, "the end of both")
    assert {grant.end_note for grant in world.grants_of(request_id)} == {"It was found"}
    assert policies(world) == [0, 0, 0]
