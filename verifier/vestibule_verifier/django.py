"""For Django views: a decorator that lets only requests with a good access token through."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from vestibule_verifier.access import AccessTokenVerifier
from vestibule_verifier.answers import answer, presented
from vestibule_verifier.claims import scopes
from vestibule_verifier.errors import TokenError
from vestibule_verifier.metadata import HEADERS, PREFLIGHT, ProtectedResource
from vestibule_verifier.sender import Sender

SETTING, RESOURCE = "ACCESS_TOKEN_VERIFIER", "ACCESS_TOKEN_RESOURCE"
View = TypeVar("View", bound=Callable[..., Any])


def configured_resource() -> ProtectedResource | None:
    """What the settings say of this API to apps that never heard of it; None: nothing."""
    resource = getattr(settings, RESOURCE, None)
    if resource is None or isinstance(resource, ProtectedResource):
        return resource
    raise ImproperlyConfigured(f"Set {RESOURCE} to a ProtectedResource.")


def configured_verifier() -> AccessTokenVerifier:
    """The verifier of the settings: one object, so that its keys and answers are kept."""
    resource = configured_resource()
    verifier = getattr(settings, SETTING, resource and resource.verifier)
    if not isinstance(verifier, AccessTokenVerifier):
        raise ImproperlyConfigured(f"Set {SETTING} to a LocalVerifier or an IntrospectionVerifier.")
    if resource is not None and resource.verifier is not verifier:
        raise ImproperlyConfigured(f"{RESOURCE} describes another verifier than {SETTING}: leave the latter out.")
    return verifier


def metadata_urls(resource: ProtectedResource | None = None) -> list[URLPattern]:
    """For `urlpatterns` of the site, not of an app below a path: where apps look for the document (RFC 9728)."""
    described = resource or configured_resource()
    if described is None:
        raise ImproperlyConfigured(f"Set {RESOURCE} to a ProtectedResource.")
    return [re_path(rf"^{re.escape(described.metadata_path.strip('/'))}/?$", functools.partial(_metadata, described))]


def _metadata(resource: ProtectedResource, request: HttpRequest) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=PREFLIGHT)
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, OPTIONS"})
    return HttpResponse(resource.body, headers=HEADERS)


def sender_of(request: HttpRequest, scheme: str) -> Sender:
    """What this request shows of the key or certificate that its token may be bound to.

    Its address is below ACCESS_TOKEN_BASE_URL: what apps call, not what a proxy made of it. Without that setting it is
    at the origin of ACCESS_TOKEN_RESOURCE, and without that one what Django takes it for, so ALLOWED_HOSTS has to name
    this API alone. ACCESS_TOKEN_CERTIFICATE is a function that answers the certificate of the connection, from a header
    that only your proxy can set.
    """
    resource = configured_resource()
    base = getattr(settings, "ACCESS_TOKEN_BASE_URL", resource.origin if resource is not None else "")
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
    resource: ProtectedResource | None = None,
) -> Callable[[View], View]:
    """Answer 401, 403 or 503 unless the request has an access token for this API with every scope of `scope`.

    The view finds it as `request.access_token`. `audience`, `verifier` and `resource` take the place of the configured
    ones. The view is exempt from CSRF checks: no browser sends this header by itself.
    """
    scopes(scope)
    verifier = verifier or (resource.verifier if resource is not None else None)
    audience = tuple(audience) if audience is not None and not isinstance(audience, str) else audience

    def described() -> ProtectedResource | None:
        """A view that is another API than the rest is not what the settings describe."""
        return resource or (configured_resource() if audience is None and verifier is None else None)

    def check(request: HttpRequest) -> HttpResponseBase | None:
        sent = request.META.get("HTTP_AUTHORIZATION", "")
        try:
            scheme, token = presented(sent)
            sender = sender_of(request, scheme)
            found = (verifier or configured_verifier()).verify(token, scope=scope, audience=audience, sender=sender)
        except TokenError as error:
            used = sent.partition(" ")[0].lower()
            refused = answer(error, scheme=used, resource=described(), scope=scope)
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
