"""Somebody pastes a token: what it is, for whom, whether it is alive, or which step refuses it.

The text is read from the body of the request alone. Nothing keeps it: no log, event, history, session or address, and
the answer does not say it again. A member of a project learns of its own tokens only. Of all others, be they of another
project, expired long ago or made up, the answer is the same: what the text says by itself, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.console import actor
from accounts.models import User
from clients.models import Authorization, Client
from common import clock
from common.json_type import Json
from projects import access
from projects.console import roles_of
from projects.models import Project
from projects.sectors import told_sub
from provider import inspection
from provider.inspection import jwt
from provider.inspection.held import Inspection
from provider.inspection.pasted import token_of
from provider.inspection.why import ACCESS, CODE, DEVICE, ID, REFRESH

LONGEST = 500  # characters of a claim that are shown
MOST_CLAIMS = 60
LEVELS = 6  # of lists and objects within each other
KINDS: dict[str, str | Promise] = {
    ACCESS: gettext_lazy("Access token"),
    REFRESH: gettext_lazy("Refresh token"),
    ID: gettext_lazy("ID token"),
    CODE: gettext_lazy("Authorization code"),
    DEVICE: gettext_lazy("Device code"),
    "logout token": gettext_lazy("Logout token"),
    "security event token": gettext_lazy("Security event token"),
    "signed introspection": gettext_lazy("Signed answer of introspection"),
    "signed answer": gettext_lazy("Signed answer, of userinfo or of an authorization request"),
}
MEANT: dict[str, str | Promise] = {
    "iss": gettext_lazy("who made it"),
    "sub": gettext_lazy("whom it speaks of"),
    "aud": gettext_lazy("whom it is for"),
    "azp": gettext_lazy("which app got it"),
    "client_id": gettext_lazy("which app got it"),
    "scope": gettext_lazy("what it allows"),
    "iat": gettext_lazy("when it was made"),
    "exp": gettext_lazy("when it ends"),
    "nbf": gettext_lazy("not before"),
    "auth_time": gettext_lazy("when the person signed in"),
    "jti": gettext_lazy("its own name"),
    "sid": gettext_lazy("the sign-in"),
    "acr": gettext_lazy("how strong the sign-in was"),
    "amr": gettext_lazy("how the person signed in"),
    "nonce": gettext_lazy("what the app sent with its request"),
    "cnf": gettext_lazy("the key that it is bound to"),
    "act": gettext_lazy("who passed it on"),
    "kid": gettext_lazy("the key that signed it"),
    "alg": gettext_lazy("the algorithm of the signature"),
    "typ": gettext_lazy("what kind of JWT it says it is"),
}
MOMENTS = ("iat", "exp", "nbf", "auth_time")
BOUND: dict[str, str | Promise] = {
    "jkt": gettext_lazy("a DPoP key with the thumbprint"),
    "x5t#S256": gettext_lazy("a certificate with the thumbprint"),
}


@dataclass(frozen=True)
class Row:
    """A line of the answer. `texts`: identifiers, each with a button that copies it."""

    label: str
    text: str = ""
    url: str = ""
    texts: list[str] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Claim:
    name: str
    value: str
    means: str


@dataclass(frozen=True)
class Answer:
    """`kind` is empty where it is nothing of theirs."""

    kind: str
    form: str
    alive: bool
    reason: str
    step: str = ""
    rows: list[Row] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


@sensitive_post_parameters("token")
def page(request: HttpRequest) -> HttpResponse:
    if not roles_of(request).in_any_project(access.VIEWERS):
        raise PermissionDenied
    answer = _answer(request, request.POST.get("token", "")) if request.method == "POST" else None
    request.current_app = site.name
    context = {"title": _("Inspect a token"), "answer": answer}
    return TemplateResponse(request, "admin/inspect.html", {**site.each_context(request), **context})


@sensitive_variables()
def _answer(request: HttpRequest, pasted: str) -> Answer:
    text = token_of(pasted)
    if not text:
        return Answer("", "", alive=False, reason=_("Paste one token, and nothing else."))
    person = actor(request)
    found = inspection.inspect(text)
    home = Project.objects.filter(key=found.facts.get("project") or "").first()
    claims = [*_claims(text)] if text.count(".") == 2 else []
    if not person.is_superuser and (home is None or not access.visible(person).filter(pk=home.pk).exists()):
        return Answer("", _form(text), alive=False, reason=_("This is no token of a project of yours."), claims=claims)
    why = found.why
    return Answer(
        str(KINDS.get(found.kind, found.kind)),
        found.form,
        found.active,
        why.reason if why else "",
        why.step if why else "",
        [*_rows(found, person, home)],
        claims,
    )


def _form(text: str) -> str:
    return "JWT" if text.count(".") == 2 else ""


def _rows(found: Inspection, person: User, home: Project | None) -> Iterator[Row]:
    said = found.facts
    app = Client.objects.filter(client_id=_text(said, "client_id")).first()
    if app is not None:
        url = reverse("admin:clients_client_connect", args=[app.pk]) if app.project_id else ""  # a guest has none
        yield Row(_("App"), app.name or app.client_id, url, [app.client_id])
    if home is not None:
        yield Row(_("Project"), home.name, reverse("admin:projects_project_overview", args=[home.pk]))
    yield from _person(said, person, home)
    if found.kind:
        yield Row(_("For"), texts=_texts(said, "audience"))
        yield Row(_("May"), texts=_text(said, "scope").split())
    if found.kind == ACCESS or said.get("cnf"):
        yield _bound(said)
    if said.get("act"):
        yield Row(_("Passed on by"), texts=_texts(said, "act"))
    for name, label in (("issued_at", _("Made")), ("expires_at", _("Ends"))):
        if moment := _text(said, name):
            yield Row(label, _when(datetime.fromisoformat(moment)))
    yield from _authorization(said)
    if claimed := _text(said, "claimed_iss"):
        yield Row(_("Says it is of"), texts=[claimed], note=_("Nothing proves it."))


def _person(said: Mapping[str, Json], person: User, home: Project | None) -> Iterator[Row]:
    """As the project knows them; to superusers by their name, too."""
    found = User.objects.filter(sub=_text(said, "sub")).first() if said.get("sub") else None
    if found is None or home is None:
        return
    known = told_sub(found.sub, home)
    if person.is_superuser:
        yield Row(_("Person"), found.get_username(), reverse("admin:accounts_user_change", args=[found.pk]), [known])
    else:
        yield Row(_("Person"), texts=[known])


def _bound(said: Mapping[str, Json]) -> Row:
    keys = said.get("cnf")
    if not isinstance(keys, Mapping) or not keys:
        return Row(_("Bound to"), _("nothing: whoever has it may use it"))
    [(kind, thumbprint), *_further] = keys.items()
    return Row(_("Bound to"), str(BOUND.get(kind, kind)), texts=[str(thumbprint)])


def _authorization(said: Mapping[str, Json]) -> Iterator[Row]:
    row = Authorization.objects.filter(pk=_text(said, "authorization")).first() if said.get("authorization") else None
    if row is not None:
        url = reverse("admin:clients_authorization_change", args=[row.pk])
        yield Row(_("Authorization"), _("what the person allowed"), url)


def _claims(text: str) -> Iterator[Claim]:
    """What a JWT says of itself, whoever made it."""
    header, claims = (jwt.unverified(part) for part in text.split(".")[:2])
    for name, value in [*header.items(), *claims.items()][:MOST_CLAIMS]:
        shown = _shown(value)
        if name in MOMENTS and isinstance(value, int | float):
            shown = f"{shown} · {_moment(value)}"
        yield Claim(name[:LONGEST], shown, str(MEANT.get(name, "")))


def _shown(value: Json, levels: int = LEVELS) -> str:
    if levels == 0 and isinstance(value, list | dict):
        return "…"
    if isinstance(value, list):
        return " ".join(_shown(one, levels - 1) for one in value)[:LONGEST]
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(one, levels - 1)}" for name, one in value.items())[:LONGEST]
    return str(value)[:LONGEST]


def _moment(seconds: float) -> str:
    try:
        return _when(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return _("no moment at all")


def _when(moment: datetime) -> str:
    """The moment, and how far off it is."""
    now = clock.now()
    words = _("%(time)s ago") % {"time": timesince(moment, now)}
    if moment > now:
        words = _("in %(time)s") % {"time": timeuntil(moment, now)}
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC · {words}"


def _text(said: Mapping[str, Json], name: str) -> str:
    return str(said.get(name) or "")


def _texts(said: Mapping[str, Json], name: str) -> list[str]:
    found = said.get(name)
    return [str(one) for one in found] if isinstance(found, list) else []
