"""Facts from outside, over HTTP: who is on call and what a tracker says of a ticket. See service.sources."""

from bot.sources.asking import Http
from bot.sources.schedules import Schedules
from bot.sources.tokens import Tokens
from bot.sources.trackers import Trackers

__all__ = ["Http", "Schedules", "Tokens", "Trackers"]
