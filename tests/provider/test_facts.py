"""From rows to facts: complete, and never more than a request needs."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from clients.models import AudienceEntry, Client
from projects.apis import project_facts
from projects.facts import ProjectFacts
from projects.models import Api, Project
from projects.sign_in import Rule
from provider import facts
from provider.protocol.facts import ClientFacts, Entry, PersonFacts
from provider.store import find
from tests.world import ALL_SCOPES, BILLING, FOREIGN, ISSUER, ORDERS, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_fact_of_a_client_comes_from_its_row(settings: Any) -> None:
    row = Client.objects.get(client_id="web")
    columns = {
        "enabled": False,
        "access_token_format": "jwt",
        "access_token_lifetime": 11,
        "id_token_lifetime": 12,
        "refresh_token_lifetime": 13,
        "refresh_token_idle_lifetime": 14,
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "RS256",
        "authorization_signed_response_alg": "ES256",
        "require_pushed_authorization_requests": True,
        "request_object_signing_alg": "EdDSA",
        "require_pkce": True,
        "rotate_refresh_tokens": True,
        "introspection": "listed",
        "cross_client_public": True,
        "tokens_not_before": THEN,
        "registration_source": "dynamic",
        "dpop_bound_access_tokens": True,
        "tls_client_certificate_bound_access_tokens": True,
        "tls_client_auth_san_dns": "till.acme.example",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "PS256",
        "jwks_uri": "https://web.acme.example/jwks.json",
        "application_type": "native",
        "policy_uri": "https://web.acme.example/privacy",
        "default_max_age": 15,
        "default_acr_values": ["urn:acme:strong"],
        "document_read_at": THEN,
        "document_gone_since": THEN,
        "refresh_tokens": "always",
        "sign_in": "groups",
        "sign_in_ids": ["7"],
    }
    settings.IDP_LEGACY_RESPONSE_TYPES = True
    Client.objects.filter(pk=row.pk).update(**columns, response_types=["code", "token"])
    project = {"cross_client": "off", "status": "testing", "require_pushed_authorization_requests": True}
    Project.objects.filter(key="acme").update(**project, tokens_not_before=THEN)
    row.introspects.set(Client.objects.filter(client_id="stranger"))
    row.allowed_callers.set(Client.objects.filter(client_id="sibling"))
    row.acts_for.set(Api.objects.filter(identifier=BILLING))
    AudienceEntry.objects.filter(client=row, value=ORDERS).update(default=True)
    found = facts.find_client("web")
    assert found == ClientFacts(
        id=row.pk,
        client_id="web",
        project=ProjectFacts(
            row.home.pk, "explicit", "off", testing=True, tokens_not_before=THEN, pushes=True, key="acme"
        ),
        name="Acme web",
        enabled=False,
        public=False,
        registered_by_administrator=False,
        grant_types=frozenset({"authorization_code", "refresh_token", "client_credentials"}),
        redirect_uris=("https://web.acme.example/cb",),
        scopes=tuple(ALL_SCOPES.split()),
        allowlist=(Entry(ORDERS, "prefix", True), Entry(BILLING, "exact"), Entry("urn:acme:queue", "exact")),
        access_token_format="jwt",
        access_token_lifetime=11,
        id_token_lifetime=12,
        refresh_token_lifetime=13,
        refresh_token_idle_lifetime=14,
        id_token_algorithm="ES256",
        userinfo_algorithm="RS256",
        authorization_algorithm="ES256",
        response_types=frozenset({"code", "token"}),
        pushes=True,
        request_object_algorithm="EdDSA",
        require_pkce=True,
        rotates=True,
        introspection="listed",
        introspects=frozenset({"stranger"}),
        acts_for=(BILLING,),
        allowed_callers=frozenset({"sibling"}),
        cross_client_public=True,
        tokens_not_before=THEN,
        dpop_bound=True,
        certificate_bound=True,
        certificate_names=(("dns", "till.acme.example"),),
        auth_method="private_key_jwt",
        assertion_algorithm="PS256",
        jwks_uri="https://web.acme.example/jwks.json",
        native=True,
        pages=(("policy_uri", "https://web.acme.example/privacy"),),
        default_max_age=15,
        default_acrs=("urn:acme:strong",),
        document_read_at=THEN,
        document_gone_since=THEN,
        asks_offline=True,
        sign_in=Rule("groups", frozenset({"7"})),
    )
    usual = ClientFacts(id=0, client_id="", project=ProjectFacts(0))
    same = {one.name for one in fields(ClientFacts) if getattr(found, one.name) == getattr(usual, one.name)}
    same -= {"profile", "jwks"}  # the one changes others: below; the other stands in place of an address
    same -= {"default_scopes"}  # of guests, where a project lets them in
    assert same == {"public"}, "every other fact was shown to be read"


@pytest.mark.parametrize(("own", "of_project"), [("fapi2", ""), ("", "fapi2"), ("fapi2", "fapi2")])
def test_the_profile_of_a_client_is_its_own_or_its_projects_and_is_applied(own: str, of_project: str) -> None:
    assert not getattr(facts.find_client("web"), "profile", None)
    Client.objects.filter(client_id="web").update(profile=own, rotate_refresh_tokens=True)
    Project.objects.filter(key="acme").update(profile=of_project)
    found = facts.find_client("web")
    assert found
    assert (found.profile, found.pushes, found.require_pkce, found.rotates) == ("fapi2", True, True, False)


def test_a_public_client_is_one() -> None:
    found = facts.find_client("spa")
    assert found is not None
    assert (found.public, found.require_pkce, found.rotates, found.introspection) == (True, True, True, "none")


@pytest.mark.parametrize("client_id", ["", "nobody", "WEB", "we\0b", "w" * 5000])
def test_what_is_no_client_is_none(client_id: str) -> None:
    assert facts.find_client(client_id) is None


def test_a_disabled_client_is_found_and_says_so() -> None:
    found = facts.find_client("retired")
    assert found is not None
    assert not found.enabled


def test_the_registry_knows_the_clients_that_were_named_and_no_others() -> None:
    web = facts.find_client("web")
    assert web is not None
    known = facts.registry(["sibling", "stranger", "web", "nobody", ORDERS], web)
    assert set(known.clients) == {"sibling", "stranger"}


def test_the_registry_knows_every_api_that_could_cover_what_is_asked() -> None:
    web = facts.find_client("web")
    assert web is not None
    assert {api.identifier for api in facts.registry([], web).apis} == {ORDERS, BILLING}, "those of the allowlist"
    asked = facts.registry([f"{FOREIGN}/2026", "malformed\\", "name"], web)
    assert {api.identifier for api in asked.apis} == {ORDERS, BILLING, FOREIGN}
    ceiling = facts.registry([], web, [FOREIGN])
    assert FOREIGN in {api.identifier for api in ceiling.apis}


def test_an_api_keeps_its_scopes_and_whom_it_is_shared_with() -> None:
    orders = Api.objects.get(identifier=ORDERS)
    orders.shared_with.set(Project.objects.filter(key="other"))
    Api.objects.filter(pk=orders.pk).update(shared="listed", token_format="jwt", token_lifetime=5)
    found = facts.registry([ORDERS], facts.find_client("web")).resolve(ORDERS)  # type: ignore[arg-type]
    assert found is not None
    assert found.scopes == {"orders.read", "orders.write"}
    assert found.shared_with == {Project.objects.get(key="other").pk}
    assert (found.shared, found.token_format, found.token_lifetime) == ("listed", "jwt", 5)


def test_the_providers_own_api_belongs_to_nobody() -> None:
    web = facts.find_client("web")
    assert web is not None
    own = facts.registry([f"{ISSUER}/api/v1/projects"], web).resolve(f"{ISSUER}/api/v1/projects")
    assert own is not None
    assert all(own.of_another(project_facts(project)) for project in Project.objects.all())
    assert own.scopes == {"admin.read", "admin.write", "ssf.read", "ssf.manage", "scim.manage"}


def person() -> PersonFacts:
    """As a token of theirs speaks of them."""
    found = find.access_token(Browser("owner").tokens("web")["access_token"])
    assert found is not None
    assert found.person is not None
    return found.person


@pytest.mark.parametrize(
    ("verified", "address", "expected"),
    [
        (True, "owner@people.example", True),
        (True, "Owner@People.example", True),
        (False, "owner@people.example", False),
        (True, "another@people.example", False),
    ],
)
def test_an_address_is_verified_when_the_person_proved_to_own_it(verified: bool, address: str, expected: bool) -> None:
    EmailAddress.objects.filter(user__username="owner").update(verified=verified, email=address)
    assert person().facts["email_verified"] is expected
    assert User.objects.get(username="owner").email_verified is expected


def test_who_has_no_address_has_none_that_is_verified() -> None:
    User.objects.filter(username="owner").update(email="")
    EmailAddress.objects.filter(user__username="owner").update(email="")
    assert person().facts["email_verified"] is False


def test_every_fact_of_a_person_comes_from_their_row() -> None:
    row = User.objects.get(username="owner")
    found = person()
    assert (found.id, found.sub, found.username) == (row.pk, str(row.sub), "owner")
    assert (found.facts["given_name"], found.facts["family_name"]) == ("Olive", "Owner")
    assert (found.facts["email"], found.facts["email_verified"]) == ("owner@people.example", True)
    assert (found.facts["phone_number"], found.facts["address"]) == ("+1 555 0100", {"formatted": "1 Main St"})
    assert found.facts["updated_at"] == int(row.updated_at.timestamp())
    assert found.active
    assert facts.user_of(found) == row


def test_the_sub_is_not_the_row_number() -> None:
    row = User.objects.get(username="owner")
    assert person().sub != str(row.pk)
    assert len(person().sub) == 36
