"""Django's hasher with few rounds: a hundred accounts are made in a moment."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Quick(PBKDF2PasswordHasher):
    iterations = 1000
