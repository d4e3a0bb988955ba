"""A right that reaches outside a project is a superuser's to grant, and so is every key to it made later."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from clients import registration, secrets
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.models.choices import GrantType
from clients.policy import metadata_of
from clients.reach import key_problems, reaching_out
from idp.configuration import apply
from projects.actors import Actor
from projects.problems import RegistrationError
from tests.console import OPEN, ORDERS, browser, client, form_of, page, send
from tests.foreign_keys import KEYS, public

pytestmark = pytest.mark.usefixtures("console")

QUEUE = Audience("urn:acme:queue", "exact")
NEW = "https://mallory.example/cb"
OUTSIDE: dict[str, dict[str, Any]] = {
    "introspection": {"introspection": "all"},
    "introspects": {"introspection": "listed", "introspects": ("foreign",)},
    "acts for": {"acts_for": (OPEN,)},
    "audiences that are no API": {"audience": (Audience(ORDERS), QUEUE)},
}
WITHIN: list[dict[str, Any]] = [
    {},
    {"introspection": "project"},
    {"introspection": "listed", "introspects": ("spa",)},
    {"introspection": "none", "acts_for": (OPEN,)},
    {"acts_for": (ORDERS,)},
    {"audience": (Audience(ORDERS), Audience(f"{ORDERS}/7"), Audience(OPEN))},
]


def by(username: str) -> Actor:
    return Actor.person(User.objects.get(username=username))


@pytest.fixture(autouse=True)
def _nothing_reaches_out(console: None) -> None:
    granted({"audience": (Audience(ORDERS),)})


def granted(said: dict[str, Any]) -> Client:
    """What a superuser made of the client."""
    registration.change(client(), metadata_of(client()).changed(said), by("root"))
    return client()


def refused(make: Any) -> str:
    with pytest.raises(RegistrationError) as error:
        make()
    [problem] = error.value.problems
    return problem.message


@pytest.mark.parametrize("because", OUTSIDE)
@pytest.mark.parametrize("username", ["editor", "owner"])
def test_no_member_makes_a_secret_for_what_reaches_outside(username: str, because: str) -> None:
    web = granted(OUTSIDE[because])
    sentence = f"Only a superuser makes a secret for this client, for it reaches outside its project: {because}."
    assert refused(lambda: registration.generate_secret(web, by(username))) == sentence
    assert refused(lambda: registration.adopt_secret(web, "chosen by them", by(username))) == sentence
    assert web.secrets.count() == 1
    assert secrets.matches(registration.generate_secret(web, by("root")), web.secrets.latest("pk").digest)


@pytest.mark.parametrize("because", OUTSIDE)
def test_no_member_sends_its_codes_somewhere_else_or_lets_it_do_without_a_secret(because: str) -> None:
    before = metadata_of(granted(OUTSIDE[because]))
    for said in ({"redirect_uris": (*before.redirect_uris, NEW)}, {"token_endpoint_auth_method": "none"}):
        wanted = before.changed(said)
        if reaching_out(wanted, client().home):
            assert because in refused(lambda wanted=wanted: registration.change(client(), wanted, by("editor")))
            assert metadata_of(client()) == before
    fewer = before.changed({"redirect_uris": before.redirect_uris[:1]})
    assert registration.change(client(), fewer, by("editor")) == ["redirect_uris"]


@pytest.mark.parametrize("because", OUTSIDE)
def test_no_member_says_whose_certificate_proves_that_it_is_this_client(settings: Any, because: str) -> None:
    settings.IDP_CLIENT_CERTIFICATE_HEADER = settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER = "X-Any"
    mine = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "web.acme.example"}
    before = metadata_of(granted({**OUTSIDE[because], **mine}))
    for name, value in (("san_dns", "mallory.example"), ("subject_dn", "CN=mallory")):
        said = {"tls_client_auth_san_dns": "", f"tls_client_auth_{name}": value}
        assert because in refused(lambda said=said: registration.change(client(), before.changed(said), by("editor")))
    assert metadata_of(client()) == before


@pytest.mark.parametrize("said", WITHIN, ids=str)
def test_members_make_keys_to_what_stays_within_their_project(said: dict[str, Any]) -> None:
    before = metadata_of(granted(said))
    registration.generate_secret(client(), by("editor"))
    wanted = before.changed({"redirect_uris": (*before.redirect_uris, NEW)})
    assert registration.change(client(), wanted, by("editor")) == ["redirect_uris"]


@pytest.mark.parametrize("because", OUTSIDE)
def test_who_takes_the_right_away_makes_keys_and_does_not_get_it_back(because: str) -> None:
    outside = metadata_of(granted(OUTSIDE[because]))
    within = outside.changed(
        {"introspection": "none", "audience": (Audience(ORDERS),), "redirect_uris": (*outside.redirect_uris, NEW)}
    )
    registration.change(client(), within, by("editor"))
    registration.generate_secret(client(), by("editor"))
    again = within.changed({"introspection": outside.introspection, "audience": outside.audience})
    assert refused(lambda: registration.change(client(), again, by("editor")))


@pytest.mark.parametrize(
    ("before", "after"),
    [("tls_client_auth", "private_key_jwt"), ("private_key_jwt", "tls_client_auth"), ("private_key_jwt", "none")],
)
def test_what_is_registered_for_something_else_does_not_become_a_key(before: str, after: str) -> None:
    """A key may be there to sign requests, and the name of a certificate from before."""
    keys = {"keys": [public(KEYS["ES256"], kid="of its requests")]}
    was = ClientMetadata(
        token_endpoint_auth_method=before, jwks=keys, tls_client_auth_san_dns="a.example", audience=(QUEUE,)
    )
    wanted = was.changed({"token_endpoint_auth_method": after})
    [problem] = key_problems(was, wanted, client().home, by("editor"))
    assert (problem.field, "no API" in problem.message) == ("token_endpoint_auth_method", True)
    assert not list(key_problems(was, wanted, client().home, by("root")))


def test_no_member_lets_devices_speak_for_a_public_client_that_reaches_outside() -> None:
    """Anybody begins at a device of theirs: that is as good as a redirect URI."""
    registration.change(client("spa"), metadata_of(client("spa")).changed({"audience": (QUEUE,)}), by("root"))
    before = metadata_of(client("spa"))
    wanted = before.changed({"grant_types": (*before.grant_types, GrantType.DEVICE_CODE)})
    assert "audiences that are no API" in refused(lambda: registration.change(client("spa"), wanted, by("editor")))
    registration.change(client("spa"), wanted.changed({"audience": ()}), by("root"))
    assert GrantType.DEVICE_CODE in client("spa").grant_types


EXCHANGES = ("authorization_code", GrantType.TOKEN_EXCHANGE)


def test_an_api_of_others_counts_for_who_may_pass_on_its_tokens_though_it_introspects_nothing() -> None:
    """It acts for that API in a token exchange, too (protocol section 13)."""
    before = metadata_of(granted({"introspection": "none", "acts_for": (OPEN,), "grant_types": EXCHANGES}))
    assert reaching_out(before, client().home) == ["acts_for"]
    assert "acts for" in refused(lambda: registration.generate_secret(client(), by("editor")))
    wanted = before.changed({"redirect_uris": (*before.redirect_uris, NEW)})
    assert "acts for" in refused(lambda: registration.change(client(), wanted, by("editor")))


def test_nobody_begins_to_pass_on_tokens_of_an_api_of_others_that_was_switched_off() -> None:
    before = metadata_of(granted({"introspection": "none", "acts_for": (OPEN,)}))
    wanted = before.changed({"grant_types": EXCHANGES})
    assert "Only a superuser" in refused(lambda: registration.change(client(), wanted, by("editor")))
    assert metadata_of(client()) == before
    registration.change(client(), wanted.changed({"acts_for": ()}), by("editor"))
    assert client().grant_types == list(EXCHANGES)


def test_narrowing_what_reaches_out_is_no_way_to_a_key() -> None:
    before = metadata_of(granted({"introspection": "all", "introspects": (), "acts_for": (OPEN,)}))
    wanted = before.changed({"introspection": "own", "redirect_uris": (*before.redirect_uris, NEW)})
    assert "acts for" in refused(lambda: registration.change(client(), wanted, by("editor")))


@pytest.mark.any_database
@pytest.mark.parametrize("because", OUTSIDE)
def test_the_console_says_why_before_and_after_somebody_tries(because: str) -> None:
    web, http = granted(OUTSIDE[because]), browser("editor")
    shown = http.get(page("clients_client_secrets", web.pk)).content.decode()
    assert f"reaches outside its project: {because}." in shown
    assert "Make the secret" not in shown
    tried = http.post(page("clients_client_new_secret", web.pk), {"seen": str(web.secrets.get().pk)}, follow=True)
    assert f"reaches outside its project: {because}." in tried.content.decode()
    assert web.secrets.count() == 1
    where = page("clients_client_change", web.pk)
    answer = send(http, where, {"redirect_uris": f"{web.redirect_uris}\n{NEW}"})
    assert because in str(answer.context["adminform"].form.errors["redirect_uris"])
    assert form_of(http.get(where))["redirect_uris"].split() == web.redirect_uri_list


def test_a_superuser_and_a_file_make_what_is_needed() -> None:
    granted({"introspection": "all"})
    http = browser("root")
    assert "Make the secret" in http.get(page("clients_client_secrets", client().pk)).content.decode()
    file = {"client_id": "web", "client_secret": "another one", "redirect_uris": [NEW]}
    apply({"version": 1, "projects": [{"id": "acme", "clients": [file]}]})
    assert client().redirect_uri_list == [NEW]
    assert any(secrets.matches("another one", one.digest) for one in client().secrets.all())
