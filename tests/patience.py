"""How long the tests' Slack waits: a machine that is busy with other tests must not look like an app that hangs."""

from typing import Any

PATIENT: dict[str, Any] = {"ack_seconds": 15.0, "trigger_seconds": 15.0, "event_retry_delays": (0.0, 0.0, 0.0)}
