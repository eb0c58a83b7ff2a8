"""Who gains and who loses what between two catalogues. Pure."""

from bot.core.difference.compare import difference
from bot.core.difference.lines import Line, describe
from bot.core.difference.model import Change, Difference, Direction, Kind

__all__ = ["Change", "Difference", "Direction", "Kind", "Line", "describe", "difference"]
