"""Where apps of another site go: one project, and one API that offers the scopes which were the site's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from common.command import Refused
from idp.moving.source import Record, flag, text
from projects import api_registration, quotas, registration
from projects.actors import Actor
from projects.metadata import ApiMetadata, ProjectMetadata, Scope
from projects.models import Api, Project
from projects.problems import RegistrationError
from projects.scopes import SIGN_IN_SCOPES

OWN = "client-credentials"
UNUSED = frozenset({"introspection"})  # of the toolkit: to ask about tokens with a token


def project(key: str, applications: Sequence[Record], by: Actor) -> Project:
    """The one with this key. A new one asks people, unless no app of the site did."""
    found = Project.objects.filter(key=key).first()
    if found is not None:
        return found
    people = [row for row in applications if text(row["authorization_grant_type"]) != OWN]
    trusted = bool(people) and all(flag(row.get("skip_authorization")) for row in people)
    wanted = ProjectMetadata(id=key, name=key, consent_mode="implicit" if trusted else "explicit")
    try:
        return registration.register(wanted, by)
    except RegistrationError as error:
        raise _refused("project", key, error) from None


def api(identifier: str, owner: Project, scopes: frozenset[str], by: Actor) -> frozenset[str]:
    """The scopes that it offers, those of the site among them as far as there is room. Without any there is no API."""
    found = Api.objects.filter(identifier=identifier, project=owner).first()
    wanted = sorted(scopes - SIGN_IN_SCOPES.keys() - UNUSED)
    if found is None and not wanted:
        return frozenset()
    before = api_registration.metadata_of(found) if found else ApiMetadata(identifier=identifier, name=owner.name)
    known = {one.name for one in before.scopes}
    new = tuple(Scope(name, name) for name in wanted if name not in known)
    after = before.scopes + new[: max(0, quotas.API_SCOPES - len(known))]
    try:
        if found is None:
            api_registration.register(replace(before, scopes=after), owner, by)
        elif after != before.scopes:
            api_registration.change(found, replace(before, scopes=after), by)
    except RegistrationError as error:
        raise _refused("API", identifier, error) from None
    return frozenset(one.name for one in after)


def without_room(scopes: frozenset[str], offered: frozenset[str]) -> dict[str, str]:
    """Those of the site that the API does not offer, with the reason."""
    left = scopes - offered - SIGN_IN_SCOPES.keys() - UNUSED
    return dict.fromkeys(sorted(left), f"An API offers {quotas.API_SCOPES} scopes at most.")


def _refused(kind: str, name: str, error: RegistrationError) -> Refused:
    problems = [(one.field, one.message) for one in error.problems]
    said = " ".join(message for _field, message in problems)
    return Refused(f"The {kind} {name} cannot be made. {said}", problems=problems)
