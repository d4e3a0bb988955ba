"""The bytes are those of PostgreSQL's protocol 3.0: a type, a length that counts itself, the content."""

from __future__ import annotations

import struct

import pytest

from tests.benchmarks.counting import Count, Reader


def message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


STARTUP = message(b"", b"\x00\x03\x00\x00user\0bench\0\0")
PASSWORD = message(b"p", b"secret\0")
SELECT = message(b"P", b"s1\0select 1\0\0\0") + message(b"B", b"\0s1\0\0\0\0\0\0\0")
EXECUTE = message(b"E", b"\0\0\0\0\0")
SYNC = message(b"S", b"")


def counted(*pieces: bytes) -> Count:
    count = Count()
    reader = Reader(count)
    for piece in pieces:
        reader.feed(piece)
    return count


def test_signing_in_counts_nothing() -> None:
    assert counted(STARTUP, PASSWORD) == Count()


def test_a_simple_query_is_a_statement_and_a_round_trip() -> None:
    assert counted(STARTUP, message(b"Q", b"select 1\0")) == Count(statements=1, control=0, trips=1)


def test_a_prepared_statement_counts_whenever_it_is_executed() -> None:
    again = message(b"B", b"\0s1\0\0\0\0\0\0\0") + EXECUTE + SYNC
    assert counted(STARTUP, SELECT + EXECUTE + SYNC, again) == Count(statements=2, control=0, trips=2)


def test_a_pipeline_is_one_round_trip() -> None:
    begin = message(b"P", b"\0BEGIN\0\0\0") + message(b"B", b"\0\0\0\0\0\0\0\0") + EXECUTE
    assert counted(STARTUP, begin + SELECT + EXECUTE + SYNC) == Count(statements=1, control=1, trips=1)


@pytest.mark.parametrize("text", [b"BEGIN", b"commit", b" ROLLBACK", b'SAVEPOINT "s1"', b"RELEASE SAVEPOINT s1"])
def test_transactions_are_told_from_work(text: bytes) -> None:
    assert counted(STARTUP, message(b"Q", text + b"\0")) == Count(statements=0, control=1, trips=1)


def test_messages_may_arrive_in_any_pieces() -> None:
    everything = STARTUP + PASSWORD + SELECT + EXECUTE + SYNC + message(b"Q", b"COMMIT\0")
    assert counted(*(bytes([one]) for one in everything)) == counted(everything) == Count(1, 1, 2)


def test_what_happened_between_two_looks() -> None:
    assert Count(5, 3, 7) - Count(2, 1, 3) == Count(3, 2, 4)
