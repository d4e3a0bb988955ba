"""What the fields of projects and APIs may say, in words for people."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.facts import FAPI2
from projects.sectors import PAIRWISE, PUBLIC
from projects.sign_in import BY_GROUPS, BY_ROLES, EVERYONE


class ConsentMode(models.TextChoices):
    EXPLICIT = "explicit", _("Ask people for consent")
    IMPLICIT = "implicit", _("First party: never ask")


class CrossClient(models.TextChoices):
    SAME_PROJECT = "same_project", _("Clients of this project may get ID tokens for each other")
    OFF = "off", _("No ID tokens for other clients")


class Status(models.TextChoices):
    PRODUCTION = "production", _("Production: everybody may sign in")
    TESTING = "testing", _("Testing: only test users may sign in")


class SignIn(models.TextChoices):
    """Who may sign in to the apps of a project, or to one of them."""

    ANYONE = EVERYONE, _("Everybody who has an account")
    GROUPS = BY_GROUPS, _("Who is in one of the groups below")
    ROLES = BY_ROLES, _("Who has one of the project's roles below")


class SubjectType(models.TextChoices):
    """What the apps of a project know people by."""

    PUBLIC = PUBLIC, _("By the identifier that apps of all projects know")
    PAIRWISE = PAIRWISE, _("By one that only this project's apps know")


class Role(models.TextChoices):
    OWNER = "owner", _("Owner: everything, members included")
    EDITOR = "editor", _("Editor: apps, APIs and the consent screen")
    VIEWER = "viewer", _("Viewer: looks, changes nothing")


class TokenFormat(models.TextChoices):
    INHERIT = "inherit", _("As the client says")
    OPAQUE = "opaque", _("Opaque: checked by introspection, revoked at once")
    JWT = "jwt", _("JWT: checked locally, valid until it expires")


class Shared(models.TextChoices):
    PRIVATE = "private", _("Only clients of this project")
    LISTED = "listed", _("Clients of this project and of the listed ones")
    PUBLIC = "public", _("Clients of every project")


class GuestApps(models.TextChoices):
    """Which apps from outside every project may ask people for access to its APIs."""

    NONE = "none", _("None: its APIs are for registered apps only")
    LISTED = "listed", _("Those of the listed hosts")
    ANY = "any", _("Any app that registers itself")


class Profile(models.TextChoices):
    """Sets of demands on clients and their requests. None: what the clients themselves say."""

    FAPI2 = FAPI2, _("FAPI 2.0: keys instead of secrets, pushed requests, tokens bound to a key")
