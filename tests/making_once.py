"""What every world makes anew although it comes out the same: made once for each process of the test run.

Hundreds of tests start the whole service; a third of what that took was to compile the same statements, to build the
classes of the same AWS clients and to read the same access.yaml. In production a process does each of these once too.
"""

import functools
import importlib
from typing import Any

import sqlalchemy as sa
from botocore.client import ClientCreator
from botocore.loaders import JSONFileLoader
from sqlalchemy.util import LRUCache

from bot.core.model import Catalogue

_MOST_STATEMENTS = 2_000
_MOST_CATALOGUES = 50


class _Statements(LRUCache[Any, Any]):
    """Compiled statements, shared by all engines for one kind of database: the key's first part is whose they are."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_any_engine(key), value)


def _of_any_engine(key: Any) -> Any:
    return (type(key[0]), *key[1:])


def share_statements() -> None:
    """From now on, between engines."""
    create = sa.create_engine
    shared: dict[str, _Statements] = {}

    def create_sharing(*args: Any, **settings: Any) -> sa.Engine:
        engine = create(*args, **settings)
        engine._compiled_cache = shared.setdefault(engine.dialect.name, _Statements(_MOST_STATEMENTS))
        return engine

    sa.create_engine = create_sharing


def share_client_classes() -> None:
    """From now on, between clients of one AWS service."""
    create = ClientCreator._create_client_class
    known: dict[str, type] = {}

    def create_once(creator: ClientCreator, service_name: str, service_model: Any) -> type:
        if service_name not in known:
            known[service_name] = create(creator, service_name, service_model)
        return known[service_name]

    ClientCreator._create_client_class = create_once


def share_service_data() -> None:
    """From now on, between AWS sessions: what botocore reads of services and endpoints, a megabyte for each session."""
    JSONFileLoader.load_file = staticmethod(functools.cache(JSONFileLoader().load_file))


def share_catalogues() -> None:
    """From now on, between files that say the same; what is wrong with one names the file, and is found each time."""
    load = importlib.import_module("bot.catalogue.load")  # the package has a function of this name
    parse = load._parsed
    known: dict[str, Catalogue] = {}

    def parse_once(text: str, file: str) -> Catalogue:
        if text not in known:
            while len(known) >= _MOST_CATALOGUES:
                known.popitem()
            known[text] = parse(text, file)
        return known[text]

    load._parsed = parse_once
