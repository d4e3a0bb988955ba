"""Hashers for what people choose: as costly as OWASP's Password Storage Cheat Sheet asks for, a few at once."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher

from common.slow import turn


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


class PBKDF2Hasher(PBKDF2PasswordHasher):
    """For hashes that were brought along. They are made anew at the next sign-in."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with turn():
            encoded: str = super().encode(password, salt, iterations)
            return encoded
