"""A local AWS that enforces IAM: ministack in a child process, on loopback only, with state that survives a restart."""

import contextlib
import http
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config

HOST: Final = "127.0.0.1"
_START_WITHIN: Final = 30.0
_STOP_WITHIN: Final = 15.0
_TRIES: Final = 3
_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]
_CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
    s3={"addressing_style": "path"},
    proxies={},
)


class LocalAwsError(Exception):
    """The local AWS could not be started; says where its log is."""


class LocalAws:
    """Start it, use ``endpoint``, stop it. All it keeps is in ``folder``; one process at a time may use a folder."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        """``port`` 0 takes a free one at each start."""
        self.folder = folder
        self.log = folder / "aws.log"
        self._wanted_port = port
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._session = isolated_session()
        self._clients: dict[tuple[str, ...], Any] = {}
        self._turn = threading.Lock()

    @property
    def endpoint(self) -> str:
        """URL of every service. Raises LocalAwsError when it is not running."""
        if self._process is None:
            raise LocalAwsError("the local AWS is not running: call start() first")
        return f"http://{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Return when it answers (about a second). Raises LocalAwsError."""
        if self._process is not None:
            return
        for name in ("state", "s3", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for attempt in range(1, _TRIES + 1):
            self._port = self._wanted_port or _free_port()
            process = self._spawn()
            if self._answers(process):
                self._process = process
                return
            _end(process)
            # Somebody may have taken the free port in between; a port that was asked for is not changed.
            if self._wanted_port or attempt == _TRIES:
                raise LocalAwsError(f"the local AWS did not start on {HOST}:{self._port}: {self._last_words()}")

    def stop(self) -> None:
        """End the child, which saves its state; fine if it is not running."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)

    def client(self, service: str, access_key_id: str, secret: str, token: str = "", region: str = "us-east-1") -> Any:
        """A boto3 client that signs with these credentials; the same one each time, as making one takes long."""
        key = (self.endpoint, service, access_key_id, secret, token, region)
        with self._turn:
            if key not in self._clients:
                self._clients[key] = self._new_client(*key[1:])
            return self._clients[key]

    def _new_client(self, service: str, access_key_id: str, secret: str, token: str, region: str) -> Any:
        return self._session.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
            aws_session_token=token or None,
            config=_CONFIG,
        )

    def root(self, service: str, account_number: str, region: str = "us-east-1") -> Any:
        """A client of an account's root user: ministack takes the account's number as its access key."""
        return self.client(service, account_number, "root", region=region)

    def __enter__(self) -> "LocalAws":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bot.sandbox.aws_child"],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the terminal is for the parent, which then stops this one in its own time.
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        """Nothing is inherited: an AWS key in the caller's environment would be root in there."""
        return {
            "PATH": os.defpath,
            "PYTHONPATH": str(_PACKAGE_ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "AUTH": "true",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self._port),
            # These two listen on all interfaces.
            "IOT_MTLS_ENABLED": "false",
            "SFTP_ENABLED": "false",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.folder / "s3"),
        }

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        until = time.monotonic() + _START_WITHIN
        while time.monotonic() < until and process.poll() is None:
            if _healthy(self._port) and process.poll() is None:
                return True
            time.sleep(0.05)
        return False

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (log: {self.log})"


def isolated_session(access_key_id: str | None = None, secret: str | None = None) -> boto3.Session:
    """A Session that neither ``AWS_PROFILE`` nor the files in ``~/.aws`` of whoever runs this has a part in."""
    nothing = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
    bare = botocore.session.Session(session_vars={name: (None, None, value, None) for name, value in nothing.items()})
    return boto3.Session(aws_access_key_id=access_key_id, aws_secret_access_key=secret, botocore_session=bare)


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
