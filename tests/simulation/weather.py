"""What goes wrong outside, drawn from the history's random numbers: until it heals."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

from bot.providers.fake import Fault
from tests.simulation.clock import Time

SERVICES = ("chat", "directory", "cloud", "database")
_KINDS = (Fault.THROTTLED, Fault.TIMED_OUT, Fault.TIMED_OUT_AFTER, Fault.TIMED_OUT_AFTER, Fault.REFUSED)


class Weather:
    """Single calls that fail, and services that are down for a while."""

    def __init__(self, rng: Random, time: Time) -> None:
        self._rng = rng
        self._time = time
        self._rates = {service: rng.choice((0.0, 0.0, 0.02, 0.1)) for service in SERVICES}
        self._rates["database"] /= 4
        self._down_until: dict[str, datetime] = {}

    def bring_down(self, service: str, how_long: timedelta) -> None:
        """No call to ``service`` is answered for that long."""
        self._down_until[service] = self._time.now() + how_long

    def heal(self, services: Iterable[str] = SERVICES) -> None:
        """Nothing goes wrong there from now on."""
        for service in services:
            self._rates[service] = 0.0
            self._down_until.pop(service, None)

    def strike(self, service: str) -> Fault | None:
        """How this call goes wrong, if it does."""
        until = self._down_until.get(service)
        if until is not None and self._time.now() < until:
            return Fault.TIMED_OUT
        rate = self._rates[service]
        return self._rng.choice(_KINDS) if rate and self._rng.random() < rate else None
