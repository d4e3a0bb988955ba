"""Where browser sessions are kept: Django's table, asked only for keys that could be one of ours."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold anything, a NUL too, which PostgreSQL refuses to look for."""
        text = key or ""
        return text.isascii() and text.isalnum() and 8 <= len(text) <= 40
