"""A new app in three questions: its kind, where it is, what it may do. The answers become metadata; no rule is here.

`clients.registration` judges what comes of it, as it judges the long form.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clients.metadata import Audience, ClientMetadata
from clients.presets import PRESETS, REFRESH
from clients.registration import with_default_audience


@dataclass(frozen=True, slots=True)
class Kind:
    """An answer to the first question, and which of the others are asked then."""

    key: str  # also that of its preset
    label: str | Promise
    says: str | Promise
    such_as: str = ""
    redirects: bool = False  # people come back to it in their browser
    people: bool = False  # it learns who they are
    apis: bool = True  # it calls some
    acts: bool = False  # it is one


KINDS = (
    Kind("web", _("Web app"), _("runs on a server, people sign in"), "Django, Rails, Next.js", True, True),
    Kind("spa", _("Browser app"), _("has no server of its own"), "React, Vue", True, True),
    Kind(
        "native", _("Phone, desktop or command line"), _("runs on people's devices"), "Swift, Electron, Go", True, True
    ),
    Kind("device", _("Device without a browser"), _("people allow it on another one"), "TV", people=True),
    Kind("machine", _("Service"), _("no person: jobs, other APIs"), "cron, workers"),
    Kind("api", _("API that checks tokens"), _("asks whether those sent to it are alive"), apis=False, acts=True),
)
BY_KEY = {kind.key: kind for kind in KINDS}
PEOPLE = (
    ("openid", _("who they are")),
    ("profile", _("name")),
    ("email", _("e-mail address")),
    ("offline_access", _("stay connected while they are away (refresh token)")),
)
OFFLINE = "offline_access"


@dataclass(frozen=True, slots=True)
class Permission:
    """A scope of an API, as a box of the page says it. Identifiers and scopes have no spaces."""

    api: str
    scope: str

    def __str__(self) -> str:
        return f"{self.api} {self.scope}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What somebody said, question by question. What their kind of app is not asked counts for nothing."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    apis: tuple[str, ...] = ()
    apis_elsewhere: tuple[str, ...] = ()
    scopes_elsewhere: tuple[str, ...] = ()


def audiences(kind: Kind, answers: Answers) -> tuple[str, ...]:
    """The APIs it may ask for: a scope that was ticked brings its own. Those that were typed come last."""
    if not kind.apis:
        return ()
    ticked = (*answers.apis, *(one.api for one in answers.permissions))
    return tuple(dict.fromkeys((*ticked, *answers.apis_elsewhere)))


def wanted(kind: Kind, answers: Answers) -> ClientMetadata:
    preset = PRESETS[kind.key].metadata
    people = answers.people if kind.people else ()
    scopes = (*people, *(one.scope for one in answers.permissions), *answers.scopes_elsewhere) if kind.apis else ()
    grants = tuple(one for one in preset.grant_types if one != REFRESH or OFFLINE in people)
    said = {
        "client_id": answers.client_id,
        "client_name": answers.name,
        "grant_types": grants,
        "redirect_uris": answers.redirect_uris if kind.redirects else (),
        "scope": " ".join(dict.fromkeys(scopes)),
        "audience": tuple(Audience(one) for one in audiences(kind, answers)),
        "acts_for": (*answers.apis, *answers.apis_elsewhere) if kind.acts else (),
    }
    return with_default_audience(preset.changed(said))
