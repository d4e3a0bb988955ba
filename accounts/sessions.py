"""Browser sessions in Django's table, which knows their keys only as digests.

A key signs its browser in, so the cookie alone holds it. Whoever reads the database, or a backup, has nothing to send.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from common.database_errors import is_outage


def digest(key: str) -> str:
    """What the table keeps of a key: 240 bits of its SHA-256, because Django's column takes 40 characters."""
    return urlsafe_b64encode(sha256(key.encode()).digest()[:30]).decode()


class SessionStore(db.SessionStore):
    """Django's store; each method that asks or writes the table by key does so by its digest.

    No page of ours is asynchronous. The asynchronous twins are overridden all the same: they would write keys in clear.
    """

    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold anything, even a lone surrogate, which has no digest."""
        text = key or ""
        return text.isascii() and text.isalnum() and 8 <= len(text) <= 40

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        kept = self.model.objects.filter(session_key=digest(self.session_key or ""), expire_date__gt=timezone.now())
        row = kept.first()
        if row is None:
            self._session_key = None
        return row

    async def _aget_session_from_db(self) -> AbstractBaseSession | None:
        return await sync_to_async(self._get_session_from_db)()

    def save(self, must_create: bool = False) -> None:
        """Django takes every failure for a session that was deleted meanwhile, and answers 400.

        A database that is away is no fault of the browser, which may try again.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            trouble = error.__context__
            if trouble is not None and is_outage(trouble):
                raise trouble from trouble.__cause__
            raise

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await super().aexists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = await super().acreate_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = self.session_key if session_key is None else session_key
        if key is not None:
            super().delete(digest(key))

    async def adelete(self, session_key: str | None = None) -> None:
        key = self.session_key if session_key is None else session_key
        if key is not None:
            await super().adelete(digest(key))
