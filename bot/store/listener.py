"""PostgreSQL's LISTEN/NOTIFY: wakes this process's workers for what other replicas committed."""

import secrets
import selectors
import socket
import threading

import psycopg
import sqlalchemy as sa

from bot.core.model import LANES
from bot.store.wakeup import Wakeup

CHANNEL = "prodaccess_effects"
_HEARTBEAT_SECONDS = 30.0
_LONGEST_BACKOFF_SECONDS = 5.0


class Listener:
    """A connection of its own in a daemon thread, started by the first ``start``; reconnects for ever.

    While it is disconnected nothing is heard: the workers' tick is the safety net, and a reconnect wakes them.
    """

    def __init__(self, engine: sa.Engine, wakeup: Wakeup) -> None:
        self.sender = secrets.token_hex(4)
        """Marks this process's own notifications, which need not be heard."""
        self._engine = engine
        self._wakeup = wakeup
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._stop_read, self._stop_write = socket.socketpair()

    def start(self) -> None:
        """Start listening, unless that is done already."""
        with self._starting:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._listen_for_ever, name="store-listener", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread's end."""
        with self._starting:
            if self._stopped.is_set():
                return
            self._stopped.set()
            self._stop_write.send(b"\0")
        if self._thread is not None:
            self._thread.join(_LONGEST_BACKOFF_SECONDS)
        self._stop_read.close()
        self._stop_write.close()

    def _listen_for_ever(self) -> None:
        backoff = 0.1
        while not self._stopped.is_set():
            try:
                connection = self._connect()
            except (sa.exc.DBAPIError, sa.exc.TimeoutError, psycopg.Error):
                # The transactions of this store meet the same outage and report it; here it only means to try again.
                self._stopped.wait(backoff)
                backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)
                continue
            backoff = 0.1
            try:
                self._listen(connection)
            except psycopg.Error:
                self._stopped.wait(backoff)
            finally:
                connection.close()

    def _connect(self) -> "psycopg.Connection[object]":
        pooled = self._engine.raw_connection()
        connection: psycopg.Connection[object] = pooled.driver_connection  # type: ignore[assignment]
        pooled.detach()
        connection.autocommit = True
        return connection

    def _listen(self, connection: "psycopg.Connection[object]") -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._wakeup.wake(LANES)
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._stop_read, selectors.EVENT_READ)
            while not self._stopped.is_set():
                if not selector.select(_HEARTBEAT_SECONDS):
                    connection.execute("SELECT 1")  # raises when the other end is gone without a word
                for notice in connection.notifies(timeout=0):
                    sender, *lanes = notice.payload.split()
                    if sender != self.sender:
                        self._wakeup.wake(lanes)
