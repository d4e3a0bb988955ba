"""Who owns what, what people are asked, and what they answered. Speaks of scopes and audiences as plain strings."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from common import jws
from projects import matcher
from projects.belonging import Member as Member
from projects.belonging import ProjectRole as ProjectRole
from projects.belonging import RoleGrant as RoleGrant
from projects.choices import ConsentMode as ConsentMode
from projects.choices import CrossClient as CrossClient
from projects.choices import GuestApps, Profile
from projects.choices import Role as Role
from projects.choices import Shared as Shared
from projects.choices import Status as Status
from projects.choices import TokenFormat as TokenFormat
from projects.constraints import API, PROJECT
from projects.invitation import Invitation as Invitation  # Django looks for models here
from projects.logo import Logo as Logo
from projects.rules import scope_token
from projects.scopes import ADMIN_PREFIX, SCIM_PREFIX, SIGN_IN_SCOPES, SIGNALS_PREFIX
from projects.sign_in_columns import SignInColumns
from projects.subject_columns import SubjectColumns

web_page = URLValidator(schemes=["https", "http"])  # shown as a link: never javascript: or data:


class Project(SignInColumns, SubjectColumns):
    """Groups clients and APIs. People consent once per project."""

    key = models.SlugField(
        _("key"), max_length=50, unique=True, help_text=_("Stable name used in files and commands; lower case.")
    )
    name = models.CharField(_("name"), max_length=100)
    consent_mode = models.CharField(
        _("consent"), max_length=10, choices=ConsentMode.choices, default=ConsentMode.EXPLICIT
    )
    cross_client = models.CharField(
        _("cross-client ID tokens"), max_length=12, choices=CrossClient.choices, default=CrossClient.SAME_PROJECT
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PRODUCTION)
    test_users = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+", verbose_name=_("test users")
    )
    tokens_not_before = models.DateTimeField(
        _("tokens not before"),
        null=True,
        blank=True,
        help_text=_("Tokens of this project's clients issued before this moment stop working."),
    )
    longest_grant = models.PositiveIntegerField(_("longest grant in seconds"), null=True, blank=True)
    profile = models.CharField(
        _("profile"),
        max_length=10,
        choices=Profile.choices,
        blank=True,
        help_text=_("What all of its clients have to meet. A client that does not is refused, and told what it lacks."),
    )
    # When a longest grant was lifted, what it had ended by then had begun before this moment: it stays ended.
    grants_not_before = models.DateTimeField(null=True, editable=False)
    require_pushed_authorization_requests = models.BooleanField(
        _("require pushed authorization requests"),
        default=False,
        help_text=_("Of every client of this project (RFC 9126)."),
    )
    guest_apps = models.CharField(
        _("guest apps"),
        max_length=6,
        choices=GuestApps.choices,
        default=GuestApps.NONE,
        help_text=_("Apps that registered themselves. They reach only the scopes of its APIs that are open to them."),
    )
    consent_uri = models.CharField(
        _("consent page"),
        max_length=500,
        blank=True,
        help_text=_("A page of your own that asks people in place of ours, for this project's apps. Only a superuser."),
    )
    # What its apps are told of people, besides the standard claims: `projects.claim_table`.
    claims = models.JSONField(default=list, blank=True, editable=False)
    guest_hosts = models.JSONField(_("hosts of guest apps"), default=list, blank=True)
    guest_longest_grant = models.PositiveIntegerField(
        _("longest grant to guest apps in seconds"),
        null=True,
        blank=True,
        default=30 * 24 * 3600,
        help_text=_("What a person allowed a guest app ends by itself so long after they allowed it."),
    )
    # When the door was last closed to somebody: opening it again revives nothing that guests had.
    guests_not_before = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["name"]
        constraints = PROJECT

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Two keys never differ in capitals alone."""
        if self._state.adding and self.key != self.key.lower():
            raise ValidationError({"key": _("Use lower case letters only.")})


class ConsentScreen(models.Model):
    """What people see of a project when they are asked."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="consent_screen")
    app_name = models.CharField(_("name shown to people"), max_length=100, blank=True)
    support_email = models.EmailField(_("support e-mail"), blank=True)
    homepage_uri = models.CharField(_("home page"), max_length=500, blank=True, validators=[web_page])
    policy_uri = models.CharField(_("privacy policy"), max_length=500, blank=True, validators=[web_page])
    tos_uri = models.CharField(_("terms of service"), max_length=500, blank=True, validators=[web_page])
    logo_digest = models.CharField(max_length=64, blank=True, editable=False)  # `projects.logos`

    class Meta:
        verbose_name = _("consent screen")
        verbose_name_plural = _("consent screens")

    def __str__(self) -> str:
        return str(self.project)


def one_at_a_time() -> None:
    """Keep others who check for overlaps waiting until this transaction ends: two at once would not see each other.

    Whoever locks rows as well asks for this first: two who wait for each other would both fail.
    PostgreSQL only: SQLite lets one transaction write at a time anyway (IMMEDIATE), the check included.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [crc32(b"projects.api")])


class Api(models.Model):
    """A protected resource: its identifier is the audience that tokens for it carry."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="apis", verbose_name=_("project"))
    identifier = models.CharField(
        _("identifier"),
        max_length=matcher.MAX_LENGTH,
        help_text=_("An absolute URI such as https://api.example.com/orders; tokens for this API carry it as “aud”."),
    )
    canonical = models.CharField(max_length=matcher.MAX_LENGTH, editable=False)
    origin = models.CharField(max_length=matcher.MAX_LENGTH, editable=False, db_index=True)
    name = models.CharField(_("name shown to people"), max_length=100)
    description = models.CharField(_("description shown to people"), max_length=300, blank=True)
    token_format = models.CharField(
        _("access token format"), max_length=7, choices=TokenFormat.choices, default=TokenFormat.INHERIT
    )
    token_signing_alg = models.CharField(
        _("signing algorithm of access tokens"),
        max_length=10,
        choices=jws.names,
        default="ES256",
        help_text=_("For JWTs. RS256 is for programs that know no other; ES256 is quicker to make."),
    )
    token_lifetime = models.PositiveIntegerField(
        _("access token lifetime in seconds"),
        null=True,
        blank=True,
        help_text=_("Tokens for this API live no longer than this; empty: as the client says."),
    )
    tokens_not_before = models.DateTimeField(
        _("tokens not before"),
        null=True,
        blank=True,
        help_text=_("Tokens for this API issued before this moment stop working."),
    )
    shared = models.CharField(_("who may ask for it"), max_length=7, choices=Shared.choices, default=Shared.PRIVATE)
    shared_with = models.ManyToManyField(Project, blank=True, related_name="+", verbose_name=_("shared with"))
    # When sharing was last taken back from somebody: sharing again revives no token that clients of others had.
    others_not_before = models.DateTimeField(null=True, editable=False)
    # The same for guest apps: when one of its scopes was last closed to them.
    guests_not_before = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("API")
        verbose_name_plural = _("APIs")
        ordering = ["name"]
        constraints = API

    def __str__(self) -> str:
        return f"{self.name} ({self.identifier})"

    def clean(self) -> None:
        """Refuse what is not an absolute URI, and what would overlap an API of another project (protocol section 0)."""
        try:
            parsed = matcher.check_registrable(self.identifier, plain_http=settings.IDP_PLAIN_HTTP_AUDIENCES)
        except matcher.Malformed as error:
            raise ValidationError({"identifier": str(error)}) from None
        if parsed.kind == "name":
            raise ValidationError({"identifier": _("Use an absolute URI, such as https://api.example.com/orders.")})
        if parsed.query is not None:
            raise ValidationError({"identifier": _("The identifier of an API must not have a query.")})
        ours = settings.IDP_ISSUER
        if matcher.covers(ours, self.identifier) or matcher.covers(self.identifier, ours):
            raise ValidationError({"identifier": _("The provider's own address cannot be registered as an API.")})
        one_at_a_time()
        others = Api.objects.exclude(project=self.project_id).filter(origin=parsed.origin)
        for other in others:
            if matcher.covers(other.identifier, self.identifier) or matcher.covers(self.identifier, other.identifier):
                raise ValidationError({"identifier": _("This address overlaps an API of another project.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        parsed = matcher.parse(self.identifier)
        self.canonical, self.origin = parsed.canonical, parsed.origin
        super().save(*args, **kwargs)


class ApiScope(models.Model):
    """One thing a token may allow at an API, in words people understand."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="scopes")
    name = models.CharField(_("scope"), max_length=100, validators=[scope_token])
    description = models.CharField(_("description shown to people"), max_length=200)
    sensitive = models.BooleanField(
        _("sensitive"),
        default=False,
        help_text=_("Marked on the consent page; whoever allows it gets a mail that says so."),
    )
    guests = models.BooleanField(
        _("open to guest apps"),
        default=False,
        help_text=_("An app that registered itself may ask people for it, if the project lets that app in."),
    )

    class Meta:
        verbose_name = _("scope")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["api", "name"], name="one_scope_per_name_and_api"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.name in SIGN_IN_SCOPES:
            raise ValidationError({"name": _("This scope belongs to signing in; choose another name.")})
        if self.name.startswith((ADMIN_PREFIX, SCIM_PREFIX, SIGNALS_PREFIX)):
            raise ValidationError({"name": _("Scopes that start with 'admin.' are reserved for the provider.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Code that goes past the registration gives no scope of signing in to an API either."""
        self.clean()
        super().save(*args, **kwargs)


class Consent(models.Model):
    """What a person allowed the clients of a project. Deleting it ends every authorization that came from it."""

    # Cleared after them (`clients.remains`): a project may have any number.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="consents"
    )
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, related_name="consents")
    scopes = models.JSONField(default=list)
    audiences = models.JSONField(default=list)
    # When the person chose an end: they are asked again then. What an app got unasked meanwhile ends then, too.
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(fields=["user", "project"], name="one_consent_per_person_and_project")]

    def __str__(self) -> str:
        return f"Consent of {self.user} to {self.project}"
