import socket
from collections.abc import Iterator

import pytest

from bot.sources import Http, Tokens
from bot.sources.asking import Limits
from tests.contracts.sources import tokens_for
from tests.sources.stub import Stub, serving

PATIENT = Limits(connect=20, read=20, whole=20)
"""A machine that is busy must not look like a source that is slow."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


@pytest.fixture
def elsewhere() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


@pytest.fixture(scope="session")
def http() -> Iterator[Http]:
    http = Http(PATIENT)
    yield http
    http.close()


@pytest.fixture(scope="session")
def hasty() -> Iterator[Http]:
    """For what never answers."""
    http = Http(Limits(connect=20, read=0.1, whole=20))
    yield http
    http.close()


@pytest.fixture
def tokens(stub: Stub) -> Tokens:
    """One for whatever is called ``asked``, which may go to the stub."""
    return tokens_for(stub.url)


@pytest.fixture
def unused_url() -> Iterator[str]:
    """Of a port that somebody holds and nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
