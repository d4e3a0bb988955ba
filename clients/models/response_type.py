"""What a client may ask an authorization request for (RFC 7591 section 2, OAuth 2.0 Multiple Response Types 1.0)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ResponseType(models.TextChoices):
    """All but the first bring tokens through the browser: for apps that cannot be changed."""

    CODE = "code", _("Code: tokens come from the token endpoint")
    ID_TOKEN = "id_token", _("ID token through the browser")
    CODE_ID_TOKEN = "code id_token", _("Code, and an ID token through the browser")
    TOKEN = "token", _("Access token through the browser")
    ID_TOKEN_TOKEN = "id_token token", _("ID token and access token through the browser")
    CODE_TOKEN = "code token", _("Code, and an access token through the browser")
    CODE_ID_TOKEN_TOKEN = "code id_token token", _("Code, and both tokens through the browser")


def usual() -> list[str]:
    """What a client may ask for unless somebody decided otherwise."""
    return [ResponseType.CODE.value]
