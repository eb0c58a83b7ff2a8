"""Connections to PostgreSQL that are given up when no answer comes.

The kernel notices a machine that is gone (``tcp_user_timeout``), and the server ends its own statements. Neither helps
where something in between still acknowledges what is sent and answers nothing: a proxy whose backend hangs, a server
that is stopped. Without an end to this wait every thread would stand still until somebody restarts the process.
"""

import select
import time
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from bot.store.direct import Direct

RV = TypeVar("RV")


class NoAnswer(psycopg.OperationalError):
    """The server has not answered in time; the connection is closed."""


class AnsweringConnection(psycopg.Connection[Any]):
    """Closes itself, and raises NoAnswer, when an answer takes longer than ``answer_within`` seconds."""

    answer_within = 0.0
    """0: it waits for ever."""
    answered_at = 0.0
    """When the server last answered, by ``time.monotonic``."""

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """See psycopg.Connection.wait."""
        try:
            value = super().wait(gen, *args, **{"timeout": self.answer_within or None, **kwargs})
        except psycopg.errors._WaitTimeout as error:
            self.close()
            raise NoAnswer(f"the server has not answered within {self.answer_within:g} s") from error
        self.answered_at = time.monotonic()
        return value

    @cached_property
    def direct(self) -> Direct:
        """Statements without a cursor."""
        return Direct(self)

    def is_fresh(self, seconds: float) -> bool:
        """Whether it was answered within so many seconds and its socket has nothing to say since, such as its end."""
        if self.closed or time.monotonic() - self.answered_at > seconds:
            return False
        socket = select.poll()
        socket.register(self.fileno(), select.POLLIN)
        return not socket.poll(0)
