"""access.yaml changes while the bot runs: in use, told, waiting for somebody's word, and under open requests."""

from bot.sandbox.slack import screen
from bot.slack import ids
from tests.scenarios.company import APPROVALS, SECURITY
from tests.scenarios.conftest import OpenWorld
from tests.scenarios.harness import World

MEMBERS = "engineers: [maya, tomas, nils]"
WITHOUT_MAYA = "engineers: [tomas, nils]"
RULE = "changes: {approve: {people: [sam, ines]}}\n"


def edit(world: World, before: str, after: str, looking: int = 2) -> None:
    """Edit the file under the running bot; it is noticed without waiting for the next tick."""
    text = world.catalogue.read_text(encoding="utf-8")
    assert text.count(before) == 1
    world.catalogue.write_text(text.replace(before, after), encoding="utf-8")
    for _ in range(looking):
        world.service.parts.reloading.look()


def test_a_change_counts_at_once_is_told_and_open_requests_are_looked_at_anew(world: World) -> None:
    request_id = world.ask()
    edit(world, MEMBERS, WITHOUT_MAYA)
    sam, ines = world.visitor("sam"), world.visitor("ines")
    told = screen.words(sam.wait_for_message("access.yaml has changed", SECURITY))
    assert "Maya Lindqvist (maya) may no longer ask for" in told
    ines.click(world.card("ines", request_id), ids.APPROVE, value=request_id)
    ines.wait_for_message("says something else than when this was asked", APPROVALS)
    assert world.is_pending(request_id)
    assert world.cloud.policies("maya") == {}
    edit(world, WITHOUT_MAYA, MEMBERS)
    world.approve(request_id)
    world.wait_for_grant(request_id, "active")
    changes = [record["data"] for record in world.audit("catalogue.changed")]
    assert len(changes) == 3
    assert changes[1]["digest"] == changes[2]["before"]
    assert changes[2]["digest"] == changes[1]["before"] == world.request(request_id).catalogue_digest


def test_a_change_waits_for_a_code_and_outlives_a_restart(world: World) -> None:
    edit(world, "groups:\n", f"{RULE}groups:\n")
    edit(world, MEMBERS, WITHOUT_MAYA)
    sam = world.visitor("sam")
    waiting = sam.wait_for_message("waits for approval", SECURITY)
    world.restart()
    assert "maya" in world.service.parts.catalogue.groups["engineers"]
    sam.click(waiting, ids.APPROVE_CHANGE)
    assert "Maya Lindqvist (maya) no longer in engineers" in screen.words(sam.wait_for_modal("in use from now on"))
    assert world.type_code("sam").action == "clear"
    sam.wait_for_message("approved by <@U0SAM>", SECURITY)
    assert "maya" not in world.service.parts.catalogue.groups["engineers"]
    world.restart()
    assert "maya" not in world.service.parts.catalogue.groups["engineers"]
    assert len([m for m in sam.messages(SECURITY) if "a change of access.yaml waits" in screen.words(m).lower()]) == 0
    assert [record["data"]["by"] for record in world.audit("catalogue.changed")][-1] == "sam"


def test_a_bad_file_keeps_what_was_there_and_a_start_with_it_does_too(world: World) -> None:
    edit(world, "admins: [sam]", "admins: [sami]")
    sam = world.visitor("sam")
    assert "did you mean sam?" in screen.words(sam.wait_for_message("access.yaml cannot be used", SECURITY))
    world.restart()
    assert world.service.parts.catalogue.admins == {"sam"}
    world.granted()


def test_a_replica_that_has_an_older_file_goes_by_the_newer_one(postgres_url: str, open_world: OpenWorld) -> None:
    world = open_world(database_url=postgres_url)
    old = world.catalogue.read_text(encoding="utf-8")
    first = world.service
    edit(world, "admins: [sam]", "admins: [sam, olga]")
    world.catalogue.write_text(old, encoding="utf-8")
    second = world.start()
    for _ in range(3):
        second.parts.reloading.look()
    first.parts.reloading.look()
    assert second.parts.catalogue.admins == first.parts.catalogue.admins == {"sam", "olga"}
    assert len(world.audit("catalogue.changed")) == 2
