"""Who may call what, as a picture and as the table below it: both are made of the same calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from projects.models import Api, ApiScope, Project
from provider.admin.api_facts import Call
from provider.admin.audience_map import Kind, Link, Map, Node, draw
from provider.protocol.facts import ClientFacts


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the picture in words. Without an address there is no page that whoever looks may see."""

    app: ClientFacts
    app_url: str
    to: str
    to_url: str
    identifier: str
    how: str
    kind: Kind
    scopes: list[tuple[str, str]]  # with their words
    tokens: int


@dataclass(frozen=True, slots=True)
class Shown:
    map: Map
    rows: list[Row]
    sides: bool  # whether apps stand among the APIs: those that ID tokens are for


class _Names:
    """What these APIs and scopes are called, in two statements."""

    def __init__(self, calls: Sequence[Call], visible: QuerySet[Project]) -> None:
        identifiers = {one.api.identifier for one in calls if one.api is not None}
        self.apis = {one.identifier: one for one in Api.objects.filter(identifier__in=identifiers, project__in=visible)}
        scopes = {scope for one in calls for scope in one.scopes}
        said = ApiScope.objects.filter(api__identifier__in=identifiers, name__in=scopes)
        columns = said.order_by("pk").values_list("api__identifier", "name", "description")
        self.scopes = {(identifier, name): words for identifier, name, words in columns}

    def to(self, call: Call) -> str:
        if call.api is not None:
            return self.apis[call.api.identifier].name if call.api.identifier in self.apis else call.api.identifier
        return call.target.name if call.target else ""

    def url(self, call: Call) -> str:
        if call.api is None:
            return url_of(call.target) if call.target else ""
        api = self.apis.get(call.api.identifier)
        return reverse("admin:projects_api_callers", args=[api.pk]) if api else ""


def shown(
    apps: Sequence[ClientFacts],
    calls: Iterable[Call],
    apis: Iterable[Api],
    visible: QuerySet[Project],
    recent: Mapping[str, int] | None = None,
) -> Shown:
    """`apis`: those that stand there even if nobody calls them; others come with the calls."""
    found = sorted(calls, key=lambda one: (one.app.name.lower(), one.app.client_id, one.kind == Kind.ID_TOKEN))
    names = _Names(found, visible)
    targets = _targets(apis, found, names)
    picture = draw([_app(one) for one in apps], targets, _links(found), mirrored=get_language_bidi())
    sides = any(one.api is None for one in found)
    return Shown(picture, [_row(one, names, recent or {}) for one in found], sides)


def _app(app: ClientFacts) -> Node:
    return Node(app.client_id, app.name, quiet=not app.enabled)


def _targets(apis: Iterable[Api], calls: Iterable[Call], names: _Names) -> list[Node]:
    nodes = {one.identifier: Node(one.identifier, one.name) for one in apis}
    for call in calls:
        key = _key(call)
        nodes.setdefault(key, Node(key, names.to(call), foreign=call.api is not None and _foreign(call)))
    return list(nodes.values())


def _foreign(call: Call) -> bool:
    return call.api is not None and call.api.of_another(call.app.project)


def _key(call: Call) -> str:
    """A client ID is no address: the word before it keeps the two apart all the same."""
    if call.api is not None:
        return call.api.identifier
    return f"app {call.target.client_id}" if call.target else ""


def _links(calls: Iterable[Call]) -> Iterator[Link]:
    return (Link(one.app.client_id, _key(one), one.kind) for one in calls)


def _row(call: Call, names: _Names, recent: Mapping[str, int]) -> Row:
    identifier = call.api.identifier if call.api is not None else ""
    return Row(
        app=call.app,
        app_url=url_of(call.app),
        to=names.to(call),
        to_url=names.url(call),
        identifier=identifier,
        how=_how(call),
        kind=call.kind,
        scopes=[(one, names.scopes.get((identifier, one), "")) for one in call.scopes],
        tokens=recent.get(call.app.client_id, 0),
    )


def _how(call: Call) -> str:
    if call.kind == Kind.ID_TOKEN:
        return _("With an ID token for %(app)s") % {"app": call.target.name if call.target else ""}
    if call.kind == Kind.PART:
        return _("Below %(address)s only") % {"address": call.only}
    return _("With an access token")


def url_of(app: ClientFacts) -> str:
    """Where its audiences are said."""
    return reverse("admin:clients_client_access", args=[app.id])
