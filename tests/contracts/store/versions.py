"""Versions of the catalogue come back as they went in; one at most is live, and one at most waits."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.versions import Standing, Version
from bot.service.ports import Store
from bot.service.records import StaleWrite
from tests.contracts.store.makers import HOUR, MINUTE, START, rolled_back, together


def version(version_id: str = "c1", **changes: Any) -> Version:
    values: dict[str, Any] = {
        "digest": f"{version_id}-digest",
        "before": "c0-digest",
        "content": "version: 1\n# ü\n",
        "standing": Standing.WAITING,
        "guarded": True,
        "seen_at": START,
    }
    return Version(version_id, **{**values, **changes})


class VersionsContract:
    def test_a_version_comes_back_as_it_was_saved(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_version(version())
        with store.transaction() as tx:
            assert tx.version("c1") == tx.version("c1", lock=True) == replace(version(), revision=1)
            assert tx.version("c2") is None

    def test_a_decided_version_comes_back_as_it_was_saved(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_version(version())
            seen = tx.version("c1")
            assert seen is not None
            decided = replace(
                seen, standing=Standing.LIVE, decided_at=START + HOUR, decided_by="grace", signature="ab" * 32
            )
            tx.save_version(decided)
        with store.transaction() as tx:
            assert tx.version("c1") == replace(decided, revision=2)

    def test_what_it_says_is_written_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_version(version())
            first = tx.version("c1")
            assert first is not None
            tx.save_version(replace(first, digest="x", before="y", content="z", guarded=False, seen_at=START + HOUR))
            assert tx.version("c1") == replace(first, revision=2)

    def test_an_old_revision_changes_nothing(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_version(version())
            old = tx.version("c1")
            assert old is not None
            tx.save_version(replace(old, standing=Standing.DENIED))
        with pytest.raises(StaleWrite, match="c1"), store.transaction() as tx:
            tx.save_version(replace(old, standing=Standing.LIVE))
        with store.transaction() as tx:
            assert tx.standing(Standing.LIVE) is None

    @pytest.mark.parametrize("standing", [Standing.LIVE, Standing.WAITING])
    def test_there_is_one_at_most(self, store: Store, standing: Standing) -> None:
        with store.transaction() as tx:
            tx.save_version(version("c1", standing=standing))
        with pytest.raises(StaleWrite, match="c2"), store.transaction() as tx:
            tx.save_version(version("c2", standing=standing))
        with store.transaction() as tx:
            assert tx.standing(standing) == tx.version("c1")
            first = tx.version("c1")
            assert first is not None
            tx.save_version(replace(first, standing=Standing.REPLACED))
            tx.save_version(version("c2", standing=standing))
            assert tx.standing(standing) == tx.version("c2")

    def test_those_that_were_replaced_are_as_many_as_there_were(self, store: Store) -> None:
        with store.transaction() as tx:
            for number in range(3):
                tx.save_version(version(f"c{number}", standing=Standing.REPLACED))
            assert tx.standing(Standing.REPLACED) is None

    def test_the_digests_of_the_live_one_and_of_the_one_that_waits(self, store: Store) -> None:
        with store.transaction() as tx:
            assert tx.standing_digests() == {}
            tx.save_version(version("c1", standing=Standing.LIVE))
            tx.save_version(version("c2", standing=Standing.DENIED))
            assert tx.standing_digests() == {Standing.LIVE: "c1-digest"}
            tx.save_version(version("c3"))
            assert tx.standing_digests() == {Standing.LIVE: "c1-digest", Standing.WAITING: "c3-digest"}

    def test_a_version_is_found_by_how_its_digest_begins_the_newest_first(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_version(version("c1", digest="abcdef", standing=Standing.DENIED, seen_at=START + MINUTE))
            tx.save_version(version("c2", digest="abcdef", standing=Standing.REPLACED))
            tx.save_version(version("c3", digest="ffffff", standing=Standing.REPLACED))
            found = [tx.version_of(digest) for digest in ("abcdef", "abc", "f", "fffffff", "_bcdef", "%")]
        assert [each.id if each else "" for each in found] == ["c1", "c1", "c3", "", "", ""]

    def test_what_was_rolled_back_is_not_there(self, store: Store) -> None:
        with rolled_back(store) as tx:
            tx.save_version(version())
        with store.transaction() as tx:
            assert tx.version("c1") is None
            assert tx.standing_digests() == {}

    def test_of_replicas_that_propose_at_once_one_does(self, store: Store) -> None:
        def propose(number: int) -> bool:
            try:
                with store.transaction() as tx:
                    tx.save_version(version(f"c{number}"))
            except StaleWrite:
                return False
            return True

        assert sum(together(8, propose)) == 1
