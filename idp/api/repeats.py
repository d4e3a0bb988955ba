"""Idempotency-Key: whoever did not hear the answer asks again, and hears the same one (decision 0202)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from clients.models import KeptAnswer
from common import clock
from idp.api.problems import Refused, refused
from projects.problems import Problem

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
_KEY = re.compile(r'"?[\x21\x23-\x5b\x5d-\x7e]{1,255}"?')  # a word, or a string of RFC 9651


def once(
    request: HttpRequest,
    who: str,
    make: Callable[[], HttpResponse],
    *,
    allow: Callable[[], object],
    secret: bool = False,
) -> HttpResponse:
    """What `make` answers; or what it answered this caller here, for this key. `secret`: its body is never kept.

    `allow` refuses whoever may not ask for it now: a role may be gone since the first time.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return make()
    if not _KEY.fullmatch(key):
        raise refused("malformed", f"{HEADER} is one word of visible ASCII characters, 255 at most.")
    digest, body_digest = _digest(who, request.path_info, key), hashlib.sha256(request.body).hexdigest()
    now = clock.now()
    KeptAnswer.objects.filter(expires_at__lte=now).delete()
    if kept := KeptAnswer.objects.filter(digest=digest).first():
        allow()
        return _again(kept, body_digest)
    with transaction.atomic():
        answer = make()
        row = KeptAnswer(digest=digest, body_digest=body_digest, status=answer.status_code, expires_at=now + KEPT_FOR)
        row.location = answer.get("Location", "")
        row.body = "" if secret else answer.content.decode()
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise refused("conflict", "The same request is being answered in this very moment. Ask again.") from None
    return answer


def forget(*locations: str) -> None:
    """What was made there is gone: nothing that was answered about it is kept."""
    KeptAnswer.objects.filter(location__in=locations).delete()


def _again(kept: KeptAnswer, body_digest: str) -> HttpResponse:
    if kept.body_digest != body_digest:
        words = "This key came with another body before: a key is for one request."
        raise refused("invalid", errors=[Problem("", words, "key_reused")])
    if not kept.body:
        raise _said_once(kept)
    answer = HttpResponse(kept.body, status=kept.status, content_type="application/json")
    answer["Idempotent-Replayed"] = "true"
    if kept.location:
        answer["Location"] = kept.location
    return answer


def _said_once(kept: KeptAnswer) -> Refused:
    words = "It was done, and its secret is shown by the first answer only: revoke it (Location), and make another one."
    return refused("conflict", words, [Problem("", words, "answered_already")], Location=kept.location)


def _digest(*parts: str) -> str:
    counted = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(counted.encode(errors="surrogatepass")).hexdigest()
