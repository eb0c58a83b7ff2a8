"""The HTTP application."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import TypeVar

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Scope

from bot.core.decisions import Refusal
from bot.service.desk import Desk
from bot.service.logs import reference_id
from bot.service.records import StoreUnavailable
from bot.web import page
from bot.web.guard import Guard, problem

log = structlog.get_logger(__name__)

SlackHandler = Callable[[Request], Awaitable[Response]]
"""Such as the ``handle`` of Bolt's ``AsyncSlackRequestHandler``."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 random bytes in URL-safe base64."""

_R = TypeVar("_R")


def build(
    desk: Desk,
    executor: Executor,
    readiness: Callable[[], Mapping[str, str]],
    registry: CollectorRegistry,
    slack: SlackHandler | None = None,
    *,
    notes: Callable[[], Mapping[str, str]] = dict,
) -> FastAPI:
    """The application. What blocks runs in ``executor``; Slack's requests are taken only where ``slack`` is given.

    ``notes`` are told beside the parts of ``readiness``; none of them makes the service less ready.
    """
    site = FastAPI(title="prodaccess", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    site.add_middleware(Guard)
    site.add_exception_handler(HTTPException, _say)

    async def off_the_loop(work: Callable[[], _R]) -> _R:
        return await asyncio.get_running_loop().run_in_executor(executor, work)

    async def alive(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def ready(_: Request) -> Response:
        wrong = await off_the_loop(readiness)
        good = not any(wrong.values())
        parts = {name: why or "ok" for name, why in {**wrong, **notes()}.items()}
        return JSONResponse({"ready": good, "parts": parts}, 200 if good else 503)

    async def metrics(_: Request) -> Response:
        return Response(await off_the_loop(lambda: generate_latest(registry)), media_type=CONTENT_TYPE_LATEST)

    async def enrolment(request: Request) -> Response:
        return await off_the_loop(lambda: _ask(desk, request.path_params["token"]))

    async def secret(request: Request) -> Response:
        return await off_the_loop(lambda: _show(desk, request.path_params["token"]))

    for path, endpoint, method in (
        ("/healthz", alive, "GET"),
        ("/readyz", ready, "GET"),
        ("/metrics", metrics, "GET"),
        ("/enrol/{token}", enrolment, "GET"),
        ("/enrol/{token}", secret, "POST"),
    ):
        site.routes.append(_Route(path, endpoint, methods=[method]))
    if slack is not None:
        site.routes.append(_Route("/slack/events", _taking(slack), methods=["POST"]))
    return site


class _Route(Route):
    """Known to the log by its path. FastAPI's keeps the endpoint, and all that it refers to, in a cache for ever."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}


def _taking(slack: SlackHandler) -> SlackHandler:
    async def slack_events(request: Request) -> Response:
        try:
            (await request.body()).decode()
        except UnicodeDecodeError:
            raise HTTPException(400, "The body is not UTF-8.") from None
        try:
            return await slack(request)
        except Exception:  # told to the person by reference: Slack shows no other status than 200 as ours
            reference = reference_id()
            log.exception("slack.failed", reference=reference)
            return JSONResponse({"response_type": "ephemeral", "text": f"Something went wrong. Reference: {reference}"})

    return slack_events


def _ask(desk: Desk, token: str) -> Response:
    try:
        good = _TOKEN.fullmatch(token) is not None and desk.enrolments.is_link(token)
    except StoreUnavailable:
        return _html(page.away(), 503)
    return _html(page.asking()) if good else _html(page.over(), 404)


def _show(desk: Desk, token: str) -> Response:
    try:
        shown = desk.enrolments.open_link(token) if _TOKEN.fullmatch(token) else None
    except StoreUnavailable:
        return _html(page.away(), 503)
    if shown is None or isinstance(shown, Refusal):
        return _html(page.over(), 404)
    return _html(page.showing(shown.otpauth, shown.account))


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, {"Content-Security-Policy": page.POLICY})


async def _say(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, error.detail, dict(error.headers or {}))
