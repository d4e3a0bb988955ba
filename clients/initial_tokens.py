"""Initial access tokens: an owner makes one, and whoever gets it registers apps in the project (RFC 7591 section 3)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from clients.around import Around
from clients.metadata import Audience, ClientMetadata
from clients.models import InitialAccessToken
from clients.policy import listing_problems
from clients.rules import audience_problems
from common import clock
from projects.actors import Actor
from projects.events import acting, record
from projects.models import Project
from projects.problems import Problem, require
from projects.rules import text_problem
from projects.scopes import BY_TABLE, SIGN_IN_SCOPES

LONGEST = 365  # days that one works
MOST = 1000  # apps that are registered with one
MAX_LABEL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`scope` and `audience`: what apps that come with it may have at most. An app is asked no more than that."""

    label: str = ""
    scope: str = " ".join(one for one in SIGN_IN_SCOPES if one not in BY_TABLE)
    audience: tuple[str, ...] = ()
    require_pkce: bool = True
    most: int = 1
    days: int = 1


def digest_of(token: str) -> str:
    """256 random bits cannot be guessed: a plain digest is enough."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


def problems(wanted: Wanted, project: Project, by: Actor) -> Iterator[Problem]:
    if not by.owns(project):
        yield Problem("project", _("Only an owner of the project lets apps register themselves."))
        return
    if settings.IDP_DYNAMIC_REGISTRATION == "off":
        yield Problem("project", _("Whoever runs this provider has not switched it on (IDP_DYNAMIC_REGISTRATION)."))
    if problem := text_problem(wanted.label, MAX_LABEL):
        yield Problem("label", problem)
    for name, value, most in (("most", wanted.most, MOST), ("days", wanted.days, LONGEST)):
        if not 1 <= value <= most:
            yield Problem(name, _("This must be 1 to %(most)s.") % {"most": most})
    client = ClientMetadata(scope=wanted.scope, audience=tuple(Audience(one) for one in wanted.audience))
    around = Around([client], project)
    for scope in client.scopes:
        if scope not in SIGN_IN_SCOPES and scope not in around.scopes:
            yield Problem("scope", _("%(scope)s is no scope of an API that the project may use.") % {"scope": scope})
    wrong = audience_problems(client.audience)
    listed = listing_problems(client.audience, by, around)
    yield from (Problem(one.field.removesuffix(".value"), one.message) for one in wrong or listed)


def make(wanted: Wanted, project: Project, by: Actor) -> tuple[InitialAccessToken, str]:
    """A new one, and its text, which is answered here and cannot be read again. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        require(problems(wanted, project, by))
        token = new_token()
        made = InitialAccessToken.objects.create(
            project=project,
            digest=digest_of(token),
            label=wanted.label,
            scope=" ".join(dict.fromkeys(wanted.scope.split())),
            audiences=list(wanted.audience),
            require_pkce=wanted.require_pkce,
            most=wanted.most,
            expires_at=clock.now() + timedelta(days=wanted.days),
        )
        said = {"label": made.label, "scope": made.scope, "audience": made.audiences, "most": made.most}
        record(by, "initial_token.made", project=project.key, expires_at=made.expires_at.isoformat(), **said)
    return made, token


def revoke(made: InitialAccessToken, by: Actor) -> bool:
    """Nobody registers with it any more; apps that did stay. Whether it was this call. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        if not by.owns(made.project):
            require([Problem("project", _("Only an owner of the project lets apps register themselves."))])
        live = InitialAccessToken.objects.filter(pk=made.pk, revoked_at__isnull=True)
        if not live.update(revoked_at=clock.now()):
            return False
        record(by, "initial_token.revoked", project=made.project.key, label=made.label)
    return True


def _live() -> QuerySet[InitialAccessToken]:
    return InitialAccessToken.objects.filter(revoked_at__isnull=True, expires_at__gt=clock.now(), used__lt=F("most"))


def find(token: str) -> InitialAccessToken | None:
    """The one that this text is, as long as it works."""
    return _live().select_related("project").filter(digest=digest_of(token)).first()


def spend(token: InitialAccessToken) -> bool:
    """Whether it could be used once more. In the transaction that registers: who is refused used nothing up."""
    return bool(_live().filter(pk=token.pk).update(used=F("used") + 1))
