from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def quick_hashing(settings: Any) -> None:
    """Slow hashes are for guessers; tests that only compare them need not wait."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
