"""What fields of a client may say, with the words of its form."""

from __future__ import annotations

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clients import rules


class GrantType(models.TextChoices):
    AUTHORIZATION_CODE = "authorization_code", _("Authorization code: people sign in")
    REFRESH_TOKEN = "refresh_token", _("Refresh token: go on without the person")
    CLIENT_CREDENTIALS = "client_credentials", _("Client credentials: the service itself")
    DEVICE_CODE = rules.DEVICE_CODE, _("Device code: people allow it on another device")
    TOKEN_EXCHANGE = rules.TOKEN_EXCHANGE, _("Token exchange: a narrower token, or one for the next API")


class AuthMethod(models.TextChoices):
    BASIC = "client_secret_basic", _("Secret in the Authorization header")
    POST = "client_secret_post", _("Secret in the request body")
    PRIVATE_KEY_JWT = "private_key_jwt", _("Assertion signed by a key of its own")
    TLS = "tls_client_auth", _("Client certificate that a CA vouches for")
    SELF_SIGNED_TLS = "self_signed_tls_client_auth", _("Client certificate with a key of its own")
    NONE = "none", _("None: a public client that cannot keep a secret")


def auth_methods() -> list[tuple[str, str | Promise]]:
    """The choices of a field. A callable: a migration names it and not what it answers, so a new row needs none."""
    return [(method.value, method.label) for method in AuthMethod]


class ApplicationType(models.TextChoices):
    """OpenID Connect Dynamic Client Registration 1.0 section 2."""

    WEB = "web", _("Web: on a server, or in a browser")
    NATIVE = "native", _("Native: installed on people's devices")


class Introspection(models.TextChoices):
    NONE = "none", _("May not introspect")
    OWN = "own", _("Tokens issued to this client")
    PROJECT = "project", _("Tokens of every client of its project")
    LISTED = "listed", _("Tokens of the listed clients")
    ALL = "all", _("Every token of this provider")


class RefreshTokens(models.TextChoices):
    OFFLINE_ACCESS = "offline_access", _("When it asks for offline_access")
    ALWAYS = "always", _("With every sign-in, as if it asked for offline_access")


class ClientTokenFormat(models.TextChoices):
    OPAQUE = "opaque", _("Opaque: checked by introspection, revoked at once")
    JWT = "jwt", _("JWT: checked locally, valid until it expires")
