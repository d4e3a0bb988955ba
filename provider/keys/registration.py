"""The one place where signing keys are made, activated and retired, by whom is on record."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from jwcrypto import jwk

from clients.models import SigningKey
from clients.models.keys import KeyState
from projects.actors import Actor, Right
from projects.events import acting, record
from projects.problems import Problem, require
from provider.keys import keyring


def make(algorithm: str, by: Actor) -> SigningKey:
    """The next key: published from now on, so that apps know it before it signs. IntegrityError when there is one."""
    _require_right(by)
    with acting(by), transaction.atomic():
        key = keyring.make(algorithm)
        record(by, "key.made", kid=key.kid, algorithm=key.algorithm)
    return key


def adopt(key: jwk.JWK, algorithm: str, by: Actor) -> SigningKey | None:
    """Let a key of another provider sign, whose apps know it already. None: it is one of ours."""
    _require_right(by)
    with acting(by), transaction.atomic():
        if SigningKey.objects.filter(pk=key.thumbprint()).exists():
            return None
        before = SigningKey.objects.filter(algorithm=algorithm, state=KeyState.ACTIVE).first()
        adopted = keyring.adopt(key, algorithm)
        if before is not None:
            record(by, "key.retired", kid=before.kid, algorithm=before.algorithm)
        record(by, "key.activated", kid=adopted.kid, algorithm=algorithm)
    return adopted


def activate(kid: str, by: Actor) -> SigningKey | None:
    """Let this next key sign; the one that did retires, and stays published. None: it is not waiting.

    Raises sealing.Unreadable when this process could not sign with it.
    """
    _require_right(by)
    with acting(by), transaction.atomic():
        key = SigningKey.objects.select_for_update().filter(pk=kid, state=KeyState.NEXT).first()
        if key is None:
            return None
        keyring.require_opened(key)
        before = SigningKey.objects.filter(algorithm=key.algorithm, state=KeyState.ACTIVE).first()
        keyring.activate(key)
        if before is not None:
            record(by, "key.retired", kid=before.kid, algorithm=before.algorithm)
        record(by, "key.activated", kid=key.kid, algorithm=key.algorithm)
    return key


def ensure(by: Actor) -> list[SigningKey]:
    """Make what a working provider needs. Raises sealing.Unreadable (`keyring.ensure_keys`)."""
    _require_right(by)
    with acting(by), transaction.atomic():
        made = keyring.ensure_keys()
        _record_made(made, by)
    return made


def revoke(kid: str, by: Actor) -> SigningKey | None:
    """A key has leaked: unpublish it, and believe nothing that it signed. When it was the one that signs, the next one
    does so at once. None: there is no such key, or it is revoked already.

    Raises sealing.Unreadable, having changed nothing, when this process could not sign with the key that has to.
    """
    _require_right(by)
    with acting(by), transaction.atomic():
        key = keyring.revoke(kid)
        if key is None:
            return None
        record(by, "key.revoked", kid=key.kid, algorithm=key.algorithm)
        _record_made(keyring.complete(key.algorithm), by)
    return key


def _record_made(keys: list[SigningKey], by: Actor) -> None:
    for key in keys:
        key.refresh_from_db(fields=["state"])
        kind = "key.activated" if key.state == KeyState.ACTIVE else "key.made"
        record(by, kind, kid=key.kid, algorithm=key.algorithm)


def _require_right(by: Actor) -> None:
    if not by.may(Right.MANAGE_KEYS):
        require([Problem("algorithm", _("Only a superuser manages signing keys."))])
