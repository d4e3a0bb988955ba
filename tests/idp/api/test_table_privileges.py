"""Who may do what by the API: every operation of the OpenAPI document for everybody there is, as one table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from projects.models import Member, Project
from tests.idp.api.caller import Api, machine, path, person
from tests.idp.api.every_operation import NOBODY, OPERATIONS, SENT, UNKNOWN, Operation, prepared
from tests.world import Response

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff"), pytest.mark.any_database]


def _person_as(role: str) -> Callable[[], Api]:
    """Somebody with this role in acme, and in no other project."""

    def enter() -> Api:
        person_of_that_role = User.objects.create_user("colleague", "colleague@people.example", "pw", is_staff=True)
        Member.objects.create(project=Project.objects.get(key="acme"), user=person_of_that_role, role=role)
        return person("colleague")

    return enter


ROLES: dict[str, Callable[[], Api]] = {
    "superuser": lambda: person("root"),
    "owner": _person_as("owner"),
    "editor": _person_as("editor"),
    "viewer": _person_as("viewer"),
    "outsider": lambda: person("outsider"),
    "machine": lambda: machine(administers=("acme",)),
    "another machine": lambda: machine(administers=("other",)),
    "machine of all": lambda: machine(administers=("*",)),
    "reader": lambda: person("root", "openid admin.read"),
    "nobody": Api,
}
# What each may do, in the order of ROLES: it is done (+), refused (403), not there (404), or nobody asks (401).
KINDS: dict[str, str] = {
    "anybody sees what is theirs": "+ + + + + + + + + 401",
    "members look": "+ + + + 404 + 404 + + 401",
    "editors change": "+ + + 403 404 + 404 + 403 401",
    "owners change": "+ + 403 403 404 + 404 + 403 401",
    "editors answer": "+ + + 404 404 + 404 + 403 401",
    "editors read": "+ + + 404 404 + 404 + + 401",
    "superusers list": "+ 403 403 403 403 403 403 + + 401",
    "superusers look": "+ 404 404 404 404 404 404 + + 401",
    "superusers decide": "+ 403 403 403 403 403 403 + 403 401",
    "editors look": "+ + + 403 404 + 404 + + 401",
    "superusers make": "+ 403 403 403 403 403 403 + 403 401",
    "superusers change": "+ 404 404 404 404 404 404 + 403 401",
}
TABLE: dict[str, str] = {
    "list_projects": "anybody sees what is theirs",
    "get_project": "members look",
    "put_project": "editors change",
    "patch_project": "editors change",
    "delete_project": "owners change",
    "get_consent_screen": "members look",
    "put_consent_screen": "editors change",
    "patch_consent_screen": "editors change",
    "list_members": "members look",
    "get_member": "members look",
    "put_member": "owners change",
    "delete_member": "owners change",
    "list_roles": "members look",
    "get_role": "members look",
    "put_role": "editors change",
    "patch_role": "editors change",
    "delete_role": "editors change",
    "grant_role_to_user": "editors change",
    "revoke_role_from_user": "editors change",
    "grant_role_to_group": "editors change",
    "revoke_role_from_group": "editors change",
    "list_apis": "members look",
    "get_api": "members look",
    "put_api": "editors change",
    "patch_api": "editors change",
    "delete_api": "editors change",
    "list_clients": "members look",
    "create_client": "editors change",
    "get_client": "members look",
    "put_client": "editors change",
    "patch_client": "editors change",
    "delete_client": "editors change",
    "list_client_secrets": "members look",
    "create_client_secret": "editors change",
    "get_client_secret": "members look",
    "delete_client_secret": "editors change",
    "get_client_keys": "members look",
    "put_client_keys": "editors change",
    "add_client_key": "editors change",
    "delete_client_key": "editors change",
    "list_client_audiences": "members look",
    "put_client_audience": "editors change",
    "delete_client_audience": "editors change",
    "list_authorizations": "members look",
    "delete_authorization": "editors change",
    "list_project_events": "members look",
    "get_consent_request": "editors read",
    "accept_consent_request": "editors answer",
    "reject_consent_request": "editors answer",
    "list_users": "superusers list",
    "get_user": "superusers look",
    "create_user": "superusers decide",
    "put_user": "superusers change",
    "patch_user": "superusers change",
    "delete_user": "superusers change",
    "delete_second_steps": "superusers change",
    "list_sign_ins": "superusers look",
    "delete_sign_ins": "superusers change",
    "delete_sign_in": "superusers change",
    "list_consents": "superusers look",
    "delete_consent": "superusers change",
    "list_authorizations_of_user": "superusers look",
    "delete_authorization_of_user": "superusers change",
    "list_attributes": "superusers list",
    "get_attribute": "superusers look",
    "put_attribute": "superusers change",
    "delete_attribute": "superusers change",
    "list_groups": "superusers list",
    "create_group": "superusers decide",
    "get_group": "superusers look",
    "patch_group": "superusers change",
    "delete_group": "superusers change",
    "list_group_members": "superusers look",
    "put_group_member": "superusers change",
    "delete_group_member": "superusers change",
    "list_signing_keys": "superusers list",
    "list_events": "superusers list",
    "explain_audience": "members look",
    "list_initial_access_tokens": "members look",
    "get_initial_access_token": "members look",
    "create_initial_access_token": "owners change",
    "delete_initial_access_token": "owners change",
    "list_guests_of_project": "members look",
    "list_refused_requests_of_project": "members look",
    "list_logout_notices_of_project": "members look",
    "create_signing_key": "superusers decide",
    "rotate_signing_keys": "superusers decide",
    "get_signing_key": "superusers look",
    "activate_signing_key": "superusers change",
    "revoke_signing_key": "superusers change",
    "list_guests": "superusers list",
    "get_guest": "superusers look",
    "patch_guest": "superusers change",
    "list_blocked_hosts": "superusers list",
    "put_blocked_host": "superusers change",
    "delete_blocked_host": "superusers change",
    "list_refused_requests": "superusers list",
    "list_logout_notices": "superusers list",
    "list_account_events": "superusers list",
    "list_project_invitations": "editors look",
    "create_project_invitation": "editors change",
    "get_project_invitation": "editors look",
    "delete_project_invitation": "editors change",
    "list_invitations": "superusers list",
    "create_invitation": "superusers make",
    "get_invitation": "superusers look",
    "delete_invitation": "superusers change",
    "list_webhooks": "members look",
    "create_webhook": "editors change",
    "get_webhook": "members look",
    "patch_webhook": "editors change",
    "delete_webhook": "editors change",
    "rotate_webhook_secret": "editors change",
    "end_webhook_secret": "editors change",
    "test_webhook": "editors change",
    "list_webhook_deliveries": "members look",
    "list_streams": "members look",
    "get_stream": "members look",
    "patch_stream": "editors change",
    "delete_stream": "editors change",
    "list_connectors": "superusers list",
    "get_connector": "superusers look",
    "put_connector": "superusers change",
    "patch_connector": "superusers change",
    "delete_connector": "superusers change",
}


def test_every_operation_has_its_row() -> None:
    assert set(TABLE) == set(OPERATIONS)
    assert all(len(kind.split()) == len(ROLES) for kind in KINDS.values())


def ask(api: Api, operation: Operation, variables: dict[str, str]) -> Response:
    """The world is afterwards as it was."""
    with transaction.atomic():
        answer = api.ask(operation.method, operation.address(variables), SENT.get(operation.name))
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("role", ROLES)
def test_each_may_do_this_and_nothing_else(role: str) -> None:
    variables, api = prepared(), ROLES[role]()
    position = [*ROLES].index(role)
    wrong: dict[str, object] = {}
    for name, operation in OPERATIONS.items():
        expected = KINDS[TABLE[name]].split()[position]
        answer = ask(api, operation, variables)
        done = answer.status_code < 300 or answer.status_code == 409  # something of this world stands in its way
        if (str(answer.status_code) if not done else "+") != expected:
            wrong[name] = (expected, answer.status_code, answer.content)
        elif complaint := operation.complaint(answer):
            wrong[name] = complaint
        elif expected == "404":
            with CaptureQueriesContext(connection) as here:
                ask(api, operation, variables)
            with CaptureQueriesContext(connection) as nowhere:
                unknown = ask(api, operation, {**variables, **UNKNOWN})
            if (unknown.status_code, unknown.content) != (404, answer.content):
                wrong[name] = ("another answer for what is not there", unknown.content)
            elif len(here) != len(nowhere):
                wrong[name] = ("other statements for what is not there", len(here), len(nowhere))
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


@pytest.mark.parametrize("role", ["owner", "machine"])
def test_whoever_manages_a_project_learns_nothing_of_others_by_their_ids(role: str) -> None:
    """The ids of other projects' things, asked for below one's own project."""
    prepared_here, api = prepared(), ROLES[role]()
    foreign = {"client_id": "stranger", "identifier": "https://api.other.example/reports", "username": "outsider"}
    unknown = {"client_id": "nothing", "identifier": "https://api.other.example/none", "username": "nothing"}
    for name in ("get_client", "list_client_secrets", "get_client_keys", "delete_client", "get_api", "get_member"):
        answers = [ask(api, OPERATIONS[name], {**prepared_here, **one}) for one in (foreign, unknown)]
        assert {one.status_code for one in answers} == {404}, name
        assert answers[0].content == answers[1].content, name
    for other in ("other", "nothing"):
        assert api.get(path("projects", other)).content == api.get(path("users", NOBODY)).content
