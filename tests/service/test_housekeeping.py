"""The catalogue's signed digest in the log."""

from dataclasses import replace

from bot.service.housekeeping import note_catalogue
from bot.service.secretbox import CatalogueSigner, verify
from tests.service.world import World, at_once

SIGNER = CatalogueSigner({"k1": bytes(range(32))}, "k1")


def test_each_change_of_the_catalogue_is_logged_once_with_a_signature_that_holds(world: World) -> None:
    first, second = replace(world.catalogue, digest="a1" * 32), replace(world.catalogue, digest="b2" * 32)
    noted = [note_catalogue(world.store, catalogue, SIGNER) for catalogue in (first, first, second, first)]
    assert noted == [True, False, True, True]
    changes = [record["data"] for record in world.log() if record["tag"] == "catalogue.changed"]
    assert [(change["before"], change["digest"]) for change in changes] == [
        ("", first.digest),
        (first.digest, second.digest),
        (second.digest, first.digest),
    ]
    assert all(verify(change["digest"], change["signature"], SIGNER.public_key) for change in changes)


def test_twenty_replicas_log_a_new_catalogue_once(crowded_world: World) -> None:
    world = crowded_world
    for digest in ("a1" * 32, "b2" * 32):
        changed = replace(world.catalogue, digest=digest)
        noted = at_once([lambda catalogue=changed: note_catalogue(world.store, catalogue, SIGNER)] * 20)
        assert sum(noted) == 1
    assert world.tags("catalogue.") == ["catalogue.changed"] * 2
