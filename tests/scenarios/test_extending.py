"""Access is made longer once, before its end, by a fresh code, and by a fresh yes where the role says so."""

from datetime import timedelta

from bot.core.decisions import AHEAD
from bot.core.model import AccessRequest, Grant
from bot.sandbox.slack import screen
from bot.slack import ids
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import World, wait_for

APPROVED = "/prodaccess longer payments-prod 30m the export has to be followed to its end"
ALONE = "/prodaccess longer-alone payments-prod 30m the logs have to be followed to their end"


def further(world: World, grant: Grant) -> AccessRequest | None:
    """The request that makes it longer, as soon as there is one."""
    with world.service.parts.store.transaction() as tx:
        return next(iter(tx.extensions_of(grant.id)), None)


def extended(world: World, grant: Grant) -> AccessRequest:
    found: AccessRequest = wait_for(lambda: further(world, grant), "the request to go on")
    return found


def near_its_end(world: World, grant: Grant) -> None:
    world.advance(grant.expires_at - AHEAD - world.clock.now())


def written(world: World, *grants: Grant) -> bool:
    """Whether the cloud holds the policies of exactly these."""
    return set(world.cloud.policies("maya")) == {f"prodaccess-{grant.id}" for grant in grants}


def test_it_goes_on_without_a_gap_once_it_was_approved_anew(world: World) -> None:
    grant = world.granted(APPROVED)
    maya = world.visitor("maya")
    maya.click(maya.wait_for_message("You have access"), ids.EXTEND, value=grant.id)
    assert "It has to be approved anew" in screen.words(maya.wait_for_modal("Extend access"))
    maya.fill(duration="2h", reason="the export is half way through")
    assert "to 30 min" in world.type_code("maya").errors[ids.DURATION]
    maya.fill(duration="20m")
    assert world.type_code("maya").action == "update"
    maya.wait_for_modal("Sent.")
    maya.close()

    request = extended(world, grant)
    card = world.card("ines", request.id, APPROVALS, "Goes on from")
    assert f"`{grant.id}`" in str(card["blocks"])
    world.approve(request.id)
    maya.wait_for_message("Your access goes on")
    near_its_end(world, grant)
    new = world.wait_for_grant(request.id, "active")
    assert written(world, grant, new)
    assert (new.starts_at, new.expires_at - new.starts_at) == (grant.expires_at, timedelta(minutes=20))
    world.advance(AHEAD)
    world.wait_for_grant(grant.request_id, "ended")
    assert written(world, new)


def test_by_a_code_alone_where_the_role_says_so_and_only_once(world: World) -> None:
    grant = world.granted(ALONE)
    maya = world.visitor("maya")
    maya.open_home()
    maya.wait_for_home("Extend")
    maya.command("/prodaccess extend 10m the logs are still growing")
    assert grant.id in screen.words(maya.wait_for_modal("exactly this"))
    assert world.type_code("maya").action == "update"
    maya.wait_for_modal("Your access goes on")
    maya.close()
    maya.wait_for_home("Goes on for 10 min")
    request = extended(world, grant)
    assert (str(request.way), request.approvals) == ("extension", ())

    maya.command(f"/prodaccess extend {grant.id} 10m once more")
    maya.wait_for_message("was made longer once")
    maya.command("/prodaccess extend")
    maya.wait_for_message("nothing that can be made longer")
    near_its_end(world, grant)
    new = world.wait_for_grant(request.id, "active")
    world.advance(AHEAD)
    world.wait_for_grant(grant.request_id, "ended")
    assert written(world, new)


def test_what_was_to_go_on_ends_with_what_was_released(world: World) -> None:
    grant = world.granted(ALONE)
    maya = world.visitor("maya")
    maya.command(f"/prodaccess extend {grant.id} 10m the logs are still growing")
    maya.wait_for_modal("exactly this")
    assert world.type_code("maya").action == "update"
    maya.wait_for_modal("Your access goes on")
    maya.close()
    maya.command(f"/prodaccess release {grant.id}")
    ended = world.wait_for_grant(extended(world, grant).id, "ended")
    assert ended.granted_at is None
    maya.wait_for_message("The access that this goes on from was released.")
    near_its_end(world, grant)
    world.advance(AHEAD)
    world.wait_for_grant(grant.request_id, "ended")
    assert written(world)
