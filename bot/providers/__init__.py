"""One module per way to grant, found by name through the entry-point group ``prodaccess.providers``."""

from importlib.metadata import entry_points
from typing import Final, cast

from bot.service.ports import CloudProvider

GROUP: Final = "prodaccess.providers"


def load(name: str, **deps: object) -> CloudProvider:
    """Make the provider that a role names; ``deps`` go to its constructor. Raises ValueError for an unknown name."""
    found = entry_points(group=GROUP)
    if name not in found.names:
        known = ", ".join(sorted(found.names)) or "none"
        raise ValueError(f"unknown provider {name!r}; installed: {known}")
    return cast(CloudProvider, found[name].load()(**deps))
