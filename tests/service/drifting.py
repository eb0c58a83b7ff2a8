"""What somebody does behind the bot's back, and how the tests wait for it to be noticed."""

import json
from dataclasses import replace

from bot.core.model import Grant
from bot.core.strays import Fate, Stray
from bot.service.cards import StrayCard
from bot.service.reconciling import PERIOD, SECOND_LOOK
from bot.service.records import Permission
from tests.core.examples import MINUTE, actor
from tests.service.world import World

SECURITY = "C-SECURITY"
ALICE = ("payments", "user/alice")
WIDE = '[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]'
PLANTED = json.dumps({"Version": "2012-10-17", "Statement": json.loads(WIDE)})


def permission(world: World, grant: Grant) -> Permission:
    found = world.access.permission(grant)
    assert found is not None
    return found


def take_away(world: World, grant: Grant) -> None:
    """Somebody deletes a live grant's policy."""
    world.cloud.remove(world.catalogue.accounts[grant.account], grant.principal, grant.id)


def alter(world: World, grant: Grant, policy: str = WIDE) -> None:
    """Somebody rewrites a live grant's policy."""
    world.cloud.tamper(replace(permission(world, grant), policy=policy))


def looked_once(world: World) -> None:
    """The first look is over; nothing was looked at twice."""
    world.clock.move(2 * MINUTE)
    world.reconciling.begin()
    world.run()


def looked(world: World) -> None:
    """Looked at twice, and acted on; cards are posted."""
    looked_once(world)
    world.later(SECOND_LOOK, "access", "chat")
    world.run()
    world.run("chat")


def looked_by_itself(world: World) -> None:
    """As the service does it, with nobody asking."""
    world.later(PERIOD)
    world.later(SECOND_LOOK, "access", "chat")
    world.run()


def settled(world: World) -> None:
    """What was decided is done."""
    world.run()
    world.later(MINUTE)
    world.run("chat")


def strays(world: World) -> tuple[Stray, ...]:
    """Those that are not settled."""
    return world.strays.unsettled()


def only_stray(world: World) -> Stray:
    (stray,) = strays(world)
    return stray


def stray(world: World, stray_id: str) -> Stray:
    with world.store.transaction() as tx:
        found = tx.stray(stray_id)
    assert found is not None
    return found


def cards(world: World) -> list[list[StrayCard]]:
    """Every stray's card in the security channel, with all that it showed."""
    shown = [[card for card in m.shows if isinstance(card, StrayCard)] for m in world.chat.to(SECURITY)]
    return [card for card in shown if card]


def decide(world: World, stray: Stray, fate: Fate, by: str = "sam", *, code: bool = True) -> object:
    """As from the card; with a code where one is wanted."""
    typed = world.code(by) if code else ""
    return world.strays.decide(stray.id, fate, world.person(by), actor(by), typed)


def planted(world: World, name: str = "prod-fix", where: tuple[str, str] = ALICE, text: str = PLANTED) -> Stray:
    """Somebody put a policy of their own under our name, and it was noticed."""
    world.cloud.plant(*where, name, text)
    looked(world)
    return only_stray(world)


def altered(world: World) -> tuple[Grant, Stray]:
    """Somebody rewrote a live grant's policy, and it was noticed."""
    grant = world.granted()
    alter(world, grant)
    looked(world)
    return grant, only_stray(world)


def writes(world: World) -> list[tuple[str, str]]:
    """What the cloud was asked to change: (operation, name)."""
    return [
        (c.operation, c.grant_id) for c in world.cloud.calls if c.operation in {"grant", "revoke", "remove", "deny"}
    ]
