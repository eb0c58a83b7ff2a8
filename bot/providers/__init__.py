"""One module per way to grant, found by name through the entry-point group ``prodaccess.providers``."""

from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Final, cast

from bot.service.ports import CloudProvider

GROUP: Final = "prodaccess.providers"


def load(name: str, **deps: object) -> CloudProvider:
    """Make the provider that a role names; ``deps`` go to its constructor. Raises ValueError for an unknown name."""
    found = _installed()
    if name not in found.names:
        known = ", ".join(sorted(found.names)) or "none"
        raise ValueError(f"unknown provider {name!r}; installed: {known}")
    return cast(CloudProvider, found[name].load()(**deps))


@cache
def _installed() -> EntryPoints:
    """What is installed stays so while a process runs; looking reads the metadata of every package."""
    return entry_points(group=GROUP)
