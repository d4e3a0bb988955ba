"""What a project or an API is to be. Every door translates what it was sent into this, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from projects.claim_table import ClaimRow
from projects.sign_in import EVERYBODY, LetIn


@dataclass(frozen=True, slots=True)
class Membership:
    username: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What people see of a project when they are asked."""

    app_name: str = ""
    support_email: str = ""
    homepage_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    logo_uri: str = ""  # where it is; or the picture itself, as a `data:` URI: `projects.logos`


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMetadata:
    id: str  # the key
    name: str = ""
    consent_mode: str = "explicit"
    cross_client: str = "same_project"
    status: str = "production"
    test_users: tuple[str, ...] = ()
    tokens_not_before: datetime | None = None
    longest_grant: int | None = None
    profile: str = ""
    require_pushed_authorization_requests: bool = False
    guest_apps: str = "none"
    guest_hosts: tuple[str, ...] = ()
    guest_longest_grant: int | None = 30 * 24 * 3600
    consent_uri: str = ""  # who asks people in our place; empty: we do
    subject_type: str = "public"
    members: tuple[Membership, ...] = ()
    consent_screen: Screen = Screen()
    sign_in: LetIn = EVERYBODY
    claims: tuple[ClaimRow, ...] = ()  # what its apps are told of people, besides the standard claims


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    description: str = ""
    sensitive: bool = False
    guests: bool = False  # open to guest apps


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiMetadata:
    identifier: str
    name: str = ""
    description: str = ""
    token_format: str = "inherit"  # noqa: S105 - a format
    token_signing_alg: str = "ES256"  # noqa: S105 - an algorithm
    token_lifetime: int | None = None
    tokens_not_before: datetime | None = None
    shared: str = "private"
    shared_with: tuple[str, ...] = ()  # ids of projects
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMetadata:
    """A role that the apps of a project know, and who has it."""

    name: str
    description: str = ""
    users: tuple[str, ...] = ()  # user names
    groups: tuple[str, ...] = ()  # everybody in them
