"""6. From a cold start until it is ready."""

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from statistics import median

from bot.settings import Settings
from tests.benchmarks import company
from tests.benchmarks.bench import Bench
from tests.benchmarks.machine import Used, meter
from tests.benchmarks.places import Place
from tests.benchmarks.processes import ROOT, wait_until
from tests.benchmarks.report import Row, Table, Target

NOTE = """From the spawn of prodaccess serve, on a migrated database and with Slack over HTTP, until /readyz answers
that the database, the lanes and the rest are all right. The program's files are in the page cache. CPU is the
process's own until then."""
SOON = 2.0


def run(bench: Bench) -> list[Table]:
    """Both databases."""
    table = Table("6", "Cold start to ready", NOTE)
    for database in bench.databases:
        with bench.place(database) as place:
            catalogue = company.write_catalogue(place.folder / "access.yaml")
            settings = company.settings(place.url, catalogue, bench.slack.url)
            starts = [_start(place, settings) for _ in range(bench.sizes.starts)]
        seconds, used = median(took for took, _ in starts), starts[-1][1]
        cells = {
            "": place.name,
            "starts": len(starts),
            "median s": seconds,
            "slowest s": max(took for took, _ in starts),
            "CPU s": sum(used.ours),
        }
        table.rows.append(Row(cells, used.bound(bench.machine), [Target("ready in less than 2 s", seconds < SOON)]))
    return [table]


def _start(place: Place, settings: Settings) -> tuple[float, Used]:
    port = _free_port()
    began = time.monotonic()
    with (place.folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            cwd=ROOT,
            env=_environment(settings, port),
            stdout=log,
            stderr=log,
        )
    try:
        with meter(place, [process.pid]) as used:
            wait_until(lambda: _is_ready(process, port), "the start")
        return time.monotonic() - began, used
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(process: "subprocess.Popen[bytes]", port: int) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"prodaccess serve ended with {process.returncode}")
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return bool(json.loads(connection.getresponse().read())["ready"])
        finally:
            connection.close()
    return False


def _environment(settings: Settings, port: int) -> dict[str, str]:
    """The settings as ``prodaccess serve`` reads them."""
    (key,) = settings.keys
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PRODACCESS_", "AWS_"))},
        "PRODACCESS_SLACK_TRANSPORT": "http",
        "PRODACCESS_SLACK_BOT_TOKEN": settings.slack_bot_token.reveal(),
        "PRODACCESS_SLACK_SIGNING_SECRET": settings.slack_signing_secret.reveal(),
        "PRODACCESS_SLACK_BASE_URL": settings.slack_base_url,
        "PRODACCESS_SLACK_TEAM": settings.slack_team,
        "PRODACCESS_DATABASE_URL": settings.database_url.reveal(),
        "PRODACCESS_CATALOGUE": str(settings.catalogue),
        "PRODACCESS_KEYS": f"{key.id}:{base64.b64encode(key.key).decode()}",
        "PRODACCESS_HTTP_PORT": str(port),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
