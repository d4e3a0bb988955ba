"""A project names a scope as it likes. What it means at another project's API is for that API alone to say.

And no token for that API is for anybody else as well.
"""

from __future__ import annotations

from typing import Any

import pytest

from clients.models import Client
from idp.configuration import apply
from projects.models import Api
from provider.explain import explain
from tests.world import FOREIGN, REDIRECTS, SECRETS, App, Browser, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("smuggler"), pytest.mark.any_database]
OWN, PLAIN, NAME = "https://evil.example/api", "https://evil.example/plain", "urn:evil:name"
WORLD = f"""
version: 1
projects:
  - id: other
    apis: [{{identifier: {FOREIGN}, shared: public, scopes: {{reports.read: See your reports}}}}]
    clients: [{{client_id: stranger, acts_for: [{FOREIGN}]}}]
  - id: evil
    name: Evil
    apis:
      - {{identifier: {OWN}, name: Weather, scopes: {{reports.purge: See the weather, reports.read: See the sky}}}}
      - {{identifier: {PLAIN}, name: Plain}}
    clients:
      - client_id: smuggler
        client_name: Smuggler
        client_secret: smuggler-secret
        grant_types: [authorization_code, refresh_token, client_credentials]
        redirect_uris: ["https://evil.example/cb"]
        scope: openid profile reports.read reports.purge
        audience: [{FOREIGN}, {OWN}, {PLAIN}, {NAME}]
"""
BOTH = "reports.purge reports.read"
MIXTURES = [[FOREIGN, OWN], [OWN, FOREIGN], [FOREIGN, PLAIN], [f"{FOREIGN}/7", NAME], [FOREIGN, OWN, PLAIN, NAME]]
INVALID_SCOPE = (400, "invalid_scope")
INVALID_TARGET = (400, "invalid_target")


@pytest.fixture
def smuggler(world: None, monkeypatch: Any) -> None:
    """An app of a project whose API gave harmless words to a name that another project's API takes seriously."""
    apply(WORLD, path="evil.yaml")
    monkeypatch.setitem(SECRETS, "smuggler", "smuggler-secret")
    monkeypatch.setitem(REDIRECTS, "smuggler", "https://evil.example/cb")


def ask(audience: list[str] | str, **params: str) -> Any:
    return App("smuggler").token(grant_type="client_credentials", audience=audience, **params)


def seen_by_the_api(token: str) -> dict[str, Any]:
    answer: dict[str, Any] = App("stranger").introspect(token).json()
    return answer


def explained(audience: list[str], scope: str = "") -> tuple[str, str]:
    """The scope of the token, or the error, as `explain` tells the operator."""
    client = Client.objects.get(client_id="smuggler")
    [attempt] = explain(client, " ".join(audience), scope=scope, rows=["client_credentials"]).attempts
    return (attempt.token.scope if attempt.token else "", attempt.refusal.code if attempt.refusal else "")


@pytest.mark.parametrize("scope", [BOTH, "reports.purge", ""])
@pytest.mark.parametrize("audience", MIXTURES, ids=" ".join)
def test_naming_other_audiences_beside_it_brings_no_scope_to_another_projects_api(
    audience: list[str], scope: str
) -> None:
    """It shares a token with nobody, so no other API's words can be read at it."""
    response = ask(audience, scope=scope)
    assert (response.status_code, response.json()["error"]) == INVALID_TARGET
    assert explained(audience, scope) == ("", "invalid_target")


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_alone_it_gets_what_it_offers(form: str) -> None:
    Api.objects.filter(identifier=FOREIGN).update(token_format=form)
    answer = ask(FOREIGN, scope=BOTH).json()
    assert answer["scope"] == "reports.read"
    assert seen_by_the_api(answer["access_token"])["scope"] == "reports.read"
    if form == "jwt":
        assert claims_of(answer["access_token"])["scope"] == "reports.read"
    assert explained([FOREIGN], BOTH) == ("reports.read", "")


def test_a_scope_it_does_not_offer_is_refused_alone() -> None:
    response = ask(FOREIGN, scope="reports.purge")
    assert (response.status_code, response.json()["error"]) == INVALID_SCOPE
    assert explained([FOREIGN], "reports.purge") == ("", "invalid_scope")


def test_an_api_of_another_project_that_offers_no_scopes_gets_none() -> None:
    Api.objects.get(identifier=FOREIGN).scopes.all().delete()
    response = ask(FOREIGN, scope=BOTH)
    assert (response.status_code, response.json()["error"]) == INVALID_SCOPE
    assert explained([FOREIGN], BOTH) == ("", "invalid_scope")
    answer = ask(FOREIGN).json()
    assert answer["scope"] == seen_by_the_api(answer["access_token"])["scope"] == ""
    assert explained([FOREIGN]) == ("", "")


def test_what_a_person_allowed_for_both_is_asked_for_one_by_one() -> None:
    """Refused is the token, not what the person allowed: the code is as good as before."""
    code = Browser("owner").code("smuggler", scope=f"openid {BOTH}", audience=[FOREIGN, OWN])
    refused = App("smuggler").exchange(code)
    assert (refused.status_code, refused.json()["error"]) == INVALID_TARGET
    answer = App("smuggler").exchange(code, audience=FOREIGN).json()
    assert answer["scope"] == "openid reports.read"
    assert seen_by_the_api(answer["access_token"])["scope"] == "openid reports.read"


def test_a_refresh_smuggles_nothing_and_the_own_api_keeps_its_own() -> None:
    code = Browser("owner").code("smuggler", scope=BOTH, audience=[FOREIGN, OWN])
    refresh_token = App("smuggler").exchange(code, audience=OWN).json()["refresh_token"]
    refused = App("smuggler").refresh(refresh_token, audience=[OWN, FOREIGN], scope=BOTH)
    assert (refused.status_code, refused.json()["error"]) == INVALID_TARGET
    theirs = App("smuggler").refresh(refresh_token, audience=FOREIGN, scope=BOTH).json()
    assert theirs["scope"] == "reports.read"
    own = App("smuggler").refresh(refresh_token, audience=OWN, scope=BOTH).json()
    assert own["scope"] == BOTH


def test_an_api_reads_no_scope_of_an_audience_that_is_hidden_from_it() -> None:
    """The scope is offered by Weather alone; whoever acts for Plain learns neither of the two."""
    stranger = Client.objects.get(client_id="stranger")
    stranger.acts_for.set([Api.objects.get(identifier=PLAIN)])
    token = ask([OWN, PLAIN], scope=BOTH).json()["access_token"]
    answer = seen_by_the_api(token)
    assert (answer["aud"], answer["scope"]) == (PLAIN, "")
    own = App("smuggler").introspect(token).json()
    assert (own["aud"], own["scope"]) == ([OWN, PLAIN], BOTH)


@pytest.mark.parametrize(("scope", "username"), [("openid profile", "owner"), ("openid", None), ("reports.read", None)])
def test_the_name_somebody_signs_in_with_is_told_only_with_profile(scope: str, username: str | None) -> None:
    """Whoever introspects learns no more of a person than userinfo would say."""
    token = Browser("owner").tokens("smuggler", scope=scope, audience=FOREIGN)["access_token"]
    for answer in (App("smuggler").introspect(token).json(), seen_by_the_api(token)):
        assert (answer["active"], answer.get("username")) == (True, username)
