"""What access.yaml says becomes what is in use: once, everywhere, and never by half a file or an old one."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bot.catalogue import File
from bot.core.versions import Standing, Step, Version, next_step
from bot.service.current import InUse
from bot.service.ports import Store
from bot.service.records import BadCatalogue, ForgedCatalogue, StoreUnavailable
from bot.service.reloading import NOT_OURS, STALE, UNREADABLE
from bot.service.secretbox import verify
from bot.store import open_store
from tests.core.examples import CATALOGUE, NOW
from tests.service.replicas import BASE, DEMO, MakeReplica, Replica, effects_of, log_of, tags_of, with_admins
from tests.service.world import at_once

TWO = with_admins("sam", "ines")
THREE = with_admins("sam", "ines", "maya")


# --- one replica -----------------------------------------------------------------------------------------


def test_the_very_first_start_takes_the_file_logs_it_and_tells_nobody(replica: MakeReplica, store: Store) -> None:
    first = replica()
    assert (first.admins, first.problem) == ({"sam"}, "")
    (logged,) = log_of(store)
    assert (logged["tag"], logged["data"]["before"]) == ("catalogue.changed", "")
    assert effects_of(store, "chat.catalogue") == 0


def test_an_edit_is_in_use_and_logged_with_what_it_changes_and_a_signature_that_holds(
    replica: MakeReplica, store: Store
) -> None:
    one = replica()
    one.takes(TWO)
    assert one.admins == {"sam", "ines"}
    change = log_of(store)[-1]["data"]
    assert (change["before"], change["digest"]) == (one.meaning(BASE).digest, one.meaning(TWO).digest)
    assert change["counts"] == {"gained.admin": 1}
    assert verify(change["digest"], change["signature"], change["public_key"])
    assert effects_of(store, "chat.catalogue") == 1


def test_what_a_file_says_once_may_be_half_of_it_and_is_not_used(replica: MakeReplica, store: Store) -> None:
    one = replica()
    one.says(THREE)
    one.looks(1)
    assert one.admins == {"sam"}
    one.says(TWO)
    one.looks(1)
    assert one.admins == {"sam"}
    one.looks(1)
    assert one.admins == {"sam", "ines"}
    assert len(log_of(store)) == 2


def test_an_edit_that_keeps_size_and_times_is_seen(replica: MakeReplica) -> None:
    one = replica()
    before = one.file.stat()
    one.says(BASE.replace("[sam]", "[ivo]").replace("  sam:", "  ivo:"))
    os.utime(one.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert one.file.stat().st_size == before.st_size
    one.looks()
    assert one.admins == {"ivo"}


def test_the_symlinks_of_a_mounted_config_map_may_be_swapped(replica: MakeReplica, tmp_path: Path) -> None:
    for name, text in (("v1", BASE), ("v2", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "access.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "access.yaml").symlink_to("..data/access.yaml")
    one = replica(file=tmp_path / "access.yaml")
    (tmp_path / "..data_tmp").symlink_to("v2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    one.looks()
    assert one.admins == {"sam", "ines"}


def test_sighup_reads_the_file_at_once(replica: MakeReplica) -> None:
    one = replica()
    one.says(TWO)
    one.reloading.reload()
    assert one.admins == {"sam", "ines"}


def test_a_change_of_words_and_comments_only_is_no_change(replica: MakeReplica, store: Store) -> None:
    one = replica()
    one.takes("# A comment.\n" + BASE)
    assert (len(log_of(store)), one.problem) == (1, "")


# --- files that cannot be used ---------------------------------------------------------------------------

BROKEN = {
    "half written": BASE[: BASE.index("admins:") + 3],
    "empty": "",
    "no YAML": "version: [1",
    "an unknown person": with_admins("nobody"),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_bad_file_keeps_the_old_one_says_so_once_and_heals(text: str, replica: MakeReplica, store: Store) -> None:
    one, two = replica(), replica()
    for each in (one, two):
        each.takes(text)
        assert (each.admins, each.problem) == ({"sam"}, UNREADABLE)
        each.looks(5)
    assert tags_of(store) == ["catalogue.changed", "catalogue.unreadable"]
    assert effects_of(store, "chat.catalogue-unreadable") == 1
    one.takes(TWO)
    assert (one.admins, one.problem) == ({"sam", "ines"}, "")


def test_each_bad_file_is_told_of_and_the_one_before_may_come_back(replica: MakeReplica, store: Store) -> None:
    one = replica()
    for text in BROKEN.values():
        one.takes(text)
    assert effects_of(store, "chat.catalogue-unreadable") == len(BROKEN)
    one.takes(BASE)
    assert (one.admins, one.problem) == ({"sam"}, "")
    assert tags_of(store).count("catalogue.changed") == 1


def test_a_file_that_is_gone_keeps_the_old_one(replica: MakeReplica, store: Store) -> None:
    one = replica()
    one.file.unlink()
    one.looks()
    assert (one.admins, one.problem) == ({"sam"}, UNREADABLE)
    assert effects_of(store, "chat.catalogue-unreadable") == 1


def test_a_start_with_a_bad_file_goes_by_what_was_live(replica: MakeReplica) -> None:
    replica().takes(TWO)
    late = replica("version: [1")
    assert (late.admins, late.problem) == ({"sam", "ines"}, UNREADABLE)


def test_a_very_first_start_with_a_bad_file_is_refused(replica: MakeReplica) -> None:
    with pytest.raises(BadCatalogue, match="problem"):
        replica("version: [1")


# --- many replicas ---------------------------------------------------------------------------------------


def test_the_others_follow_and_it_is_logged_and_told_once(replica: MakeReplica, store: Store) -> None:
    one, two = replica(), replica()
    one.takes(TWO)
    two.looks(1)
    assert two.admins == {"sam", "ines"}
    assert two.problem == STALE
    two.takes(TWO)
    assert two.problem == ""
    assert tags_of(store) == ["catalogue.changed"] * 2
    assert effects_of(store, "chat.catalogue") == 1


def test_a_replica_with_an_older_file_never_brings_back_what_was_replaced(replica: MakeReplica, store: Store) -> None:
    newest = replica()
    for text in (TWO, THREE):
        newest.takes(text)
    late = replica(BASE)
    late.takes(TWO)  # its files come one after the other, late
    for each in (newest, late, replica(TWO)):
        each.looks()
        assert each.admins == {"sam", "ines", "maya"}
    assert len(log_of(store)) == 3
    assert late.problem == STALE


def test_who_has_the_newest_file_may_go_back_by_editing_it(replica: MakeReplica, store: Store) -> None:
    one, two = replica(), replica()
    for each in (one, two):
        each.takes(TWO)
    one.takes(BASE)
    two.looks()
    assert one.admins == two.admins == {"sam"}
    two.takes(BASE)
    assert len(log_of(store)) == 3


def test_sighup_takes_an_older_file_all_the_same(replica: MakeReplica) -> None:
    replica().takes(TWO)
    late = replica(BASE)
    assert late.admins == {"sam", "ines"}
    late.reloading.reload()
    assert (late.admins, late.problem) == ({"sam"}, "")


def test_who_is_alone_takes_an_older_file_at_the_start(replica: MakeReplica) -> None:
    replica(alone=True).takes(TWO)
    assert replica(BASE, alone=True).admins == {"sam"}


def test_twenty_replicas_that_see_a_new_file_at_once_log_and_tell_it_once(postgres_url: str, tmp_path: Path) -> None:
    store = open_store(postgres_url, pool_size=40)
    replicas = at_once([lambda n=n: Replica(store, tmp_path / f"{n}.yaml") for n in range(20)])
    for text in (TWO, BASE):
        at_once([lambda each=each: each.takes(text) for each in replicas])  # noqa: B023
        at_once([lambda each=each: each.looks() for each in replicas])
        assert len({frozenset(each.admins) for each in replicas}) == 1
    assert tags_of(store) == ["catalogue.changed"] * 3
    assert effects_of(store, "chat.catalogue") == 2
    store.close()


LIVE = Version("c1", "live", "", "", Standing.LIVE, guarded=False, seen_at=NOW)
GUARDED = replace(LIVE, guarded=True)
WAITING = replace(LIVE, id="c2", digest="next", standing=Standing.WAITING, before="live")
OLD = replace(LIVE, id="c0", digest="old", standing=Standing.REPLACED)
DENIED = replace(OLD, standing=Standing.DENIED, before="live")

STEPS = {
    "the very first": ("new", {"live": None}, Step.TAKE),
    "what is live": ("live", {"live": LIVE}, Step.NOTHING),
    "something new": ("new", {"live": LIVE}, Step.TAKE),
    "something new, guarded": ("new", {"live": GUARDED}, Step.PROPOSE),
    "what waits": ("next", {"live": GUARDED, "waiting": WAITING}, Step.NOTHING),
    "something newer than what waits": ("new", {"live": GUARDED, "waiting": WAITING}, Step.PROPOSE),
    "back to what is live, by who proposed": (
        "live",
        {"live": GUARDED, "waiting": WAITING, "known": GUARDED, "own": "next"},
        Step.WITHDRAW,
    ),
    "what is live, by who is behind": (
        "live",
        {"live": GUARDED, "waiting": WAITING, "known": GUARDED, "own": "live"},
        Step.STALE,
    ),
    "an old one at a start": ("old", {"live": LIVE, "known": OLD}, Step.STALE),
    "an old one by who is behind": ("old", {"live": LIVE, "known": OLD, "own": "older"}, Step.STALE),
    "an old one by who has the newest": ("old", {"live": LIVE, "known": OLD, "own": "live"}, Step.TAKE),
    "an old one by who is told": ("old", {"live": LIVE, "known": OLD, "told": True}, Step.TAKE),
    "what was denied": ("old", {"live": GUARDED, "known": DENIED, "own": "live"}, Step.STALE),
    "what was denied, told": ("old", {"live": GUARDED, "known": DENIED, "told": True}, Step.PROPOSE),
    "what was denied in another place": (
        "old",
        {"live": GUARDED, "known": replace(DENIED, before="other"), "own": "live"},
        Step.PROPOSE,
    ),
}


@pytest.mark.parametrize(("digest", "given", "step"), STEPS.values(), ids=STEPS)
def test_what_a_file_changes(digest: str, given: dict[str, object], step: Step) -> None:
    facts = {"waiting": None, "known": None, **given}
    assert next_step(digest, **facts) is step  # type: ignore[arg-type]


# --- what the database says ------------------------------------------------------------------------------


def tamper(store: Store, **changes: object) -> None:
    """Change the live version in the database, as somebody would who can write there."""
    with store.transaction() as tx:
        live = tx.standing(Standing.LIVE)
        assert live is not None
        tx.save_version(replace(live, standing=Standing.REPLACED))
        tx.save_version(replace(live, id="c-forged", revision=0, **changes))


@pytest.mark.parametrize("forged", ["content", "both", "guarded"])
def test_what_this_installation_did_not_put_there_is_not_gone_by(
    forged: str, replica: MakeReplica, store: Store
) -> None:
    one = replica()
    digest = one.meaning(TWO).digest
    changes = {"content": {"content": TWO}, "both": {"content": TWO, "digest": digest}, "guarded": {"guarded": True}}
    tamper(store, **changes[forged])
    one.looks()
    assert one.admins == {"sam"}
    with pytest.raises(ForgedCatalogue):
        replica(TWO)


def test_content_that_is_not_what_its_digest_stands_for_is_not_gone_by(replica: MakeReplica, store: Store) -> None:
    one = replica()
    with store.transaction() as tx:
        live = tx.standing(Standing.LIVE)
    assert live is not None
    assert one.catalogues.catalogue_of(live).admins == {"sam"}
    with pytest.raises(ForgedCatalogue, match="does not say what its digest stands for"):
        one.catalogues.catalogue_of(replace(live, content=TWO))


def test_a_running_replica_says_that_it_does_not_go_by_it(replica: MakeReplica, store: Store) -> None:
    one = replica()
    tamper(store, content=TWO, digest=one.meaning(TWO).digest)
    one.takes(THREE)
    assert (one.admins, one.problem) == ({"sam"}, NOT_OURS)


def test_what_was_signed_with_an_older_key_is_gone_by_and_signed_anew(replica: MakeReplica, store: Store) -> None:
    replica(TWO)
    assert replica(TWO, key="k2").admins == {"sam", "ines"}
    with store.transaction() as tx:
        live = tx.standing(Standing.LIVE)
    assert live is not None
    assert verify(live.signed, live.signature, replica(TWO, key="k2").catalogues.signer.public_key)


def test_what_was_live_before_versions_were_kept_is_taken_without_a_word(replica: MakeReplica, store: Store) -> None:
    with store.transaction() as tx:
        tx.set_fact("catalogue.digest", File(DEMO).parse(BASE).digest)
    replica()
    assert log_of(store) == []


class AwayStore:
    """A store that can go away."""

    def __init__(self, store: Store) -> None:
        self.store, self.away = store, False

    def __getattr__(self, name: str) -> object:
        if self.away:
            raise StoreUnavailable("connection refused")
        return getattr(self.store, name)


def test_while_the_database_is_away_nothing_changes_and_nothing_is_forgotten(
    store: Store, replica: MakeReplica, tmp_path: Path
) -> None:
    away = AwayStore(store)
    one = Replica(away, tmp_path / "away.yaml")  # type: ignore[arg-type]
    one.says(TWO)
    one.looks(1)
    away.away = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            one.reloading.look()
    assert one.admins == {"sam"}
    away.away = False
    one.looks(1)
    assert one.admins == {"sam", "ines"}


# --- in use ----------------------------------------------------------------------------------------------


def test_work_that_has_begun_goes_by_one_catalogue_to_its_end() -> None:
    other = replace(CATALOGUE, digest="catalogue-2")
    in_use, seen = InUse(CATALOGUE), []

    def work() -> None:
        seen.append(in_use().digest)
        in_use.swap(other)
        seen.append(in_use().digest)
        in_use.pinned(lambda: seen.append(in_use().digest))()
        elsewhere = threading.Thread(target=lambda: seen.append(in_use().digest))
        elsewhere.start()
        elsewhere.join()

    in_use.pinned(work)()
    assert seen == ["catalogue-1", "catalogue-1", "catalogue-1", "catalogue-2"]
    assert in_use().digest == "catalogue-2"


def test_work_that_fails_leaves_nothing_pinned() -> None:
    in_use = InUse(CATALOGUE)

    def work() -> None:
        in_use.swap(replace(CATALOGUE, digest="catalogue-2"))
        raise ValueError("it failed")

    with pytest.raises(ValueError, match="it failed"):
        in_use.pinned(work)()
    assert in_use().digest == "catalogue-2"
