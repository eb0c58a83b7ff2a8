"""What goes without an approver: broken glass with the review that is owed for it, and what a budget allows."""

from datetime import timedelta

from bot.core.model import Way
from bot.sandbox.slack import screen
from bot.slack import ids
from tests.scenarios.company import APPROVALS, SECURITY
from tests.scenarios.harness import World, wait_for

GLASS = "/prodaccess emergency payments-prod 50m --break-glass the checkout is down and nobody answers"
NOW = "/prodaccess logs-now payments-prod 30m the checkout is failing"


def confirmed(world: World, who: str = "maya") -> str:
    """Type the code into the confirmation that is open; the request's id, which nobody had to approve."""
    visitor = world.visitor(who)
    visitor.wait_for_modal("exactly this")
    assert world.type_code(who).action == "update"
    visitor.wait_for_modal("It is being made now")
    visitor.close()
    (newest, *_) = world.service.parts.desk.queries.history(who, 1)
    return newest[0].id


def test_broken_glass_is_told_to_security_and_its_debt_is_paid_by_somebody_else(world: World) -> None:
    maya, ines = world.visitor("maya"), world.visitor("ines")
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="emergency")
    maya.wait_for_modal("Break glass: no approver, at most 1 h, reviewed within 12 h")
    maya.fill((ids.BREAK_GLASS, [ids.BREAK_GLASS]))
    maya.wait_for_modal("It starts at once")
    maya.fill(duration="50m", reason="the checkout is down and nobody answers")
    assert maya.submit().action == "push"
    assert "Nobody is asked first" in screen.words(maya.modal())
    request_id = confirmed(world)
    world.wait_for_grant(request_id, "active")
    assert world.cloud.terminal("maya", "logs-read") == "allowed"
    for channel in (SECURITY, None):
        words = screen.words(world.card("sam", request_id, channel, showing="Active"))
        for part in (
            "Glass broken",
            "<@U0MAYA>",
            "50",
            "the checkout is down and nobody answers",
            "Revoke",
            "I object",
        ):
            assert part in words
    # Not again, and not by her own word, by whatever account of hers.
    maya.command(GLASS)
    maya.wait_for_message(f"Your break-glass {request_id} has to be reviewed first")
    hers = world.visitor("maya's second account")
    hers.click(world.card("maya's second account", request_id, APPROVALS), ids.REVIEW_RIGHT)
    hers.wait_for_message("Nobody reviews their own access", APPROVALS)
    ines.click(world.card("ines", request_id, showing="Review owed"), ids.REVIEW_RIGHT)
    world.wait_for_audit("request.reviewed")
    maya.wait_for_message("Your broken glass was reviewed: it was right")
    world.card("sam", request_id, SECURITY, showing="Reviewed: it was right")
    maya.command(GLASS)
    maya.wait_for_modal("exactly this")
    assert [record["tag"] for record in world.audit("request.glass-broken", "request.approved")] == [
        "request.glass-broken",
        "request.approved",
    ]


def test_an_objection_is_told_and_a_review_that_nobody_gives_is_loud(socket_world: World) -> None:
    world = socket_world
    sam, maya = world.visitor("sam"), world.visitor("maya")
    maya.command(GLASS)
    request_id = confirmed(world)
    world.advance(timedelta(hours=13))
    sam.wait_for_message("A review is overdue", SECURITY)
    sam.wait_for_message("A review is overdue")
    sam.click(world.card("sam", request_id, SECURITY), ids.REVIEW_OBJECT)
    sam.wait_for_modal("What was not right")
    sam.fill(note="Olga was on call, and awake.")
    assert sam.submit().action == "clear"
    told = maya.wait_for_message("Somebody objects to your broken glass")
    assert "Olga was on call, and awake." in screen.words(told)
    wait_for(lambda: sum("objection" in screen.words(each) for each in sam.messages(SECURITY)) == 3, "three cards")
    assert [record["tag"] for record in world.audit("review.overdue", "request.reviewed")] == [
        "review.overdue",
        "request.reviewed",
    ]


def test_what_a_budget_allows_nobody_is_asked_and_after_that_the_approvers_are(world: World) -> None:
    maya, given = world.visitor("maya"), []
    for _ in range(2):
        maya.command(NOW)
        given.append(confirmed(world))
        world.wait_for_grant(given[-1], "active")
    for number, request_id in enumerate(given):
        card = world.card("ines", request_id, showing="Active")
        words = screen.words(card)
        assert "Approved without a word" in words
        assert f"{number} of at most 2 times in 1 d." in words
        assert {ids.APPROVE, ids.DENY}.isdisjoint(action for _, action in screen.usable(card))
        assert ids.REVOKE in {action for _, action in screen.usable(card)}
    third = world.ask(NOW)
    assert world.request(third).way is Way.APPROVERS
    world.approve(third, "ravi")
    world.wait_for_grant(third, "active")
    why = [record["data"].get("way", "approvers") for record in world.audit("request.approved")]
    assert why == ["automatic", "automatic", "approvers"]
