"""The toolkit's code and token models, lean: digests only, and no ceiling of their own.

All six are swapped from the first migration because the toolkit cannot swap them later. A column set to None is one
of the toolkit's that we do not want: the text of a token is never stored, and what a person allowed stands on the
Authorization.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from clients.models.authorization import Authorization
from clients.models.client import Client
from common import clock

DIGEST_LENGTH = 64  # SHA-256, hexadecimal
THUMBPRINT_LENGTH = 43  # SHA-256, base64url


class Grant(AbstractGrant):
    """An authorization code (RFC 6749 section 4.1). Used once; `used_at` tells a second use from an unknown code."""

    id = None
    code = None
    user = None
    application = None
    scope = None
    resource = None
    claims = None
    updated = None

    created = models.DateTimeField(default=clock.now, editable=False)
    digest = models.CharField(primary_key=True, max_length=DIGEST_LENGTH)
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="codes")
    used_at = models.DateTimeField(null=True)
    nonce = models.CharField(max_length=512, blank=True, default="")  # profiles send longer ones than the toolkit has
    # The thumbprint of the key whose holder alone may redeem it (RFC 9449 section 10); empty: anybody it belongs to.
    dpop_jkt = models.CharField(max_length=THUMBPRINT_LENGTH, blank=True)

    class Meta:
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(code_challenge="", code_challenge_method="")
                | (~models.Q(code_challenge="") & models.Q(code_challenge_method="S256")),
                name="code_challenge_is_s256",
            )
        ]

    def __str__(self) -> str:
        return f"Code of {self.authorization_id}"


THEIR_NAME = {"token_checksum": models.F("digest")}


class AccessTokens(models.Manager["AccessToken"]):
    """The toolkit's views look a new token up by its digest, under their name for that column."""

    def get_queryset(self) -> models.QuerySet[AccessToken]:
        return super().get_queryset().alias(**THEIR_NAME)


class AccessToken(AbstractAccessToken):
    """An opaque access token. `resource` is its audience. No authorization: a client's own token."""

    id = None
    user = None
    source_refresh_token = None
    token = None
    token_checksum = None
    id_token = None
    updated = None

    digest = models.CharField(primary_key=True, max_length=DIGEST_LENGTH)
    application = models.ForeignKey(
        Client, on_delete=models.DO_NOTHING, db_constraint=False, related_name="access_tokens"
    )
    # No constraint: checking it took an eighth of an exchange. A row that is left without its Authorization is found by
    # nobody (`provider.store.statements`), and goes when it expires.
    authorization = models.ForeignKey(
        Authorization, on_delete=models.CASCADE, null=True, db_constraint=False, related_name="access_tokens"
    )
    revoked_at = models.DateTimeField(null=True)
    cnf = models.JSONField(default=dict)  # what it is bound to (RFC 7800)
    # Of an exchanged token (RFC 8693), each separated by spaces: the client ids that `act` names, the latest first; and
    # the access tokens it came from, by digest or `jti`. When one of those is revoked, it ends.
    actors = models.TextField(blank=True, db_default="")
    came_from = models.TextField(blank=True, db_default="")

    objects = AccessTokens()

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")

    def __str__(self) -> str:
        return f"Access token of {self.application_id}"


class RefreshToken(AbstractRefreshToken):
    """A refresh token of one generation of its Authorization."""

    id = None
    user = None
    token = None
    token_checksum = None
    application = None
    access_token = None
    token_family = None
    resource = None
    updated = None
    revoked = None

    digest = models.CharField(primary_key=True, max_length=DIGEST_LENGTH)
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="refresh_tokens")
    generation = models.PositiveIntegerField()
    expires = models.DateTimeField(null=True)
    cnf = models.JSONField(default=dict)  # what it is bound to (RFC 7800)

    class Meta:
        verbose_name = _("refresh token")
        verbose_name_plural = _("refresh tokens")

    def __str__(self) -> str:
        return f"Refresh token of {self.authorization_id}"


class IDToken(AbstractIDToken):
    """Swapped so that it may change one day; ID tokens need no row and none is written."""

    class Meta:
        pass


class DeviceGrant(AbstractDeviceGrant):
    """A device that waits for a person (RFC 8628): it knows one code, and the person types the other.

    Who confirms it gives it their Authorization. `interval` is how many seconds it has to leave between two requests.
    """

    id = None
    device_code = None
    user_code = None
    user = None
    scope = None
    client_id = None
    last_checked = None

    digest = models.CharField(primary_key=True, max_length=DIGEST_LENGTH)
    user_digest = models.CharField(unique=True, max_length=DIGEST_LENGTH)  # keyed: what is typed can be guessed
    client = models.ForeignKey(
        Client, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="device_grants"
    )
    asked = models.TextField(blank=True)  # the parameters of its request, as a query
    address = models.CharField(max_length=45, blank=True)  # where that came from
    created = models.DateTimeField(default=clock.now, editable=False)
    polled_at = models.DateTimeField(null=True)  # when it last asked in time, by the clock of the database
    hasty = models.BooleanField(default=False)  # it last asked too early
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, null=True, related_name="device_grants")
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("device code")
        verbose_name_plural = _("device codes")
        indexes = [models.Index(fields=["client", "expires"], name="device_grant_of_client")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="authorized", authorization__isnull=False)
                | models.Q(
                    status__in=["authorization-pending", "denied"], authorization__isnull=True, used_at__isnull=True
                ),
                name="device_grant_has_what_was_allowed",
            )
        ]

    def __str__(self) -> str:
        return f"Device code of {self.client_id}"


class RevokedToken(models.Model):
    """The deny-list of JWT access tokens: kept until the token would have expired anyway."""

    jti = models.CharField(primary_key=True, max_length=100)
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return self.jti
