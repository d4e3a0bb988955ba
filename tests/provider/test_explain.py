"""`manage.py explain`, as an operator types it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from clients.models import AudienceEntry, Client
from idp.configuration import apply
from projects.models import Project
from provider.protocol.facts import TOKEN_EXCHANGE
from tests.provider.document_server import publish, taking_documents
from tests.world import BILLING, FOREIGN, ORDERS, App, Browser, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str]) -> Any:
    """The exit code and what was printed on stdout."""

    def run(*args: str) -> tuple[int, str]:
        code = 0
        try:
            call_command("explain", *args)
        except CommandError as error:
            code = error.returncode
        return code, capsys.readouterr().out

    return run


def test_what_is_allowed_is_told_by_rule_and_exits_with_0(explain: Any) -> None:
    code, said = explain("web", f"{ORDERS}/7")
    assert code == 0
    assert f"web (project acme), audience {ORDERS}/7: allowed" in said
    assert f"Rule 1 covers it: {ORDERS} and everything below." in said
    assert f"aud: {ORDERS}/7" in said
    assert "steps: audience.named, pkce.at_token, audience.at_token" in said


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        ("https://nobody.example", "No rule of the allowlist covers it."),
        (f"{BILLING}/7", "No rule of the allowlist covers it."),
        (FOREIGN, f"It belongs to the API {FOREIGN} of the project other, which does not share it."),
        ("stranger", "It is a client of another project."),
        ("retired", "It is disabled."),
        ("picky", "It lists the clients that may ask, and this one is not among them."),
        ("nobody", "No client of this project has this ID"),
        ("https://h/..", "must not contain empty, '.' or '..' segments"),
    ],
)
def test_what_is_refused_is_told_in_words_and_exits_with_1(explain: Any, audience: str, words: str) -> None:
    code, said = explain("web", audience)
    assert code == 1
    assert words in said
    assert ": refused" in said.splitlines()[0]


def test_a_sibling_refused_for_no_fault_of_its_own_is_told_why(explain: Any) -> None:
    """The app reads that the two need to be in the same project, which they are."""
    person, other = "An ID token is about a person", "An ID token is for one client"
    code, said = explain("web", "sibling", "--grant=client_credentials")
    assert (code, person in said, other in said) == (1, True, False)
    code, said = explain("web", "sibling spa", "--grant=refresh_token")
    assert (code, person in said, other in said) == (1, False, True)
    code, said = explain("web", "sibling", "--grant=refresh_token")
    assert (code, person in said, other in said) == (0, False, False)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("missing", ORDERS), "There is no client 'missing'."),
        (("we\0b", ORDERS), "There is no client"),
        (("\ud800", ORDERS), "There is no client"),
        (("web", ORDERS, "--user", "missing"), "There is no user 'missing'."),
    ],
)
def test_what_is_not_there_is_bad_usage(explain: Any, args: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as raised:
        call_command("explain", *args)
    assert raised.value.returncode == 2


def test_who_names_no_audience_is_told_what_to_send(explain: Any) -> None:
    """A scope of an API alone brings a token for the client itself, which no API accepts."""
    code, said = explain("web", "", "--scope", "orders.read", "--grant", "client_credentials")
    assert code == 0
    assert "aud: web" in said
    assert f"Send resource={ORDERS}, or make that rule the default." in said


def test_who_names_one_or_has_a_default_needs_no_advice(explain: Any) -> None:
    assert "Send resource=" not in explain("web", ORDERS)[1]
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).update(default=True)
    assert "Send resource=" not in explain("web", "", "--grant", "client_credentials")[1]
    assert "Send resource=" not in explain("service", "")[1]


@pytest.mark.parametrize("audience", ["", " ", "a\0b", "\ud800", "x" * 5000, "é", "https://[", "\n" * 9, "%" * 2048])
def test_no_audience_is_a_fault(explain: Any, audience: str) -> None:
    code, said = explain("web", audience, "--format=json")
    assert code in (0, 1)
    assert json.loads(said)["client"] == "web"


def test_as_json_it_says_the_same(explain: Any) -> None:
    code, said = explain("service", ORDERS, "--format=json")
    answer = json.loads(said)
    assert (code, answer["allowed"]) == (1, False)
    [grant] = answer["grants"]
    assert (grant["grant"], grant["refused_at"], grant["error"]) == (
        "client_credentials",
        "audience.at_token",
        "invalid_target",
    )
    assert answer["values"][0]["why"] == "not_listed"
    assert answer["consent"] is None


def test_one_grant_alone_decides_the_exit(explain: Any) -> None:
    assert explain("web", "sibling")[0] == 0
    assert explain("web", "sibling", "--grant=refresh_token")[0] == 0
    assert explain("web", "sibling", "--grant=client_credentials")[0] == 1
    assert explain("service", ORDERS, "--grant=authorization_code")[0] == 1


@pytest.mark.parametrize(
    "audience", [ORDERS, f"{ORDERS}/7", f"{ORDERS} {BILLING}", "urn:acme:queue", "web", "stranger"]
)
def test_it_says_what_the_token_endpoint_does(explain: Any, audience: str) -> None:
    """The very answer an app gets, of the client's own token."""
    [told] = json.loads(explain("web", audience, "--grant=client_credentials", "--format=json")[1])["grants"]
    response = App("web").token(grant_type="client_credentials", audience=audience)
    got = response.json()
    assert told["allowed"] == (response.status_code == 200)
    if not told["allowed"]:
        assert {name: told[name] for name in ("error", "error_description")} == got
        return
    token = told["token"]
    assert (token["scope"], token["lifetime"]) == (got["scope"], got["expires_in"])
    assert App("web").introspect(got["access_token"]).json()["aud"] == token["aud"]


def test_it_says_what_an_id_token_for_a_sibling_is(explain: Any) -> None:
    [told] = json.loads(explain("web", "sibling", "--grant=refresh_token", "--format=json")[1])["grants"]
    tokens = Browser("owner").tokens("web", scope="openid offline_access")
    claims = claims_of(App("web").refresh(tokens["refresh_token"], audience="sibling").json()["id_token"])
    said = told["token"]["id_token"]
    assert (said["aud"], said["azp"], said["lifetime"]) == (claims["aud"], claims["azp"], claims["exp"] - claims["iat"])


def test_the_default_entry_and_a_disabled_client(explain: Any) -> None:
    AudienceEntry.objects.filter(value=ORDERS).update(default=True)
    [value] = json.loads(explain("web", ORDERS, "--format=json")[1])["values"]
    assert value["rule"] == {"number": 1, "value": ORDERS, "mode": "prefix", "default": True}
    Client.objects.filter(client_id="web").update(enabled=False)
    code, said = explain("web", ORDERS)
    assert code == 1
    assert "refused at client.enabled" in said


# --- With a person -------------------------------------------------------------------------------------------------


def test_a_person_who_allowed_nothing_would_be_asked_for_it(explain: Any) -> None:
    code, said = explain("web", ORDERS, "--user=owner", "--scope=openid orders.read")
    assert code == 0
    assert f"A page asks for: openid, orders.read, {ORDERS}." in said


def test_what_a_person_allowed_is_not_asked_again(explain: Any) -> None:
    Browser("owner").code("web", scope="openid orders.read", resource=ORDERS)
    args = ("--user=owner", "--scope=openid orders.read")
    assert "No page is shown." in explain("web", f"{ORDERS}/7", *args)[1]
    assert f"A page asks for: {BILLING}." in explain("web", BILLING, *args)[1]
    assert "A page asks for" in explain("web", ORDERS, "--user=member", "--scope=openid")[1]


def test_the_page_is_the_one_the_person_meets(explain: Any) -> None:
    consent = json.loads(explain("web", ORDERS, "--user=owner", "--scope=openid", "--format=json")[1])["consent"]
    person = Browser("owner")
    shown = person.authorize("web", scope="openid", audience=ORDERS)
    assert (shown.status_code == 200) == consent["page"]
    person.answer(shown)
    consent = json.loads(explain("web", ORDERS, "--user=owner", "--scope=openid", "--format=json")[1])["consent"]
    assert (person.authorize("web", scope="openid", audience=ORDERS).status_code == 200) == consent["page"] is False


def test_loopback_apps_always_ask_and_first_parties_never(explain: Any) -> None:
    Browser("owner").code("native", scope="openid")
    said = explain("native", "native", "--user=owner", "--scope=openid")[1]
    assert "A page asks for: openid." in said
    assert "It is shown every time: another program could answer at http://127.0.0.1/cb." in said
    assert "First party: nobody is asked." in explain("desk", "desk", "--user=owner")[1]


def test_what_an_api_passes_on_is_tried_within_what_the_person_allowed(explain: Any) -> None:
    grants = [{"client_id": "service", "grant_types": [TOKEN_EXCHANGE], "acts_for": [ORDERS], "audience": [BILLING]}]
    apply({"version": 1, "projects": [{"id": "acme", "clients": grants}]})
    assert explain("service", BILLING)[0] == 0, "of some person"
    code, said = explain("service", BILLING, "--user=owner")
    assert code == 1
    assert "This audience was not granted" in said
    Browser("owner").code("web", scope="openid", resource=BILLING)
    assert explain("service", BILLING, "--user=owner")[0] == 0


def test_a_refresh_is_tried_within_what_was_granted(explain: Any) -> None:
    tokens = Browser("owner").tokens("web", scope="openid offline_access", audience=f"{ORDERS}/7")
    args = ("--user=owner", "--grant=refresh_token")
    assert explain("web", f"{ORDERS}/7/items", *args)[0] == 0
    code, said = explain("web", ORDERS, *args)
    assert code == 1
    assert "was not granted to this authorization" in said
    assert "Refreshed within what they allowed on" in said
    assert App("web").refresh(tokens["refresh_token"], audience=ORDERS).json()["error"] == "invalid_target"


def test_who_may_not_come_in_gets_nothing(explain: Any) -> None:
    Project.objects.filter(key="acme").update(status="testing")
    code, said = explain("web", ORDERS, "--user=owner", "--grant=authorization_code")
    assert code == 1
    assert "interaction.admit with access_denied" in said
    Project.objects.filter(key="acme").update(status="production")
    User.objects.filter(username="owner").update(is_active=False)
    code, said = explain("web", ORDERS, "--user=owner", "--grant=authorization_code")
    assert code == 1
    assert "This account is not active." in said


def test_nothing_is_stored_by_asking(explain: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        explain("web", f"{ORDERS} sibling stranger", "--user=owner")
    assert queries.captured_queries
    assert all(one["sql"].lstrip().upper().startswith("SELECT") for one in queries.captured_queries)


def test_whoever_wrote_a_document_reads_what_each_rule_says_of_it(explain: Any, settings: Any) -> None:
    with taking_documents(settings) as agent:
        code, said = explain(agent.url)
        assert code == 0
        assert said.startswith(f"{agent.url}: accepted\n  C1  ok: ")
        assert "  name: Agent\n" in said
        publish(agent, client_secret="s", redirect_uris=["http://evil.example/"], logo_uri="https://a.example/l.png")
        code, said = explain(agent.url)
        assert code == 1
        assert "  C6  no: It has client_secret: everybody can read it.\n" in said
        assert "  C8  no: None of its redirect_uris can be registered.\n" in said
        assert "  redirect_uris[0] is left out: http://evil.example/: use https" in said
        agent.status = 404
        assert "  C3  no: 127.0.0.1 does not answer as it should: the status is 404" in explain(agent.url)[1]
        code, said = explain(f"{agent.url}#x", "--format", "json")
        assert json.loads(said)["rules"] == [
            {"rule": "C1", "ok": False, "problem": "It must not have a fragment."},
        ]


def test_a_good_document_is_refused_where_none_are_taken(explain: Any, settings: Any) -> None:
    with taking_documents(settings) as agent:
        settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = False
        code, said = explain(agent.url)
        assert code == 1
        assert "IDP_CLIENT_ID_METADATA_DOCUMENTS is off" in said
        assert json.loads(explain(agent.url, "--format", "json")[1])["document"]["client_name"] == "Agent"


def test_only_a_client_with_a_document_is_asked_about_without_an_audience(explain: Any) -> None:
    assert explain("web")[0] == 2
