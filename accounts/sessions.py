"""Browser sessions in Django's table, which is asked only for keys that could be ours."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold anything, even a NUL, which PostgreSQL refuses as a value."""
        text = key or ""
        return text.isascii() and text.isalnum() and 8 <= len(text) <= 40
