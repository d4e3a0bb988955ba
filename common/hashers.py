"""Hashers for what people choose: as costly as OWASP's Password Storage Cheat Sheet asks for, a few at once.

Hashes that were brought along, from Django or as others write them, are verified with their own numbers, and made anew
in ours once the text behind them is seen. What costs more than two seconds is not taken: anybody may guess.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

import argon2
import bcrypt
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BCryptPasswordHasher,
    BCryptSHA256PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
)

from common.slow import turn

MAX_LENGTH = 128  # characters: the column of a password
MAX_ITERATIONS = 4_000_000  # of PBKDF2
MAX_ROUNDS = 14  # of bcrypt: 2 to the power of
MAX_MEMORY = 262_144  # KiB, of scrypt and argon2
MAX_WORK = {"argon2": 2_097_152, "scrypt": 524_288}  # KiB that it writes
BCRYPT_READS = 72  # bytes of a password


class Argon2Hasher(Argon2PasswordHasher):
    """argon2id with 19 MiB, two passes and one lane. Django's own numbers take 100 MiB for each hash.

    Hashes with other numbers are verified with those, and made anew at the next sign-in.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with turn():
            encoded: str = super().encode(password, salt)
            return encoded

    def verify(self, password: str, encoded: str) -> bool:
        with turn():
            return bool(super().verify(password, encoded))


_OURS = f"argon2$argon2id$v=19$m={Argon2Hasher.memory_cost},t={Argon2Hasher.time_cost},p={Argon2Hasher.parallelism}$"


class PBKDF2Hasher(PBKDF2PasswordHasher):
    """For hashes that were brought along. They are made anew at the next sign-in."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with turn():
            encoded: str = super().encode(password, salt, iterations)
            return encoded


class PBKDF2SHA1Hasher(PBKDF2SHA1PasswordHasher):
    """As PBKDF2Hasher."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with turn():
            encoded: str = super().encode(password, salt, iterations)
            return encoded


class ScryptHasher(ScryptPasswordHasher):
    """As PBKDF2Hasher."""

    maxmem = 2 * 1024 * MAX_MEMORY

    def verify(self, password: str, encoded: str) -> bool:
        with turn():
            return bool(super().verify(password, encoded))


class BCryptHasher(BCryptPasswordHasher):
    """As PBKDF2Hasher. bcrypt has always read 72 bytes; today's library refuses more instead."""

    def verify(self, password: str, encoded: str) -> bool:
        with turn():
            return bcrypt.checkpw(password.encode()[:BCRYPT_READS], _after_algorithm(encoded).encode())


class BCryptSHA256Hasher(BCryptSHA256PasswordHasher):
    """As PBKDF2Hasher."""

    def verify(self, password: str, encoded: str) -> bool:
        with turn():
            hashed = binascii.hexlify(self.digest(password.encode()).digest())
            return bcrypt.checkpw(hashed, _after_algorithm(encoded).encode())


def as_kept(text: str) -> str:
    """A hash as Django writes it. Others have bcrypt and argon2 without the name of the algorithm in front."""
    if _BCRYPT.fullmatch(text):
        return f"bcrypt${text}"
    return f"argon2{text}" if text.startswith("$argon2") else text


def problem_of_hash(text: str) -> str | None:
    """Why no text can be compared with this hash, or None. It is said without the hash."""
    kept = as_kept(text)
    algorithm, mark, _rest = kept.partition("$")
    if kept.startswith("!") or not kept:
        return "This is no hash: it says that there is no password."
    known = ", ".join(_FORMATS)
    if not mark or algorithm not in _FORMATS:
        return f"This kind of hash is not known. Known are {known}, as Django writes them, $2b$ and $argon2id$."
    if len(kept) > MAX_LENGTH or not kept.isascii() or not kept.isprintable():
        return f"This is no hash of {algorithm}."
    try:
        affordable = _FORMATS[algorithm](_after_algorithm(kept))
    except (ValueError, argon2.exceptions.InvalidHashError):
        return f"This is no hash of {algorithm}."
    return None if affordable else f"This hash of {algorithm} costs too much to compare: anybody may guess."


def cost_of(encoded: str) -> str:
    """What comparing costs, as a name: all of a known hash that is neither salt nor secret. Empty: one hash of ours."""
    algorithm, _mark, rest = encoded.partition("$")
    if algorithm not in _FORMATS or encoded.startswith(_OURS):
        return ""
    parts = rest.split("$")
    cost = {"scrypt": (0, 2, 3), "argon2": (0, 1, 2)}.get(algorithm, (0,) if "pbkdf2" in algorithm else (2,))
    return "$".join([algorithm, *(parts[place] for place in cost if place < len(parts))])


def _after_algorithm(encoded: str) -> str:
    return encoded.partition("$")[2]


_BCRYPT = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")  # 22 characters hold 128 bits


def _pbkdf2(size: int) -> Callable[[str], bool]:
    def affordable(rest: str) -> bool:
        iterations, salt, digest = rest.split("$")
        _check(bool(salt) and iterations.isdecimal() and len(_bytes(digest)) == size)
        return 0 < int(iterations) <= MAX_ITERATIONS

    return affordable


def _scrypt(rest: str) -> bool:
    work, salt, block, lanes, digest = rest.split("$")
    n, r, p = int(work), int(block), int(lanes)
    _check(bool(salt) and len(_bytes(digest)) == 64 and n > 1 and n & (n - 1) == 0 and r > 0 and p > 0)
    _check(n.bit_length() <= 16 * r)  # (RFC 7914 section 6)
    return (n + p) * r // 8 <= MAX_MEMORY and n * r * p // 8 <= MAX_WORK["scrypt"]


def _bcrypt(rest: str) -> bool:
    _check(bool(_BCRYPT.fullmatch(rest)))
    return 4 <= int(rest[4:6]) <= MAX_ROUNDS


def _argon2(rest: str) -> bool:
    found = argon2.extract_parameters(f"${rest}")
    salt, digest = (len(_bytes(part)) for part in rest.split("$")[-2:])
    _check(digest == found.hash_len >= 4 and salt == found.salt_len >= 8)
    _check(found.parallelism >= 1 and found.time_cost >= 1 and found.memory_cost >= 8 * found.parallelism)
    work = found.memory_cost * found.time_cost
    return found.memory_cost <= MAX_MEMORY and work <= MAX_WORK["argon2"] and found.parallelism <= 64


def _bytes(text: str) -> bytes:
    """base64 with or without its padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError


_FORMATS: dict[str, Callable[[str], bool]] = {
    "argon2": _argon2,
    "bcrypt": _bcrypt,
    "bcrypt_sha256": _bcrypt,
    "pbkdf2_sha1": _pbkdf2(20),
    "pbkdf2_sha256": _pbkdf2(32),
    "scrypt": _scrypt,
}
