"""The HTTP edge: health, metrics, Slack over HTTP, and the one-time page of an enrolment."""

from bot.web.health import Readiness
from bot.web.metrics import StoreCollector, new_registry
from bot.web.server import CannotListen, serve
from bot.web.site import build

__all__ = ["CannotListen", "Readiness", "StoreCollector", "build", "new_registry", "serve"]
