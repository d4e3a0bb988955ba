"""What there is, as a file: applied here, it changes nothing; applied elsewhere, it makes the same there.

Every key is written, so that a check finds whatever somebody changes. What a file cannot say is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from clients.document import represent
from clients.guests import SOURCES
from clients.metadata import Audience
from clients.models import Client
from clients.policy import metadata_of
from common.command_output import number
from common.json_type import Json
from idp.configuration import webhooks
from idp.configuration.export_people import attributes, groups, people
from idp.configuration.export_secrets import References, SecretsAs, secrets_of
from idp.configuration.logos import Written
from idp.configuration.schema import DEEDS
from projects import api_registration, registration, roles
from projects.document import represent_api, represent_project
from projects.models import Api, Project
from projects.role_document import PEOPLE, represent_role
from projects.sectors import PUBLIC
from projects.upstream import document
from projects.upstream import registration as connectors
from projects.upstream.models import Connector

DIRECTORY = "/run/secrets"  # of references to files
ROLES_OF_PEOPLE = ("members", "test_users")


@dataclass(frozen=True, slots=True)
class What:
    """What is written. `None` alone means all projects and what is of none: an empty choice writes nothing."""

    projects: Sequence[Project] | None = None
    users: bool = False  # with the accounts; of some projects, those that they name
    people: bool = True  # who is a member or test user
    secrets: SecretsAs = SecretsAs.LEFT_OUT
    directory: str = DIRECTORY


@dataclass
class Exported:
    document: dict[str, Json]
    left_out: list[str] = field(default_factory=list)  # sentences
    pictures: Written = field(default_factory=Written)
    references: list[str] = field(default_factory=list)  # what has to be there where the file is applied


def export(what: What) -> Exported:
    everything = what.projects is None
    chosen = Project.objects.all() if what.projects is None else what.projects
    exported = Exported({"version": 1})
    references = References(what.secrets, what.directory)
    projects = [_project(project, what, references, exported) for project in sorted(chosen, key=lambda one: one.key)]
    if everything:
        lists = {"attributes": attributes(), "groups": groups()}
        exported.document |= {name: found for name, found in lists.items() if found}
    if what.users:
        exported.document["users"] = [*people(what.projects, what.secrets, exported.left_out)]
    exported.document["projects"] = projects
    if everything:
        exported.document |= _connectors(exported, references)
    exported.references = references.named
    return exported


def export_apps(apps: QuerySet[Client], secrets: SecretsAs = SecretsAs.LEFT_OUT) -> Exported:
    """These alone, below their projects. It says nothing of anything else: applied here, it changes nothing."""
    exported = Exported({"version": 1})
    references = References(secrets, DIRECTORY)
    projects: list[Json] = []
    homes = Project.objects.filter(pk__in=apps.order_by().values("project")).order_by("key")
    for project in homes:
        clients = _clients(apps.filter(project=project), f"Project {project.key}", references, exported)
        projects.append({"id": project.key, "name": project.name, "clients": clients})
    exported.document["projects"] = projects
    exported.references = references.named
    return exported


def _connectors(exported: Exported, references: References) -> dict[str, Json]:
    """Where else people sign in. Secrets are left out, or said to be elsewhere."""
    entries: list[Json] = []
    for row in Connector.objects.select_related("project").order_by("key"):
        shown = document.represent(connectors.metadata_of(row))
        if row.secret and references.kind in (SecretsAs.VARIABLES, SecretsAs.FILES):
            shown["client_secret_from"] = references.to(f"connector {row.key}", "")
        elif row.secret:
            exported.left_out.append(f"Connector {row.key}: client_secret is not in the file.")
        entries.append(shown)
    return {"connectors": entries} if entries else {}


def _project(project: Project, what: What, references: References, exported: Exported) -> dict[str, Json]:
    shown = _without_deeds(f"Project {project.key}", represent_project(registration.metadata_of(project)), exported)
    exported.pictures.into(shown["consent_screen"], f"Project {project.key}", exported.left_out)
    for name in () if what.people else ROLES_OF_PEOPLE:
        del shown[name]
    if isinstance(claims := shown["claims"], Mapping):
        shown["claims"] = {name: _brief_claim(said) for name, said in claims.items()}
    apis = [_api(api, exported) for api in project.apis.order_by("canonical")]
    clients = _clients(Client.objects.filter(project=project), f"Project {project.key}", references, exported)
    told = webhooks.exported(project, exported.left_out)
    return {
        **shown,
        **_salt(project, what, exported),
        "roles": [*_roles(project, what)],
        "apis": apis,
        "clients": clients,
        **({"webhooks": told} if told else {}),
    }


def _clients(rows: QuerySet[Client], whose: str, references: References, exported: Exported) -> list[dict[str, Json]]:
    if themselves := rows.filter(registration_source__in=SOURCES).count():
        apps = number(themselves, "app that registered itself is", "apps that registered themselves are")
        exported.left_out.append(f"{whose}: {apps} not in the file.")
    rows = rows.exclude(registration_source__in=SOURCES).order_by("client_id").select_related("project")
    rows = rows.prefetch_related("audience_entries", "introspects", "allowed_callers", "acts_for", "secrets")
    return [_client(client, references, exported) for client in rows]


def _salt(project: Project, what: What, exported: Exported) -> dict[str, Json]:
    """What makes its subjects its own. It is no reference to be kept elsewhere: it stays as long as the people do."""
    if project.subject_type == PUBLIC:
        return {}
    if what.secrets is SecretsAs.HASHES:
        return {"subject_salt": project.subject_salt}
    exported.left_out.append(
        f"Project {project.key}: subject_salt is not in the file. In another installation its apps would meet "
        "everybody as somebody new."
    )
    return {}


def _brief_claim(said: Json) -> Json:
    """What it says, without what it leaves empty."""
    return {name: value for name, value in said.items() if value} if isinstance(said, Mapping) else said


def _roles(project: Project, what: What) -> list[dict[str, Json]]:
    shown = [represent_role(one) for one in roles.metadata_of_all(list(project.roles.order_by("name")))]
    left_out = () if what.people else PEOPLE
    return [{name: value for name, value in one.items() if name not in left_out} for one in shown]


def _api(api: Api, exported: Exported) -> dict[str, Json]:
    metadata = api_registration.metadata_of(api)
    shown = _without_deeds(f"API {api.identifier}", represent_api(metadata), exported)
    if isinstance(scopes := shown["scopes"], Mapping):
        shown["scopes"] = {name: _brief_scope(said) for name, said in scopes.items()}
    return shown


def _brief_scope(said: Json) -> Json:
    """The words alone, where a scope is nothing else."""
    if not isinstance(said, Mapping):
        return said
    told = {name: value for name, value in said.items() if name == "description" or value}
    return told["description"] if list(told) == ["description"] else told


def _client(client: Client, references: References, exported: Exported) -> dict[str, Json]:
    metadata = metadata_of(client)
    shown = _without_deeds(f"Client {client.client_id}", represent(metadata), exported)
    if metadata.enabled:
        del shown["held"]  # said of a client that is switched off
    if metadata.introspects and metadata.introspection != "listed":
        del shown["introspects"]
        exported.left_out.append(
            f"Client {client.client_id}: introspects is not in the file. Without 'introspection: listed' it means "
            "nothing, and is refused of a new client."
        )
    if isinstance(audience := shown["audience"], Sequence):
        shown["audience"] = [*_brief(audience, metadata.audience)]
    first = {name: shown.pop(name) for name in ("client_id", "client_name")}
    return {**first, **secrets_of(client, references), **shown}


def _brief(shown: Sequence[Json], entries: Sequence[Audience]) -> Iterator[Json]:
    for one, entry in zip(shown, entries, strict=True):
        yield entry.value if entry == Audience(entry.value).settled() else one


def _without_deeds(whose: str, shown: dict[str, Json], exported: Exported) -> dict[str, Json]:
    for name in DEEDS:
        if value := shown.pop(name):
            exported.left_out.append(
                f"{whose}: {name} ({value}) is not in the file. It ended tokens of this installation."
            )
    return shown
