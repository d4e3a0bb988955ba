"""Scopes that are about people and signing in, not about an API. Pure: both `projects` and the protocol read it."""

from __future__ import annotations

SIGN_IN_SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
