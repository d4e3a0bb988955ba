"""For Django views: a decorator that lets only requests with a good access token through."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from vestibule_verifier.access import AccessTokenVerifier
from vestibule_verifier.answers import answer, presented
from vestibule_verifier.claims import scopes
from vestibule_verifier.errors import TokenError
from vestibule_verifier.sender import Sender

SETTING = "ACCESS_TOKEN_VERIFIER"
View = TypeVar("View", bound=Callable[..., Any])


def configured_verifier() -> AccessTokenVerifier:
    """The verifier of the settings: one object, so that its keys and answers are kept."""
    verifier = getattr(settings, SETTING, None)
    if not isinstance(verifier, AccessTokenVerifier):
        raise ImproperlyConfigured(f"Set {SETTING} to a LocalVerifier or an IntrospectionVerifier.")
    return verifier


def sender_of(request: HttpRequest, scheme: str) -> Sender:
    """What this request shows of the key or certificate that its token may be bound to.

    Its address is below ACCESS_TOKEN_BASE_URL: what apps call, not what a proxy made of it. Without that setting it is
    what Django takes it for, so ALLOWED_HOSTS has to name this API alone. ACCESS_TOKEN_CERTIFICATE is a function that
    answers the certificate of the connection, from a header that only your proxy can set.
    """
    base = getattr(settings, "ACCESS_TOKEN_BASE_URL", "")
    certificate = getattr(settings, "ACCESS_TOKEN_CERTIFICATE", None)
    return Sender(
        method=request.method or "",
        url=base.rstrip("/") + request.path if base else request.build_absolute_uri(request.path),
        scheme=scheme,
        proof=request.META.get("HTTP_DPOP"),
        certificate=certificate(request) if certificate is not None else None,
    )


def require_access_token(
    *,
    scope: str = "",
    audience: str | Iterable[str] | None = None,
    verifier: AccessTokenVerifier | None = None,
) -> Callable[[View], View]:
    """Answer 401, 403 or 503 unless the request has an access token for this API with every scope of `scope`.

    The view finds it as `request.access_token`. `audience` and `verifier` take the place of the configured ones. The
    view is exempt from CSRF checks: no browser sends this header by itself.
    """
    scopes(scope)
    audience = tuple(audience) if audience is not None and not isinstance(audience, str) else audience

    def check(request: HttpRequest) -> HttpResponseBase | None:
        sent = request.META.get("HTTP_AUTHORIZATION", "")
        try:
            scheme, token = presented(sent)
            sender = sender_of(request, scheme)
            found = (verifier or configured_verifier()).verify(token, scope=scope, audience=audience, sender=sender)
        except TokenError as error:
            refused = answer(error, scheme=sent.partition(" ")[0].lower())
            return JsonResponse(refused.body, status=refused.status, headers=refused.headers)
        request.access_token = found  # type: ignore[attr-defined]
        return None

    def decorate(view: View) -> View:
        return csrf_exempt(_guarded(view, check))  # type: ignore[return-value]

    return decorate


def _guarded(view: View, check: Callable[[HttpRequest], HttpResponseBase | None]) -> Callable[..., object]:
    """The view behind a check that answers a refusal, or None to let the request through."""
    if inspect.iscoroutinefunction(view):

        @functools.wraps(view)
        async def checked_async(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            refusal = await sync_to_async(check)(request)
            return await view(request, *args, **kwargs) if refusal is None else refusal

        return checked_async

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        refusal = check(request)
        return view(request, *args, **kwargs) if refusal is None else refusal

    return checked
