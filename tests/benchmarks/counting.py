"""Statements per request, counted on the wire: a proxy between server and PostgreSQL reads what passes.

It sees what no query log inside the process does: raw cursors, prepared statements, BEGIN and COMMIT, and it needs
no extension of the database. Timed runs do not go through it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CONTROL = (b"BEGIN", b"COMMIT", b"ROLLBACK", b"SAVEPOINT", b"RELEASE", b"START", b"END", b"SET")


@dataclass
class Count:
    """`control` are statements that begin or end transactions or set something; `trips` wait for an answer."""

    statements: int = 0
    control: int = 0
    trips: int = 0

    def __sub__(self, other: Count) -> Count:
        return Count(self.statements - other.statements, self.control - other.control, self.trips - other.trips)

    def copy(self) -> Count:
        return Count(self.statements, self.control, self.trips)


@dataclass
class Reader:
    """One connection's messages from client to server (PostgreSQL's protocol 3.0, "Message Formats")."""

    count: Count
    _left: bytearray = field(default_factory=bytearray)
    _begun: bool = False
    _statements: dict[bytes, bytes] = field(default_factory=dict)
    _portals: dict[bytes, bytes] = field(default_factory=dict)

    def feed(self, data: bytes) -> None:
        self._left += data
        head = 1 if self._begun else 0  # the very first message has no type byte
        while len(self._left) >= head + 4:
            (length,) = struct.unpack_from("!I", self._left, head)
            if len(self._left) < head + length:
                return
            kind, content = bytes(self._left[:head]), bytes(self._left[head + 4 : head + length])
            del self._left[: head + length]
            self._begun, head = True, 1
            self._message(kind, content)

    def _message(self, kind: bytes, content: bytes) -> None:
        if kind == b"Q":  # simple query
            self._execute(content)
            self.count.trips += 1
        elif kind == b"P":  # parse: name, text
            name, text = content.split(b"\0")[:2]
            self._statements[name] = text
        elif kind == b"B":  # bind: portal, name
            portal, name = content.split(b"\0", 2)[:2]
            self._portals[portal] = self._statements.get(name, b"")
        elif kind == b"E":  # execute: portal
            self._execute(self._portals.get(content.partition(b"\0")[0], b""))
        elif kind == b"S":  # sync
            self.count.trips += 1

    def _execute(self, text: bytes) -> None:
        if text.lstrip().upper().startswith(CONTROL):
            self.count.control += 1
        else:
            self.count.statements += 1


@contextlib.contextmanager
def counted(database_url: str) -> Iterator[tuple[str, Count]]:
    """The same database by another address, and what passes on the way."""
    target = urlsplit(database_url)
    address = (target.hostname or "127.0.0.1", target.port or 5432)
    count = Count()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, address, count), daemon=True).start()
        login = f"{target.username}:{target.password}" if target.password else str(target.username)
        place = f"{login}@127.0.0.1:{server.getsockname()[1]}"
        # In clear: what is encrypted cannot be counted.
        yield f"{target.scheme}://{place}{target.path}?sslmode=disable&gssencmode=disable", count


def _accept(server: socket.socket, address: tuple[str, int], count: Count) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _peer = server.accept()
            database = socket.create_connection(address)
            reader = Reader(count)
            threading.Thread(target=_pass_on, args=(client, database, reader), daemon=True).start()
            threading.Thread(target=_pass_on, args=(database, client, None), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, reader: Reader | None) -> None:
    with contextlib.suppress(OSError), source, target:
        while data := source.recv(65536):
            if reader is not None:
                reader.feed(data)
            target.sendall(data)
