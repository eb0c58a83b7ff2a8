"""What every call over HTTP keeps to, whatever is asked."""

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.service.sources import SourceError
from bot.sources import Http
from bot.sources.answers import LONGEST_WAIT, retry_after
from bot.sources.asking import Call, Limits
from tests.sources.stub import Reply, Stub, serving


def self_signed(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


def call(stub: Stub, path: str = "/", **more: object) -> Call:
    return Call("asked", stub.url + path, "Token token=hush-hush", **more)  # type: ignore[arg-type]


def test_a_question_of_several_calls_has_one_end(stub: Stub, http: Http) -> None:
    stub.replies = [Reply()]
    with pytest.raises(SourceError, match="asked took too long in all"):
        http.ask(call(stub, by=0.0))
    assert stub.seen == []


def test_whoever_drips_is_cut_off_in_the_end(stub: Stub) -> None:
    """Each piece comes in time; all of them together would not."""
    http = Http(Limits(connect=20, read=20, whole=0.2))
    stub.replies = [Reply(body=b"{", hangs="in the middle")]
    try:
        with pytest.raises(SourceError, match="too long in all") as caught:
            http.ask(call(stub))
    finally:
        http.close()
    assert caught.value.passing


def test_a_host_that_takes_no_connection_is_not_waited_for() -> None:
    http = Http(Limits(connect=0.1, read=20, whole=20))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        host = listening.getsockname()
        with socket.socket() as first, socket.socket() as second:
            for full in (first, second):  # the queue takes one more than it says
                full.setblocking(False)
                full.connect_ex(host)
            try:
                with pytest.raises(SourceError, match="took no connection in time"):
                    http.ask(Call("asked", f"http://127.0.0.1:{host[1]}/", "x"))
            finally:
                http.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(http: Http, tmp_path: Path) -> None:
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(self_signed(tmp_path / "own.pem"))
    with serving(own) as stub:
        stub.replies = [Reply()]
        with pytest.raises(SourceError, match="could not be reached") as caught:
            http.ask(call(stub))
        assert caught.value.passing
        assert stub.seen == []


def test_nothing_is_unpacked_and_no_cookie_is_kept(stub: Stub, http: Http) -> None:
    zipped = b"\x1f\x8b\x08\x00small"
    stub.replies = [Reply(body=zipped, headers={"Content-Encoding": "gzip", "Set-Cookie": "a=b"})]
    assert http.ask(call(stub)).body == zipped
    http.ask(call(stub))
    assert stub.seen[1].headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in stub.seen[1].headers


def test_a_token_with_a_line_break_is_not_sent(stub: Stub, http: Http) -> None:
    stub.replies = [Reply()]
    with pytest.raises(SourceError) as caught:
        http.ask(Call("asked", stub.url, "hush\r\nX-More: hush"))
    assert "hush" not in f"{caught.value} {caught.value.__context__} {caught.value.__cause__}"
    assert stub.seen == []


def test_what_goes_round_shows_neither_token_nor_body(stub: Stub, http: Http) -> None:
    stub.replies = [Reply(body=b'"hush-hush"')]
    asked = call(stub, body=b"{}")
    answer = http.ask(asked)
    assert answer.body == b'"hush-hush"'
    assert "hush" not in f"{asked!r} {answer!r}"


def test_many_threads_ask_at_once(stub: Stub, http: Http) -> None:
    stub.replies, stub.gate = [Reply()], threading.Event()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(http.ask, call(stub, f"/{number}")) for number in range(8)]
        # All of them are there before the first one has an answer.
        stub.arrived(8)
        stub.gate.set()
        assert [answer.result().status for answer in asked] == [200] * 8


def test_closed_it_cuts_off_what_is_asked_and_asks_nothing_more(stub: Stub) -> None:
    http = Http(Limits(connect=20, read=20, whole=20))
    stub.replies = [Reply(hangs="at once")]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(http.ask, call(stub))
        stub.arrived(1)
        http.close()
        http.close()
        with pytest.raises(SourceError, match="could not be reached"):
            asked.result()
    with pytest.raises(SourceError, match="is not asked any more"):
        http.ask(call(stub))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "0"}, timedelta(0)),
        ({"Retry-After": "1.2"}, timedelta(seconds=2)),
        ({"Retry-After": "-5"}, timedelta(0)),
        ({"Retry-After": "1e999"}, timedelta(0)),
        ({"Retry-After": "Thu, 26 Nov 2026 03:01:00 GMT"}, timedelta(minutes=1)),
        ({"Retry-After": "Thu, 26 Nov 2026 03:01:00"}, timedelta(minutes=1)),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 -0900"}, timedelta(0)),
        ({"Retry-After": "900000000"}, LONGEST_WAIT),
        ({"X-RateLimit-Remaining": "0"}, timedelta(0)),
        ({"X-RateLimit-Remaining": "12"}, None),
    ],
)
def test_how_long_to_wait_is_read_in_every_way_it_is_written(headers: dict[str, str], wait: timedelta | None) -> None:
    assert retry_after(headers, datetime(2026, 11, 26, 3, 0, tzinfo=UTC)) == wait
