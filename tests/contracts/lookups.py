"""What every provider keeps to that lists choices and knows owners. Inherit and give it a ``shelf``."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from bot.core.lookups import Choice, LookUp, LookUpKind
from bot.core.model import Account, Role, Statement
from bot.service.ports import KnowsOwners, LooksUp
from tests.contracts.provider import ROLE

INSTANCES = LookUpKind.INSTANCES


@dataclass(frozen=True)
class Shelf:
    """A provider, and an account with two buckets and two instances; ``owned`` has the tag ``owner: maya``."""

    provider: object
    account: Account
    other: Account
    """Without any of these."""
    owned: str
    unowned: str
    instances: Mapping[str, str]
    """By their names; both are tagged ``service: checkout``, nothing else is."""

    @property
    def looks(self) -> LooksUp:
        assert isinstance(self.provider, LooksUp)
        return self.provider

    @property
    def owners(self) -> KnowsOwners:
        assert isinstance(self.provider, KnowsOwners)
        return self.provider


def role(*resources: str) -> Role:
    return replace(ROLE, statements=(Statement(("s3:GetObject",), resources),))


BUCKET = role("arn:aws:s3:::{bucket}", "arn:aws:s3:::{bucket}/app/*")


class LookUpContract:
    """The ports' promises."""

    @pytest.fixture
    def shelf(self) -> Shelf:
        raise NotImplementedError

    def test_what_there_is_is_listed_in_its_order(self, shelf: Shelf) -> None:
        found = shelf.looks.look_up(shelf.account, LookUp(LookUpKind.BUCKETS))
        assert {Choice(shelf.owned), Choice(shelf.unowned)} <= set(found)
        assert list(found) == sorted(found)

    def test_one_account_s_are_not_another_s(self, shelf: Shelf) -> None:
        found = shelf.looks.look_up(shelf.other, LookUp(LookUpKind.BUCKETS))
        assert not {shelf.owned, shelf.unowned} & {choice.value for choice in found}

    def test_what_people_call_it_is_told_beside_its_id(self, shelf: Shelf) -> None:
        found = shelf.looks.look_up(shelf.account, LookUp(INSTANCES))
        assert {Choice(instance, name) for name, instance in shelf.instances.items()} <= set(found)

    def test_only_what_carries_all_of_the_tags_is_listed(self, shelf: Shelf) -> None:
        found = shelf.looks.look_up(shelf.account, LookUp(INSTANCES, (("service", "checkout"),)))
        assert {choice.value for choice in found} == set(shelf.instances.values())
        name = next(iter(shelf.instances))
        both = LookUp(INSTANCES, (("Name", name), ("service", "checkout")))
        assert shelf.looks.look_up(shelf.account, both) == (Choice(shelf.instances[name], name),)
        assert shelf.looks.look_up(shelf.account, LookUp(INSTANCES, (("service", "check*"),))) == ()

    def test_the_owner_is_what_the_tag_of_the_named_resource_says(self, shelf: Shelf) -> None:
        params = {"bucket": shelf.owned}
        assert shelf.owners.owner(shelf.account, BUCKET, params, "bucket", "owner") == "maya"
        assert shelf.owners.owner(shelf.account, BUCKET, params, "bucket", "Owner") == ""

    def test_what_has_no_owner_or_is_not_there_has_none(self, shelf: Shelf) -> None:
        for bucket in (shelf.unowned, "no-such-bucket-anywhere"):
            assert shelf.owners.owner(shelf.account, BUCKET, {"bucket": bucket}, "bucket", "owner") == ""
        assert shelf.owners.owner(shelf.other, BUCKET, {"bucket": shelf.owned}, "bucket", "owner") == ""
