"""Tests speak to this machine only: reaching for any other address is an error, whatever library does it.

An audit hook sees every connect, send and name lookup of the process, also those of code that kept its own
reference to a socket function, and a test that replaces `socket.getaddrinfo` cannot switch it off by accident.
The PostgreSQL driver connects from C and is not seen; its address comes from DATABASE_URL.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

GUARDED = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"})


class NotLoopbackError(RuntimeError):
    """Not an OSError, so that code which expects the network to fail does not mistake it for that."""


def is_loopback(host: object) -> bool:
    if host in (None, "", b""):
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in GUARDED:
        return
    if event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        sock, address = arguments
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            return
        host = address[0]
    if not is_loopback(host):
        raise NotLoopbackError(f"A test reached for {host!r}; tests may only speak to this machine (127.0.0.1, ::1).")


sys.addaudithook(guard)
