"""Requests to addresses that clients registered: to public addresses only, without redirects, within limits.

Whoever registers an address could otherwise make this machine send requests to its neighbours (server-side request
forgery). The name is resolved once and the connection uses that address, so a name that resolves differently a moment
later changes nothing. TLS still checks the certificate against the name. Proxies from the environment are not used.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from typing_extensions import Buffer

TOTAL_TIMEOUT = 10.0  # seconds for everything: the name, the connection, TLS, the answer
CONNECT_TIMEOUT = 3.0  # seconds for each address of the name
MAX_ANSWER = 16_384  # bytes that are read of an answer at most, where only its status counts
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

# `ipaddress.is_global` takes these for global, in one version of Python or another: addresses that carry or stand for
# others (6to4, its relays, Teredo and other assignments of the IETF), and those of examples.
_NOT_GLOBAL = [
    ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
]
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # what the IETF gave out of IPv6: no NAT64, mapped or site-local

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_SocketAddress = tuple[socket.AddressFamily, tuple[Any, ...]]


class Unreachable(Exception):
    """The address cannot be reached, or must not be. The message is for operators and holds nothing that was sent.

    `connected`: somebody is there, and what they answer is of no use.
    """

    def __init__(self, message: str, *, connected: bool = False) -> None:
        super().__init__(message)
        self.connected = connected


class _Unexpected(ValueError):
    """An answer that we have no use for, in words of ours."""


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    path: str
    secure: bool
    for_strangers: bool


def post_form(url: str, form: Mapping[str, str]) -> int:
    """POST a form and return the status of the answer, whatever it is. Raises Unreachable."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return post(url, urlencode(form).encode(), headers)[0]


def post(url: str, body: bytes, headers: Mapping[str, str], *, most: int = 0) -> tuple[int, bytes]:
    """POST these bytes: the answer's status, whatever it is, and `most` bytes of its body. Raises Unreachable."""
    with asked(target_of(url), "POST", headers, body, MAX_ANSWER, TOTAL_TIMEOUT) as answer:
        return answer.status, answer.read(most) if most else b""


def get(url: str, accept: str, most: int, seconds: float, *, for_strangers: bool = False) -> bytes:
    """What is there: the body of a 200, of `most` bytes, within so many seconds. Raises Unreachable.

    `for_strangers`: anybody may have written the address, so no network of the deployment's own is asked.
    """
    return get_with_headers(url, accept, most, seconds, for_strangers=for_strangers)[0]


def get_with_headers(
    url: str, accept: str, most: int, seconds: float, *, for_strangers: bool = False
) -> tuple[bytes, Mapping[str, str]]:
    """The same, and what its headers say, by names in small letters. Of a name that comes twice the last counts."""
    target = target_of(url, for_strangers=for_strangers)
    with asked(target, "GET", {"Accept": accept}, None, most + MAX_ANSWER, seconds) as answer:
        if answer.status != HTTPStatus.OK:
            raise _Unexpected(f"the status is {answer.status}, not 200")
        body = answer.read(most + 1)
        if len(body) > most:
            raise _Unexpected("the answer is too long")
        return body, {name.lower(): value for name, value in answer.getheaders()}


@contextmanager
def asked(
    target: _Target, method: str, headers: Mapping[str, str], body: bytes | None, most: int, seconds: float
) -> Iterator[http.client.HTTPResponse]:
    """The answer, as long as it is read within the deadline. Whatever goes wrong is Unreachable."""
    deadline = time.monotonic() + seconds
    addresses = _checked(target, _resolve(target, deadline))
    connection = _Connection(target, addresses, deadline, most)
    try:
        connection.request(method, target.path, body, {"User-Agent": "vestibule", "Connection": "close", **headers})
        with connection.getresponse() as answer:
            yield answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = f"{target.host} does not answer as it should: {_reason(error)}."
        raise Unreachable(said, connected=connection.was_connected) from error
    finally:
        connection.close()


def is_allowed(text: str, *, for_strangers: bool = False) -> bool:
    """Whether we may connect to this address: a public one, or one in a network that the deployment names for apps."""
    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        address = mapped
    if settings.IS_LOCAL and address.is_loopback:
        return True  # provider and apps share this machine
    private = () if for_strangers else settings.IDP_PRIVATE_LOGOUT_NETWORKS
    return any(address in ipaddress.ip_network(network) for network in private) or _is_public(address)


def is_blocked_host(host: str) -> bool:
    """Whether this host spells an address that we never connect to. Names are not resolved here, so they pass."""
    address = _literal_address(host)
    return address is not None and not is_allowed(address)


def _literal_address(host: str) -> str | None:
    """The address that a host spells, also as old libraries read it: `127.1` and `2130706433` are 127.0.0.1."""
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"  # RFC 6761 section 6.3
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    odd = address.is_multicast or any(address in network for network in _NOT_GLOBAL)
    return address.is_global and not odd


def target_of(url: str, *, for_strangers: bool = False) -> _Target:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Unreachable("This is not a URI.") from None
    secure = parts.scheme == "https"
    if not secure and not (parts.scheme == "http" and settings.IS_LOCAL and host in LOOPBACK_NAMES):
        raise Unreachable("Only https addresses are asked.")
    if not host or "@" in parts.netloc or parts.fragment:
        raise Unreachable("The address has no host, or has a user name or a fragment.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(host, port or (443 if secure else 80), path, secure, for_strangers)


def _resolve(target: _Target, deadline: float) -> list[_SocketAddress]:
    """The addresses of the name, in the system's order.

    A thread asks, because the system's own timeout is longer than ours.
    """
    found: list[_SocketAddress] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            for family, _type, _proto, _name, address in socket.getaddrinfo(
                target.host, target.port, type=socket.SOCK_STREAM
            ):
                found.append((family, address))
        except BaseException as error:  # handed over to the thread that waits
            failed.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if thread.is_alive():
        raise Unreachable(f"The name {target.host} takes too long to be found.")
    if failed and not isinstance(failed[0], OSError | UnicodeError):
        raise failed[0]
    if failed or not found:
        raise _not_public(target)
    return found


def _checked(target: _Target, addresses: list[_SocketAddress]) -> list[_SocketAddress]:
    """Refuse all of them if one is not allowed: a name with a public and a private address is a trap."""
    for _family, address in addresses:
        if not is_allowed(address[0], for_strangers=target.for_strangers):
            raise _not_public(target)
        if not target.secure and not ipaddress.ip_address(address[0]).is_loopback:
            raise Unreachable("Only https addresses are asked.")
    return addresses


def _not_public(target: _Target) -> Unreachable:
    """One answer for names that do not exist and names that only our network knows: nobody can find out which exist."""
    return Unreachable(f"{target.host} leads nowhere on the public internet.")


class _Connection(http.client.HTTPConnection):
    """A connection to addresses that were checked, with one deadline for everything."""

    def __init__(self, target: _Target, addresses: list[_SocketAddress], deadline: float, most: int) -> None:
        super().__init__(target.host, target.port)
        self.default_port = 443 if target.secure else 80  # left out of the Host header
        self._target, self._addresses, self._deadline, self._most = target, addresses, deadline, most
        self.was_connected = False

    def connect(self) -> None:
        sock = self._dial()
        if self._target.secure:
            sock.settimeout(_seconds_left(self._deadline))
            try:
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self._target.host)
            except BaseException:
                sock.close()
                raise
        self.sock, self.was_connected = _DeadlineSocket(sock, self._deadline, self._most), True

    def _dial(self) -> socket.socket:
        problem: OSError = OSError("no address")
        for family, address in self._addresses:
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(min(CONNECT_TIMEOUT, _seconds_left(self._deadline)))
                sock.connect(address)
            except OSError as error:
                problem = error
                sock.close()
            else:
                return sock
        raise problem


class _DeadlineSocket:
    """A socket as http.client uses it. Every operation ends by the deadline."""

    def __init__(self, sock: socket.socket, deadline: float, most: int) -> None:
        self._sock, self._deadline, self._most = sock, deadline, most
        self._read = False

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(_seconds_left(self._deadline))
        self._sock.sendall(data)

    def makefile(self, *_args: object, **_options: object) -> io.BufferedReader:
        self._read = True
        return io.BufferedReader(_DeadlineReader(self._sock, self._deadline, self._most), 4096)

    def close(self) -> None:
        """http.client closes its socket when it has the head of the answer: the body is read after that."""
        if not self._read:
            self._sock.close()


class _DeadlineReader(io.RawIOBase):
    """Reads until the deadline, and at most so many bytes."""

    def __init__(self, sock: socket.socket, deadline: float, most: int) -> None:
        self._sock, self._deadline, self._bytes_left = sock, deadline, most

    def close(self) -> None:
        super().close()
        self._sock.close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        if self._bytes_left <= 0:
            raise OSError("the answer is too long")
        self._sock.settimeout(_seconds_left(self._deadline))
        number = self._sock.recv_into(buffer)
        self._bytes_left -= number
        return number


def _seconds_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return left


def _reason(error: Exception) -> str:
    """What went wrong, without anything that was sent. An answer that is not HTTP is not repeated."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, _Unexpected):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)[:100]
    return type(error).__name__
