"""What a client may do outside its project. A superuser granted it, so only a superuser hands out a key to it.

Such a key is a secret, a public key, a redirect URI, being public, and devices of a public client: each lets somebody
else be the client (protocol section 0).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import keys
from clients.identifiers import redirect_uri_problem
from clients.metadata import ClientMetadata
from clients.models import Client
from clients.models.choices import GrantType
from projects import matcher
from projects.actors import Actor, Right
from projects.apis import resolve
from projects.models import Api, Project
from projects.problems import Problem
from projects.scopes import ADMIN_SCOPES

# What reaches out, by the field that says so; and the right that whoever granted it had.
RIGHTS = {
    "introspection": Right.INTROSPECT_EVERYTHING,
    "introspects": Right.NAME_OTHER_PROJECTS,
    "acts_for": Right.NAME_OTHER_PROJECTS,
    "audience": Right.LIST_ANY_AUDIENCE,
    "scope": Right.GRANT_ADMINISTRATION,
}
WORDS = {
    "introspection": gettext_lazy("introspection"),
    "introspects": gettext_lazy("introspects"),
    "acts_for": gettext_lazy("acts for"),
    "audience": gettext_lazy("audiences that are no API"),
    "scope": gettext_lazy("managing this provider"),
}


def reaching_out(metadata: ClientMetadata, project: Project) -> list[str]:
    """The fields by which it reaches other projects, or what is no API and so nobody's to share."""
    settled = metadata.settled()
    found = {
        "introspection": settled.introspection == "all",
        "introspects": bool(introspected_elsewhere(settled, project)),
        "acts_for": bool(acted_for_elsewhere(settled, project)),
        "audience": any(resolve(entry.value) is None for entry in settled.audience),
        "scope": not ADMIN_SCOPES.keys().isdisjoint(settled.scopes),
    }
    return [name for name, reaches in found.items() if reaches]


def introspected_elsewhere(settled: ClientMetadata, project: Project) -> set[str]:
    """Clients of other projects whose tokens it may introspect (protocol section 8)."""
    named = clients_named(settled.introspects) if settled.introspection == "listed" else {}
    return {name for name, owner in named.items() if owner != project.pk}


def acted_for_elsewhere(settled: ClientMetadata, project: Project) -> set[str]:
    """APIs of other projects that it introspects for, or whose tokens it may pass on (protocol sections 8 and 13)."""
    acts = settled.introspection != "none" or GrantType.TOKEN_EXCHANGE in settled.grant_types
    named = owners_named(settled.acts_for) if acts else {}
    return {name for name, owner in named.items() if owner != project.pk}


def missing_rights(metadata: ClientMetadata, project: Project, by: Actor) -> str:
    """Because of which fields they may not hand out a key to this client; empty: they may."""
    if not is_bound(by):
        return ""
    missing = [name for name in reaching_out(metadata, project) if not by.may(RIGHTS[name])]
    for name in missing:
        by.ask_for_proof(RIGHTS[name])
    return ", ".join(str(WORDS[name]) for name in missing)


def is_bound(by: Actor) -> bool:
    """Whether there are keys they may not hand out."""
    return not all(map(by.may, RIGHTS.values()))


def secret_problem(metadata: ClientMetadata, project: Project, by: Actor) -> str:
    """Why they may not make a secret for it, or an empty string."""
    if not (because := missing_rights(metadata, project, by)):
        return ""
    message = _("Only a superuser makes a secret for this client, for it reaches outside its project: %(because)s.")
    return message % {"because": because}


def new_key_problem(metadata: ClientMetadata, project: Project, by: Actor) -> str:
    """Why they may not add a public key to it, or an empty string."""
    if not (because := missing_rights(metadata, project, by)):
        return ""
    message = _("Only a superuser adds a key to this client, for it reaches outside its project: %(because)s.")
    return message % {"because": because}


def key_problems(before: ClientMetadata, wanted: ClientMetadata, project: Project, by: Actor) -> Iterator[Problem]:
    """New redirect URIs and keys, another way to prove who it is, and devices that speak in its name unproved."""
    new = [index for index, uri in enumerate(wanted.redirect_uris) if uri not in before.redirect_uris]
    if any(redirect_uri_problem(wanted.redirect_uris[index]) for index in new):
        new = []  # what they are refused for is told first
    # Another secret has to be made first. A key or a name of a certificate may be there already, for something else.
    opened = not wanted.uses_secrets and wanted.token_endpoint_auth_method != before.token_endpoint_auth_method
    cut = [
        name for name, one in (("jwks", _new_keys(before, wanted)), ("jwks_uri", _new_address(before, wanted))) if one
    ]
    cut += [name for name, value in wanted.certificate_names if value != getattr(before, name)]
    cut += ["grant_types"] if _lets_devices_speak(wanted) and not _lets_devices_speak(before) else []
    if not (new or opened or cut) or not (because := missing_rights(wanted, project, by)):
        return
    message = _(
        "Only a superuser changes this for a client that reaches outside its project: %(because)s. Take that away "
        "first, or ask one."
    ) % {"because": because}
    yield from (Problem(f"redirect_uris[{index}]", message) for index in new)
    yield from (Problem(name, message) for name in cut)
    if opened:
        yield Problem("token_endpoint_auth_method", message)


def _new_keys(before: ClientMetadata, wanted: ClientMetadata) -> bool:
    return not keys.thumbprints(wanted.jwks) <= keys.thumbprints(before.jwks)


def _new_address(before: ClientMetadata, wanted: ClientMetadata) -> bool:
    """Whoever answers there decides what its keys are."""
    return bool(wanted.jwks_uri) and wanted.jwks_uri != before.jwks_uri


def _lets_devices_speak(metadata: ClientMetadata) -> bool:
    """Whether a device of anybody may begin in its name."""
    return metadata.public and GrantType.DEVICE_CODE in metadata.grant_types


# --- Clients and APIs by name --------------------------------------------------------------------------------------


def owners_named(identifiers: Sequence[str]) -> dict[str, int]:
    """The projects of the APIs there are."""
    return {identifier: api.project_id for identifier, api in apis_named(identifiers).items()}


def clients_named(named: Sequence[str]) -> dict[str, int]:
    """The projects of those there are."""
    return dict(Client.objects.filter(client_id__in=named).values_list("client_id", "project")) if named else {}


def apis_named(identifiers: Sequence[str]) -> dict[str, Api]:
    """The APIs there are, by the identifiers as they were written."""
    canonical = {}
    for identifier in identifiers:
        try:
            canonical[identifier] = matcher.canonical(identifier)
        except matcher.Malformed:
            continue
    found = {api.canonical: api for api in Api.objects.filter(canonical__in=canonical.values())} if canonical else {}
    return {identifier: found[one] for identifier, one in canonical.items() if one in found}
