"""Clients: who they are, how they prove it, and what they may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication

from clients import guests, rules
from clients.identifiers import new_client_id
from clients.metadata import SECRET_METHODS, ClientMetadata
from clients.models.about import AboutTheApp
from clients.models.choices import (
    AuthMethod,
    ClientTokenFormat,
    Introspection,
    RefreshTokens,
    auth_methods,
)
from clients.models.columns import MetadataColumns
from clients.models.constraints import CONSTRAINTS
from clients.models.response_type import usual
from clients.models.values import CHOICES
from common import jws
from projects.choices import Profile
from projects.events import CLIENT_DELETED, SecurityEvent
from projects.models import Api, Project
from projects.problems import Problem, new_problems
from projects.sign_in_columns import SignInColumns

ID_BURIED = _("This client ID belonged to a deleted client; an ID is never used again.")
ID_LISTED = _("Clients name this as an audience already. Choose another client ID.")
MOVED = _("A client stays in its project for ever. Create another client instead.")


class Client(MetadataColumns, AboutTheApp, SignInColumns, AbstractApplication):
    """An OAuth client (RFC 6749 section 2). Belongs to one project for ever; a `client_id` is never reused.

    Without a project it is a guest: it registered itself, and each project decides whether to let it in.
    """

    # The toolkit's single grant type, single secret, HS256 and consent switches: ours are below, or not wanted.
    authorization_grant_type = None
    client_secret = None
    hash_client_secret = None
    algorithm = None
    skip_authorization = None
    allowed_origins = None
    user = None

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="clients", null=True, verbose_name=_("project")
    )
    client_id = models.CharField(_("client ID"), max_length=255, unique=True, default=new_client_id)
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("A disabled client gets no tokens, and those it has stop working.")
    )
    # Which of the two switched it off last: members of the project do not undo a superuser's decision.
    disabled_by_superuser = models.BooleanField(default=False, editable=False)
    token_endpoint_auth_method = models.CharField(
        _("client authentication method"), max_length=40, choices=auth_methods, default=AuthMethod.BASIC
    )
    grant_types = models.JSONField(_("grant types"), default=list, blank=True)
    response_types = models.JSONField(_("response types"), default=usual, blank=True)
    scope = models.TextField(_("scopes"), blank=True, help_text=_("What this client may ask for, separated by spaces."))
    backchannel_logout_uri = models.CharField(_("back-channel logout URI"), max_length=500, blank=True)

    access_token_format = models.CharField(
        _("access token format"), max_length=6, choices=ClientTokenFormat.choices, default=ClientTokenFormat.OPAQUE
    )
    access_token_lifetime = models.PositiveIntegerField(_("access token lifetime in seconds"), default=3600)
    id_token_lifetime = models.PositiveIntegerField(_("ID token lifetime in seconds"), default=3600)
    refresh_token_lifetime = models.PositiveIntegerField(
        _("refresh token lifetime in seconds"),
        null=True,
        blank=True,
        help_text=_("Counted from the person's authorization; empty: until revoked."),
    )
    refresh_token_idle_lifetime = models.PositiveIntegerField(
        _("refresh token idle lifetime in seconds"),
        null=True,
        blank=True,
        default=30 * 24 * 3600,
        help_text=_("Counted from its last use; empty: no limit."),
    )
    id_token_signed_response_alg = models.CharField(
        _("ID token signature"), max_length=16, choices=jws.names, default="RS256"
    )
    userinfo_signed_response_alg = models.CharField(
        _("userinfo signature"),
        max_length=16,
        choices=jws.names,
        blank=True,
        help_text=_("Userinfo answers this client with a signed JWT; empty: plain JSON."),
    )
    authorization_signed_response_alg = models.CharField(
        _("authorization response signature"), max_length=16, choices=jws.names, default="RS256"
    )
    require_pkce = models.BooleanField(
        _("require PKCE"), default=True, help_text=_("Public clients always need it (RFC 7636).")
    )
    require_pushed_authorization_requests = models.BooleanField(
        _("require pushed authorization requests"),
        default=False,
        help_text=_("Authorization requests come through the app's server, not through the browser (RFC 9126)."),
    )
    rotate_refresh_tokens = models.BooleanField(
        _("rotate refresh tokens"),
        default=False,
        help_text=_("Each use answers a new refresh token and ends the old one. Public clients always rotate."),
    )

    introspection = models.CharField(
        _("introspection"), max_length=7, choices=Introspection.choices, default=Introspection.OWN
    )
    introspects = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="introspected_by", verbose_name=_("introspects")
    )
    acts_for = models.ManyToManyField(Api, blank=True, related_name="acting_clients", verbose_name=_("acts for"))
    allowed_callers = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="may_call", verbose_name=_("allowed callers")
    )
    cross_client_public = models.BooleanField(
        _("may get ID tokens for sibling clients although it is public"),
        default=False,
        help_text=_("Confidential clients may anyway, as the project's policy says."),
    )
    tokens_not_before = models.DateTimeField(
        _("tokens not before"), null=True, blank=True, help_text=_("Tokens issued before this moment stop working.")
    )
    # Through the HTTP API, by its own tokens. Rows, not keys: a project that takes the key of a deleted one is another.
    administers = models.ManyToManyField(
        Project, blank=True, related_name="administrators", verbose_name=_("administers")
    )
    administers_all = models.BooleanField(default=False, editable=False)

    dpop_bound_access_tokens = models.BooleanField(
        _("bind access tokens to a key"), default=False, help_text=_("Refuse token requests without a DPoP proof.")
    )
    jwks = models.JSONField(
        _("keys"), null=True, blank=True, help_text=_("A JWK Set (RFC 7517) of public keys: ten at most.")
    )
    request_object_signing_alg = models.CharField(
        _("signature of its requests"), max_length=16, choices=jws.names, blank=True
    )
    jwks_uri = models.CharField(_("address of its keys"), max_length=500, blank=True)
    token_endpoint_auth_signing_alg = models.CharField(
        _("signature of its assertions"), max_length=16, choices=jws.names, blank=True
    )
    tls_client_certificate_bound_access_tokens = models.BooleanField(
        _("bind access tokens to its certificate"),
        default=False,
        help_text=_("Refuse token requests over connections without a client certificate."),
    )
    tls_client_auth_subject_dn = models.CharField(_("subject of its certificate"), max_length=500, blank=True)
    tls_client_auth_san_dns = models.CharField(_("DNS name in its certificate"), max_length=500, blank=True)
    tls_client_auth_san_uri = models.CharField(_("URI in its certificate"), max_length=500, blank=True)
    tls_client_auth_san_ip = models.CharField(_("IP address in its certificate"), max_length=500, blank=True)
    tls_client_auth_san_email = models.CharField(_("e-mail address in its certificate"), max_length=500, blank=True)

    profile = models.CharField(_("profile"), max_length=10, choices=Profile.choices, blank=True)
    refresh_tokens = models.CharField(
        _("refresh tokens"), max_length=14, choices=RefreshTokens.choices, default=RefreshTokens.OFFLINE_ACCESS
    )

    document_read_at = models.DateTimeField(null=True, editable=False)
    document_gone_since = models.DateTimeField(null=True, editable=False)  # that its id is the address of (rule C11)

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ["name", "client_id"]
        # The longest lifetime of all clients (`provider.keys.rotation`) is read off their ends, however many there are.
        indexes = [
            models.Index(fields=["access_token_lifetime"], name="client_access_token_lifetime"),
            models.Index(fields=["id_token_lifetime"], name="client_id_token_lifetime"),
        ]
        constraints = CONSTRAINTS

    @property
    def guest(self) -> bool:
        return self.project_id is None

    @property
    def registered_itself(self) -> bool:
        """Nobody vouches for it."""
        return self.registration_source != self.RegistrationSource.MANUAL

    @property
    def home(self) -> Project:
        """Its project. Guests have none: whoever asks here has told them apart before."""
        if self.project is None:
            raise ValueError("A guest app has no project.")
        return self.project

    @property
    def public(self) -> bool:
        return bool(self.client_type == AbstractApplication.CLIENT_PUBLIC)

    @property
    def uses_secrets(self) -> bool:
        return self.token_endpoint_auth_method.startswith(SECRET_METHODS)

    @property
    def held(self) -> bool:
        """Disabled by a superuser (or the configuration file): only they enable it again."""
        return self.disabled_by_superuser and not self.enabled

    @property
    def redirect_uri_list(self) -> list[str]:
        return str(self.redirect_uris).split()

    @property
    def post_logout_redirect_uri_list(self) -> list[str]:
        return str(self.post_logout_redirect_uris).split()

    def get_absolute_url(self) -> str:
        return ""

    def clean(self) -> None:
        """The rules of `clients.rules`, each problem on its field; and what no registration may change either."""
        problems: dict[str, list[Any]] = {}
        stored = Client.objects.filter(pk=self.pk).first() if self.pk else None
        before = stored.columns if stored else None
        for one in new_problems(self.wrong_with, self.columns, before):
            problems.setdefault({"client_name": "name"}.get(one.name, one.name), []).append(one.message)
        if problem := self.id_taken_otherwise():
            problems["client_id"] = [problem]
        if stored is not None and stored.project_id != self.project_id:
            problems["project"] = [MOVED]
        if problems:
            raise ValidationError(problems)

    def wrong_with(self, columns: ClientMetadata) -> Iterable[Problem]:
        """What the rules of its kind say."""
        if self.guest:
            return guests.problems(columns, self.registration_source, CHOICES)
        return rules.problems(columns, CHOICES)

    def id_taken_otherwise(self) -> Any:
        """A new id is nobody's: neither a deleted client's nor a name that allowlists mean somebody else by."""
        if self.pk is not None:
            return ""
        if SecurityEvent.objects.filter(kind=CLIENT_DELETED, client_id=self.client_id).exists():
            return ID_BURIED
        listed = Client.objects.filter(audience_entries__canonical=self.client_id).exists()
        return ID_LISTED if listed else ""

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Make a public client's fixed choices explicit, and refuse what registration refuses."""
        if self.public:
            self.token_endpoint_auth_method = AuthMethod.NONE
            self.require_pkce = self.rotate_refresh_tokens = True
            self.introspection = Introspection.NONE
        self.clean()
        super().save(*args, **kwargs)
