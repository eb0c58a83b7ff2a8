"""Structured logs, redacted, for our own lines and for every library's."""

import logging
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.service.ids import RandomIds
from bot.service.redaction import redact

_TALKATIVE = (
    "aiohttp",
    "apscheduler",
    "asyncio",
    "boto3",
    "botocore",
    "httpx",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "urllib3",
    "uvicorn",
)
"""Libraries of which only warnings are of interest."""
_LINE_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r", "\x1b": "\\x1b", "\x00": "\\x00"})


def configure(shape: str, level: str, *, file: Path | None = None, stream: TextIO | None = None) -> None:
    """Send every log line to ``stream`` (standard error) or ``file``, as ``json`` or ``text``.

    ``level`` is ``debug``, ``info``, ``warning`` or ``error``. May be called again; the last call counts. Tracebacks
    never show variables. Raises ValueError for another shape or level, OSError for a file that cannot be written.
    """
    if shape not in {"json", "text"}:
        raise ValueError(f"log format: {shape!r} is neither json nor text")
    if level not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"log level: {level!r} is none of debug, info, warning, error")
    handler = _handler(file, stream)
    handler.setFormatter(_formatter(shape))
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, (_ToStream, _ToFile)):
            root.removeHandler(old)
            old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in [each for each in root.manager.loggerDict if each.partition(".")[0] in _TALKATIVE and "." in each]:
        if (logger := logging.getLogger(name)).level:  # Bolt gives some of its own the root's level
            logger.setLevel(logging.NOTSET)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_COMMON,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _log_what_nobody_caught()


def reference_id() -> str:
    """What a person is told instead of an error's details; logged beside them."""
    return RandomIds().new("x")


def redacting(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The processor that lets no secret through; comes after tracebacks became text."""
    return {name: redact(value, name) for name, value in event.items()}


_COMMON: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
)


def _formatter(shape: str) -> logging.Formatter:
    renderers: tuple[Processor, ...] = (structlog.processors.JSONRenderer(),)
    if shape == "text":
        plain = structlog.dev.plain_traceback
        renderers = (_on_one_line, structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain))
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_COMMON,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            redacting,
            *renderers,
        ],
    )


def _on_one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Whatever a library puts into its message, it cannot begin a line of its own."""
    return {**event, "event": str(event.get("event", "")).translate(_LINE_BREAKS)}


class _Quiet(logging.Handler):
    """A handler that cannot write tells so without the record: that one was not redacted.

    It raises nothing: standard error may be on the same full disk, and who logs is in the middle of something.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[0]
        if sys.stderr is not None:
            kind = error.__name__ if error else "error"
            with suppress(OSError, ValueError):
                sys.stderr.write(f"a log record of {record.name} could not be written: {kind}\n")


class _ToStream(_Quiet, logging.StreamHandler[TextIO]):
    pass


class _ToFile(_Quiet, logging.FileHandler):
    pass


def _handler(file: Path | None, stream: TextIO | None) -> logging.Handler:
    if file is None:
        return _ToStream(stream or sys.stderr)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    return _ToFile(file, encoding="utf-8", errors="backslashreplace")


def _log_what_nobody_caught() -> None:
    """The interpreter's own reports would bypass the redaction. A test runner's hooks are left alone."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _log_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger(__name__).critical("process.died", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is None or caught.exc_type is SystemExit:
        return
    trace = (caught.exc_type, caught.exc_value, caught.exc_traceback)
    name = caught.thread.name if caught.thread else ""
    structlog.get_logger(__name__).critical("thread.died", thread=name, exc_info=trace)
