"""`ui_locales`: the pages of a request speak the language its app asks for (OpenID Connect Core 1.0 section 3.1.2.1).

The authorization and consent pages have the parameter in their own address. Account pages on the way have not: a
cookie that only they get tells them.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from common import issuer
from provider import parameters
from provider.protocol.errors import Refusal
from provider.protocol.request import Params

PATH = f"{issuer.path()}/accounts/"  # where account pages live
MAX_AGE = 900  # seconds; as long as somebody may take to sign in
MAX_LOCALES = 20


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """After Django's LocaleMiddleware, which knows what the browser prefers."""

    def handle(request: HttpRequest) -> HttpResponse:
        language = _asked(request) or first_supported(request.COOKIES.get(settings.IDP_LOCALES_COOKIE_NAME, ""))
        _speak(request, language)
        return get_response(request)

    return handle


def speak(request: HttpRequest, params: Params) -> None:
    """The language of a request whose address does not tell it: a key stands for the parameters."""
    _speak(request, first_supported(params.one("ui_locales")))


def _speak(request: HttpRequest, language: str) -> None:
    if language:
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()


def pass_on(params: Params, response: HttpResponse) -> HttpResponse:
    """Tell the account pages this answer leads to; when it leads back to the app, the language was for that request."""
    if not 300 <= response.status_code < 400:
        return response
    language = first_supported(params.one("ui_locales"))
    if language and response["Location"].startswith(PATH):
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(
            settings.IDP_LOCALES_COOKIE_NAME, language, MAX_AGE, path=PATH, secure=secure, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(settings.IDP_LOCALES_COOKIE_NAME, path=PATH, samesite="Lax")
    return response


def first_supported(locales: str) -> str:
    """The first of these language tags (BCP 47, most wanted first) that the pages can speak; '' when none is."""
    for tag in locales.split(" ")[:MAX_LOCALES]:
        try:
            return translation.get_supported_language_variant(tag.lower())
        except LookupError:
            continue
    return ""


def _asked(request: HttpRequest) -> str:
    if "ui_locales" not in request.META.get("QUERY_STRING", ""):
        return ""
    try:
        params = parameters.from_query(request)
        return "" if params.has("request_uri") else first_supported(params.one("ui_locales"))
    except Refusal:
        return ""  # the endpoint says what is wrong
