"""The project, apps and person of one run: made by the same registrations as all others, and removed afterwards.

The project is being tested, and its only tester is a person whose password nobody has seen: nobody else can use it,
and no app of anybody else is in it. Its addresses end in `.invalid` (RFC 2606), so nothing can be sent there.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from jwcrypto import jwk

from accounts import notices
from accounts.attributes import Editor
from accounts.models import User
from clients import registration as clients
from clients import whole_projects
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.policy import metadata_of
from clients.rules import audience_problems
from common import leases
from common.command import whoever_runs_this
from common.json_type import Json
from idp.api import person_changes
from idp.conformance import CannotRun
from projects import registration as projects
from projects.actors import Actor
from projects.metadata import ProjectMetadata
from projects.models import Project, Status

NAME = "Throw-away project of doctor --conformance"
KEY = "doctor-conformance"  # always the same: numbers and filters have a name of it, and no new one by each run
PERSON = re.compile(rf"{KEY}-[0-9a-f]{{16}}")
LEASE, HELD = "doctor --conformance", timedelta(minutes=1)
SCOPES = "openid profile email address phone offline_access"
Entries = Callable[[str], tuple[str, ...]]  # what the app of the vectors lists, for the tag of a run
PHONE, ADDRESS = "+1 555 0100", {"formatted": "1 Throw-away Street"}


@dataclass(frozen=True, slots=True)
class Scene:
    tag: str
    username: str
    password: str = field(repr=False)
    signing: jwk.JWK = field(repr=False)  # of the app that signs its assertions
    secrets: dict[str, str] = field(repr=False)  # by client id
    listed: tuple[str, ...]  # of the audiences of vectors, those that an app may list
    holder: str  # of the lease

    def client_id(self, name: str) -> str:
        return f"{self.username}-{name}"

    @property
    def host(self) -> str:
        return f"{self.username}.invalid"

    def go_on(self) -> None:
        """No other run may begin yet. Raises CannotRun: one has, because this one stood still for too long."""
        if not leases.take(LEASE, self.holder, HELD):
            raise CannotRun("Another run began, because this one stood still for a minute. Try again.")


@contextmanager
def made(by: Actor, entries: Entries) -> Iterator[Scene]:
    """A scene, and nothing of it afterwards, whatever happens. What a run left that was killed goes first.

    Raises CannotRun: another one is under way.
    """
    holder = f"{whoever_runs_this()} {secrets.token_hex(8)}"
    if not leases.take(LEASE, holder, HELD):
        raise CannotRun("Another run is under way, or was killed less than a minute ago. Try again in a minute.")
    try:
        clear(by)
        scene = _make(by, entries, holder)
        try:
            yield scene
        finally:
            clear(by, scene.username)
    finally:
        leases.give_back(LEASE, holder)


def clear(by: Actor, username: str = "") -> None:
    """Remove the project of a run, its person first: they are found by it. Raises CannotRun: it is somebody's.

    With the name of its person, that run alone: another may have begun since.
    """
    project = Project.objects.filter(key=KEY).first()
    if project is None or (username and not project.test_users.filter(username=username).exists()):
        return
    if (project.name, project.status) != (NAME, Status.TESTING):
        raise CannotRun(f"There is a project {KEY} that no run made. Give it another key, or delete it.")
    for person in project.test_users.all():
        if PERSON.fullmatch(person.username):
            with transaction.atomic():
                person_changes.delete(person, by)
    whole_projects.delete(project, by)


@transaction.atomic
def _make(by: Actor, entries: Entries, holder: str) -> Scene:
    """All of it or nothing."""
    tag = secrets.token_hex(8)
    name, listed = f"{KEY}-{tag}", entries(tag)
    password, signing = secrets.token_urlsafe(32), jwk.JWK.generate(kty="EC", crv="P-256", kid=name)
    _person(name, password, by)
    wanted = ProjectMetadata(id=KEY, name=NAME, status=Status.TESTING, test_users=(name,))
    project = projects.register(wanted, by)
    refused = {one.field for one in audience_problems(tuple(map(Audience, listed)))}
    listed = tuple(one for index, one in enumerate(listed) if f"audience[{index}].value" not in refused)
    made = [clients.register(one, project, by) for one in _apps(name, listed, signing)]
    given = {one.client_id: clients.generate_secret(one, by, label="doctor") for one in made if one.uses_secrets}
    return Scene(tag, name, password, signing, given, listed, holder)


def _person(name: str, password: str, by: Actor) -> None:
    said: dict[str, object] = {
        "username": name,
        "email": f"person@{name}.invalid",
        "given_name": "Throw",
        "family_name": "Away",
        "attributes": {"phone_number": PHONE, "address": ADDRESS},
    }
    person = person_changes.make(said, by, Editor.IMPORT)
    person.emailaddress_set.update(verified=True)
    person.set_password(password)
    person.muted_mails = sorted(notices.CHOICES)  # there is nobody to read them
    person.save()


def _apps(key: str, entries: tuple[str, ...], signing: jwk.JWK) -> Iterator[ClientMetadata]:
    """One of each kind that the checks need."""
    people = ("authorization_code", "refresh_token")

    def app(name: str, *grants: str, **more: object) -> ClientMetadata:
        at = f"https://{name}.{key}.invalid"
        seen = {"redirect_uris": (f"{at}/cb",), "scope": SCOPES} if grants[0] == people[0] else {}
        base = ClientMetadata(client_id=f"{key}-{name}", client_name=name, grant_types=grants)
        return base.changed({**seen, **more})

    api = (Audience(f"https://api.{key}.invalid/orders"),)
    left = (f"https://web.{key}.invalid/left",)
    yield app("web", *people, "client_credentials", require_pkce=False, audience=api, post_logout_redirect_uris=left)
    yield app("form", *people, token_endpoint_auth_method="client_secret_post")  # noqa: S106 - a method
    yield app("public", *people, token_endpoint_auth_method="none")  # noqa: S106 - a method
    yield app("other", *people, "client_credentials", require_pkce=False)
    yield app("jwt", *people, "client_credentials", access_token_format="jwt", audience=api)  # noqa: S106 - a format
    keys: Json = {"keys": [signing.export_public(as_dict=True)]}
    yield app("signing", "client_credentials", token_endpoint_auth_method="private_key_jwt", jwks=keys)  # noqa: S106
    yield app("vectors", "client_credentials", audience=tuple(map(Audience, entries)))
    yield app("ended", *people, "client_credentials")


def disable(client_id: str, by: Actor) -> None:
    client = Client.objects.get(client_id=client_id)
    clients.change(client, metadata_of(client).changed({"enabled": False}), by)


def deactivate(username: str, by: Actor) -> None:
    with transaction.atomic():
        person = User.objects.select_for_update().get(username=username)
        person_changes.change(person, {"is_active": False}, by)
