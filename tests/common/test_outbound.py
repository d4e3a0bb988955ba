"""Going to an address a client registered: the public internet only, never anywhere else by any trick."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.exceptions import ImproperlyConfigured

from common import outbound
from common.outbound import Unreachable, is_allowed, post_form
from idp.environment import checked_networks
from tests.provider.receiver import Receiver, receiving

PUBLIC = ["1.1.1.1", "93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8"]
PRIVATE = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1", "::ffff:10.0.0.1"],
    "link-local": ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1"],
    "examples and benchmarks": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "2001:db8::1", "3fff::1"],
    "assignments of the IETF": [
        "192.0.0.1",
        "192.0.0.9",
        "192.0.0.170",
        "2001::1",
        "2001:20::1",
        "2001:2::1",
        "100::1",
    ],
    "6to4 and its relays": ["2002:7f00:1::", "2002:0a00:0001::", "192.88.99.1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1"],
    "IPv4-compatible": ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8"],
    "site-local": ["fec0::1"],
    "not given out": ["4000::1", "5f00::1", "f000::1", "200::1"],
}


@pytest.fixture
def off_loopback(settings: Any) -> None:
    """A provider on the internet."""
    settings.IS_LOCAL = False


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_allowed(off_loopback: None, address: str) -> None:
    assert is_allowed(address)


@pytest.mark.parametrize("address", [one for group in PRIVATE.values() for one in group])
def test_everything_else_is_not(off_loopback: None, address: str) -> None:
    assert not is_allowed(address)


def test_loopback_is_allowed_where_the_provider_itself_is_there(settings: Any) -> None:
    settings.IS_LOCAL = True
    assert [one for group in PRIVATE.values() for one in group if is_allowed(one)] == PRIVATE["loopback"]


def test_networks_the_deployment_names_are_allowed_and_no_others(off_loopback: None, settings: Any) -> None:
    settings.IDP_PRIVATE_LOGOUT_NETWORKS = ["10.20.0.0/16", "fd00:1::/32"]
    assert all(map(is_allowed, ("10.20.255.1", "::ffff:10.20.0.1", "fd00:1::5", "1.1.1.1")))
    assert not any(map(is_allowed, ("10.21.0.1", "fd00:2::5", "127.0.0.1", "169.254.169.254")))


def test_a_mistake_in_the_setting_is_told_at_the_start() -> None:
    assert checked_networks("IDP_PRIVATE_LOGOUT_NETWORKS", ["10.1.2.3/8", " fd00::1 "]) == ["10.0.0.0/8", "fd00::1/128"]
    with pytest.raises(ImproperlyConfigured, match="IDP_PRIVATE_LOGOUT_NETWORKS takes addresses"):
        checked_networks("IDP_PRIVATE_LOGOUT_NETWORKS", ["apps.example"])


# --- Names ---------------------------------------------------------------------------------------------------------


class Names:
    """A resolver that answers as told, and counts how often it was asked."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = []
        self.asked = 0

    def __call__(self, host: str, port: int, *_args: Any, **_options: Any) -> list[Any]:
        self.asked += 1
        found = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in found]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Whoever connects is noted, and gets nowhere."""
    tried: list[Any] = []

    def connect(_self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["10.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::1", "1.1.1.1"], ["1.1.1.1", "64:ff9b::a00:1"]]
)
def test_one_address_that_is_not_public_is_one_too_many(
    off_loopback: None, names: Names, no_connection: list[Any], answer: list[str]
) -> None:
    names.answers = [answer]
    with pytest.raises(Unreachable, match="nowhere on the public internet"):
        post_form("https://app.example/logout", {})
    assert no_connection == []


def test_the_name_is_asked_once_and_the_connection_goes_to_its_answer(
    off_loopback: None, names: Names, no_connection: list[Any]
) -> None:
    """A name that answers something else the next time changes nothing (DNS rebinding)."""
    names.answers = [["1.1.1.1", "2606:4700::1111"], ["127.0.0.1"]]
    with pytest.raises(Unreachable, match="Connection refused"):
        post_form("https://app.example:8443/logout", {})
    assert no_connection == [("1.1.1.1", 8443), ("2606:4700::1111", 8443)]
    assert names.asked == 1


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        *((host, "127.0.0.1") for host in ("127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "127.0.0.1")),
        *(("0", "0.0.0.0"), ("[::]", "::"), ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1")),
    ],
)
def test_other_ways_to_write_loopback(
    off_loopback: None, names: Names, no_connection: list[Any], host: str, meant: str
) -> None:
    """What counts is what the system makes of it."""
    names.answers = [[meant]]
    with pytest.raises(Unreachable):
        post_form(f"https://{host}/logout", {})
    assert no_connection == []


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example/logout",
        "ftp://app.example/",
        "ftp://localhost/",
        "//localhost/",
        "file:///etc/passwd",
        "gopher://app.example/",
        "https:///logout",
        "https://user@app.example/",
        "https://app.example/#x",
        "https://app.example:99999/",
        "https://[::1/",
        "//app.example/",
        "",
    ],
)
def test_only_https_addresses_are_asked(names: Names, no_connection: list[Any], url: str) -> None:
    names.answers = [["1.1.1.1"]]
    with pytest.raises(Unreachable):
        post_form(url, {})
    assert (names.asked, no_connection) == (0, [])


def test_plain_http_never_leaves_this_machine(names: Names, no_connection: list[Any]) -> None:
    """Also when somebody's resolver says that localhost is elsewhere."""
    names.answers = [["1.1.1.1"]]
    with pytest.raises(Unreachable, match="Only https"):
        post_form("http://localhost/logout", {})
    assert no_connection == []


def test_plain_http_is_for_a_provider_on_this_machine(off_loopback: None, settings: Any, names: Names) -> None:
    """Also where the deployment names loopback as a network of its own."""
    settings.IDP_PRIVATE_LOGOUT_NETWORKS = ["127.0.0.0/8"]
    names.answers = [["127.0.0.1"]]
    with pytest.raises(Unreachable, match="Only https"):
        post_form("http://localhost/logout", {})
    assert names.asked == 0


@pytest.mark.parametrize(
    ("url", "answer", "port"),
    [
        ("http://localhost/logout", "127.0.0.1", 80),
        ("http://127.0.0.1/logout", "127.0.0.1", 80),
        ("http://[::1]/logout", "::1", 80),
        ("https://app.example/logout", "1.1.1.1", 443),
        ("https://app.example:80/logout", "1.1.1.1", 80),
    ],
)
def test_the_port_is_the_one_named_or_that_of_the_scheme(
    names: Names, no_connection: list[Any], url: str, answer: str, port: int
) -> None:
    names.answers = [[answer]]
    with pytest.raises(Unreachable, match="Connection refused"):
        post_form(url, {})
    assert no_connection == [(answer, port)]


def test_an_address_that_cannot_be_sent_is_unreachable(names: Names, no_connection: list[Any]) -> None:
    names.answers = [["1.1.1.1"]]
    with pytest.raises(Unreachable, match="UnicodeEncodeError"):
        post_form("https://app.example/caf\u00e9", {})
    assert no_connection == []


def test_a_name_without_addresses_leads_nowhere(names: Names, no_connection: list[Any]) -> None:
    names.answers = [[]]
    with pytest.raises(Unreachable, match="nowhere on the public internet"):
        post_form("https://app.example/", {})


def test_each_address_has_its_time_and_no_address_more_than_is_left(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that never answers must not use up the time of the next one."""
    patience: list[float | None] = []

    def connect(sock: socket.socket, _address: Any) -> None:
        patience.append(sock.gettimeout())
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", connect)
    names.answers = [["1.1.1.1", "8.8.8.8"]]
    for total, most in ((outbound.TOTAL_TIMEOUT, outbound.CONNECT_TIMEOUT), (1.0, 1.0)):
        monkeypatch.setattr(outbound, "TOTAL_TIMEOUT", total)
        with pytest.raises(Unreachable, match="takes too long"):
            post_form("https://app.example/", {})
        assert [one is not None and 0 < one <= most for one in patience] == [True, True]
        patience.clear()


def test_a_fault_of_ours_is_no_answer_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        post_form("https://app.example/", {})


def test_an_unknown_name_and_one_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_options: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"^app\.example leads nowhere on the public internet\.$"):
        post_form("https://app.example/", {})
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: released.wait(60))
    monkeypatch.setattr(outbound, "TOTAL_TIMEOUT", 0.2)
    with pytest.raises(Unreachable, match="too long to be found"):
        post_form("https://app.example/", {})
    released.set()


# --- The answer ----------------------------------------------------------------------------------------------------


@pytest.fixture
def app() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_the_form_arrives_and_the_status_comes_back(app: Receiver) -> None:
    for status in (200, 204, 400, 500):
        app.answer = partial(Receiver.say, status=status)
        assert post_form(f"{app.url}?tenant=1", {"logout_token": "a b&c"}) == status
    path, headers, form = app.requests[0]
    assert (path, form) == ("/logout?tenant=1", {"logout_token": ["a b&c"]})
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Host"] == f"127.0.0.1:{app.port}"
    assert "Cookie" not in headers
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("address", "path"), [("", "/"), ("/", "/"), ("/logout", "/logout"), ("?tenant=1", "/?tenant=1")]
)
def test_the_path_is_the_registered_one(app: Receiver, address: str, path: str) -> None:
    assert post_form(f"http://127.0.0.1:{app.port}{address}", {"logout_token": "x"}) == 200
    assert app.requests[0][0] == path


def test_redirects_are_answers_like_any_other(app: Receiver) -> None:
    with receiving() as other:
        app.answer = lambda handler: Receiver.say(handler, 307, Location=other.url)
        assert post_form(app.url, {"logout_token": "x"}) == 307
        assert other.requests == []


def test_proxies_of_the_environment_are_not_asked(app: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post_form(app.url, {"logout_token": "x"}) == 200
        assert proxy.requests == []


def _drip_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def _never_end_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-Many: " + b"x" * 500 + b"\r\n")


def _continue_for_ever(handler: BaseHTTPRequestHandler) -> None:
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _say_nothing(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def _speak_no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 mail.example ESMTP\r\n" * 10)


@pytest.mark.parametrize(
    "answer", [_drip_headers, _never_end_headers, _continue_for_ever, _say_nothing, _hang_up, _speak_no_http]
)
def test_whoever_does_not_answer_properly_is_left(app: Receiver, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TOTAL_TIMEOUT", 1.0)
    app.answer = answer
    with pytest.raises(Unreachable) as told:
        post_form(app.url, {"logout_token": "the-token"})
    assert "the-token" not in str(told.value)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize("answer", [_never_end_headers, _continue_for_ever])
def test_an_answer_is_read_up_to_a_bound_however_quickly_it_comes(app: Receiver, answer: Any) -> None:
    app.answer = answer
    with pytest.raises(Unreachable, match="the answer is too long"):
        post_form(app.url, {"logout_token": "x"})


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable, match="Connection refused"):
        post_form(f"http://127.0.0.1:{port}/", {})


def test_an_answer_that_goes_on_is_not_read_to_its_end(app: Receiver) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * 65_536)

    app.answer = endless
    assert post_form(app.url, {}) == 200


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of the name `localhost` in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain, form = serialization.Encoding.PEM, serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(key.private_bytes(pem, form, plain) + made.public_bytes(pem))
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[tuple[Receiver, list[str | None]]]:
    """An app behind TLS, and the server names it was asked for."""
    asked_for: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with receiving(context=context) as receiver:
        yield receiver, asked_for


def test_the_certificate_is_checked_for_the_name_and_the_name_is_said(
    secure: tuple[Receiver, list[str | None]], certificate: Path, monkeypatch: pytest.MonkeyPatch, names: Names
) -> None:
    app, asked_for = secure
    names.answers = [["127.0.0.1"]]
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert post_form(f"https://localhost:{app.port}/logout", {"logout_token": "x"}) == 200
    assert asked_for == ["localhost"]
    assert app.requests[0][1]["Host"] == f"localhost:{app.port}"
    with pytest.raises(Unreachable, match="certificate is not valid"):
        post_form(f"https://app.example:{app.port}/logout", {"logout_token": "x"})
    assert len(app.requests) == 1


def test_a_certificate_nobody_vouches_for_is_refused(secure: tuple[Receiver, list[str | None]]) -> None:
    app, _asked_for = secure
    with pytest.raises(Unreachable, match="certificate is not valid"):
        post_form(f"https://localhost:{app.port}/logout", {"logout_token": "x"})
    assert app.requests == []


def test_whoever_speaks_no_tls_is_left(app: Receiver) -> None:
    with pytest.raises(Unreachable):
        post_form(f"https://127.0.0.1:{app.port}/logout", {"logout_token": "x"})
    assert app.requests == []
