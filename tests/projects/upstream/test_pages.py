"""The sign-in page and the account page, with connectors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client as Http

from accounts import emails, provisioning
from accounts.models import AccountEvent, Group, Provisioned, SignIn, User
from projects.upstream import registration, sessions, views
from projects.upstream.linked import has_own_way
from projects.upstream.models import Connector
from projects.upstream.people import address_of
from projects.upstream.told import Told
from tests.accounts.second_steps import code, enrol, give_code
from tests.projects.upstream.elsewhere import BY, KEY, Visitor, asked, connector, location_in
from tests.projects.upstream.fake import SUB, Provider
from tests.projects.upstream.test_oidc import REQUEST, from_now, returned, visited, waiting_in
from tests.world import Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def person(username: str = "owner") -> User:
    return User.objects.get(username=username)


def link(username: str = "owner", key: str = KEY, uid: str = SUB) -> None:
    SocialAccount.objects.create(user=person(username), provider=key, uid=uid)


def buttons(page: Response) -> list[str]:
    return re.findall(r"Go on with ([^<]+)<", page.content.decode())


# --- The sign-in page -----------------------------------------------------------------------------------------------


def test_buttons_stand_in_their_order_and_only_enabled_ones(world: None, fake: Provider) -> None:
    connector(fake.issuer, id="third", name="Third", position=30)
    connector(fake.issuer, id="first", name="First & foremost", position=10)
    connector(fake.issuer, id="off", name="Off", position=20, enabled=False)
    assert buttons(Http().get("/accounts/login/")) == ["First &amp; foremost", "Third"]


def test_a_connector_of_a_project_is_seen_by_who_comes_from_its_apps(world: None, fake: Provider) -> None:
    connector(fake.issuer, id="all", name="All")
    connector(fake.issuer, id="acme", name="Acme's", project="acme")
    http = Http()
    page = http.get("/oauth2/authorize", REQUEST)
    assert buttons(http.get(page["Location"])) == ["Acme&#x27;s", "All"]
    assert buttons(http.get("/accounts/login/")) == ["All"]
    other = {**REQUEST, "client_id": "stranger", "redirect_uri": "https://stranger.example/cb"}
    assert buttons(http.get(http.get("/oauth2/authorize", other)["Location"])) == ["All"]
    assert http.post("/accounts/from/acme/").status_code == 403
    assert http.post("/accounts/from/acme/", {"next": waiting_in(page)}).status_code == 200


def test_no_link_of_another_site_begins_a_sign_in(world: None, fake: Provider) -> None:
    connector(fake.issuer)
    page = Http().get(f"/accounts/from/{KEY}/", {"next": "/accounts/security/"})
    assert (page.status_code, fake.asked) == (200, [])
    assert b'name="next" value="/accounts/security/"' in page.content
    assert Http(enforce_csrf_checks=True).post(f"/accounts/from/{KEY}/").status_code == 403


@pytest.mark.parametrize("typed", ["ada@corp.example", "ADA@Corp.Example", "corp.example", " ada@corp.example "])
def test_an_address_of_its_domain_goes_straight_there(world: None, fake: Provider, typed: str) -> None:
    connector(fake.issuer, domains=("corp.example",))
    page = Http().post("/accounts/login/", {"login": typed, "next": "/accounts/security/"})
    hint = asked(location_in(page)).get("login_hint")
    assert hint == (typed.strip() if "@" in typed else None)


def test_a_password_that_is_typed_for_another_provider_is_not_looked_at(world: None, fake: Provider) -> None:
    connector(fake.issuer, domains=("people.example",))
    page = Http().post("/accounts/login/", {"login": "owner@people.example", "password": "wrong"})
    assert location_in(page).startswith(fake.issuer)
    assert not AccountEvent.objects.exists()
    assert "wrong" not in str(fake.asked)


def test_everybody_else_still_needs_a_password(world: None, fake: Provider) -> None:
    connector(fake.issuer, domains=("corp.example",))
    page = Http().get("/accounts/login/")
    assert not re.search(r'<input type="password"[^>]* required', page.content.decode())
    answer = Http().post("/accounts/login/", {"login": "owner"})
    assert b"This field is required" in answer.content
    assert Http().post("/accounts/login/", {"login": "owner", "password": "owner-pw"}).status_code == 302


def test_the_sign_in_page_costs_one_statement_more_with_ten_connectors(
    world: None, fake: Provider, django_assert_num_queries: Any
) -> None:
    for number in range(10):
        connector(fake.issuer, id=f"c{number}", name=f"Number {number}", domains=(f"d{number}.example",))
    http = Http()
    http.get("/accounts/login/")
    with django_assert_num_queries(1):
        page = http.get("/accounts/login/")
    assert len(buttons(page)) == 10


# --- How strong a sign-in from elsewhere is (rule U3) ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("configured", "told", "acr", "amr"),
    [
        ({}, {"amr": ["pwd", "otp", "mfa"]}, "aal1", ["federated"]),
        ({}, {"acr": "high"}, "aal1", ["federated"]),
        ({"trusts_mfa": True}, {"amr": ["pwd", "otp", "mfa"]}, "aal2", ["federated", "pwd", "otp", "mfa"]),
        ({"trusts_mfa": True}, {"amr": ["pwd", "otp"]}, "aal1", ["federated", "pwd", "otp"]),
        ({"trusts_mfa": True}, {"amr": ["NOT A METHOD", 7, "pwd"]}, "aal1", ["federated", "pwd"]),
        ({"trusts_mfa": True, "mfa_acr_values": ("high",)}, {"acr": "high"}, "aal2", ["federated", "mfa"]),
        ({"trusts_mfa": True, "mfa_acr_values": ("high",)}, {"acr": "low"}, "aal1", ["federated"]),
    ],
)
def test_u3_second_steps_elsewhere_count_only_where_configured(
    world: None, fake: Provider, configured: dict[str, Any], told: dict[str, Any], acr: str, amr: list[str]
) -> None:
    connector(fake.issuer, **configured)
    link()
    fake.claims = told
    assert visited(fake).status_code == 302
    row = SignIn.objects.get()
    assert (row.acr, row.amr) == (acr, amr)


@pytest.mark.parametrize(
    ("trusted", "amr", "asks"), [(False, ["mfa"], True), (True, ["pwd"], True), (True, ["mfa"], False)]
)
def test_u3_who_has_a_second_step_here_is_asked_unless_they_took_one_there(
    world: None, fake: Provider, trusted: bool, amr: list[str], asks: bool
) -> None:
    connector(fake.issuer, trusts_mfa=trusted)
    link()
    enrol(person())
    fake.claims = {"amr": amr}
    visitor = Visitor("")
    answer = returned(fake, visitor, visitor.begin())
    if not asks:
        assert SignIn.objects.get().acr == "aal2"
        return
    assert answer["Location"] == "/accounts/two-step/sign-in/"
    assert not SignIn.objects.exists()
    assert give_code(visitor.here, code()).status_code == 302
    row = SignIn.objects.get()
    assert (row.acr, row.connector) == ("aal2", KEY)
    assert {"federated", "otp", "mfa"} <= set(row.amr)


def test_g2_a_connector_that_is_disabled_between_two_steps_signs_nobody_in(world: None, fake: Provider) -> None:
    row = connector(fake.issuer)
    link()
    enrol(person())
    visitor = Visitor("")
    returned(fake, visitor, visitor.begin())
    Connector.objects.filter(pk=row.pk).update(enabled=False)
    assert give_code(visitor.here, code()).status_code == 403
    assert not SignIn.objects.exists()


def test_g2_a_connector_that_is_disabled_begins_and_ends_nothing(world: None, fake: Provider) -> None:
    row = connector(fake.issuer)
    link()
    visitor = Visitor("")
    location = visitor.begin()
    registration.change(row, replace(registration.metadata_of(row), enabled=False), BY)
    assert returned(fake, visitor, location).status_code == 403
    assert visitor.here.post(f"/accounts/from/{KEY}/").status_code == 403
    assert not SignIn.objects.exists()


def disabling(after: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and then somebody disables the connector."""

    def call(*said: Any) -> Any:
        found = after(*said)
        row = Connector.objects.get(key=KEY)
        registration.change(row, replace(registration.metadata_of(row), enabled=False), BY)
        return found

    return call


def test_g2_a_connector_that_is_disabled_while_its_answer_is_read_links_nobody(
    world: None, fake: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector(fake.issuer)
    http = Browser("owner").http
    location = location_in(http.post("/accounts/linked/", {"link": KEY}))
    monkeypatch.setattr(views, "told_by", disabling(views.told_by))
    answer = returned(fake, Visitor("", http), location)
    assert (answer.status_code, SocialAccount.objects.count()) == (403, 0)
    assert b"switched off" in answer.content


@pytest.mark.parametrize("place", [(views, "told_by"), (sessions, "settle")], ids=["before", "after"])
def test_g2_a_connector_that_is_disabled_meanwhile_proves_nothing_again(
    world: None, fake: Provider, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
) -> None:
    connector(fake.issuer)
    link()
    visitor = Visitor("", Browser("owner").http)
    location = visitor.begin(next_url="/accounts/linked/")
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    monkeypatch.setattr(*place, disabling(getattr(*place)))
    assert returned(fake, visitor, location).status_code == 403
    assert (SignIn.objects.get().auth_time.year, SignIn.objects.get().connector) == (2020, "")


def test_g2_who_proves_it_again_by_a_connector_is_signed_out_with_it(world: None, fake: Provider) -> None:
    row = connector(fake.issuer)
    link()
    visitor = Visitor("", Browser("owner").http)
    assert returned(fake, visitor, visitor.begin()).status_code == 302
    assert SignIn.objects.get().ended_at is None
    registration.change(row, replace(registration.metadata_of(row), enabled=False), BY)
    assert SignIn.objects.get().ended_at is not None


@pytest.mark.parametrize("key", ["saml", "github", "google"])
def test_a_connector_is_what_its_row_says_whatever_its_key(world: None, fake: Provider, key: str) -> None:
    connector(fake.issuer, id=key)
    assert Visitor("").begin(key).startswith(f"{fake.issuer}/authorization_endpoint?")


# --- Whose account --------------------------------------------------------------------------------------------------


def test_u2_an_address_that_the_connector_does_not_own_opens_no_account(world: None, fake: Provider) -> None:
    connector(fake.issuer, creates_people=True, trusts_email=True, owns_domains=("corp.example",))
    fake.claims = {"email": "owner@people.example", "email_verified": True}
    answer = visited(fake)
    assert answer.status_code == 403
    assert b"This sign-in opens no account here" in answer.content
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("email", ["owner@people.example", "nobody@people.example", None, 7, "x" * 300])
def test_u2_the_page_is_the_same_for_addresses_that_are_here_and_those_that_are_not(
    world: None, fake: Provider, email: Any
) -> None:
    """No oracle: what an address there may be is nobody's proof."""
    connector(fake.issuer)
    fake.claims = {"email": email, "email_verified": True}
    text = re.sub(r"<code>.*?</code>", "", visited(fake).content.decode())
    fake.claims = {}
    assert text == re.sub(r"<code>.*?</code>", "", visited(fake).content.decode())


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_u2_only_what_is_called_verified_is(world: None, fake: Provider, verified: Any) -> None:
    connector(fake.issuer, owns_domains=("people.example",))
    fake.claims = {"email": "owner@people.example", "email_verified": verified}
    assert visited(fake).status_code == 403


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        ("Owner@People.example", "owner@people.example"),
        ("owner@\uff50eople.example", "owner@people.example"),
        ("\uff4fwner@people.example", ""),
        ("\u212aate@people.example", ""),  # the sign of Kelvin, whose small letter is a k
        ('"owner@x"\uff20people.example', ""),
        ("owner\uff20people.example", ""),
        ("", ""),
    ],
)
def test_u2_an_address_with_other_letters_is_proved_of_another_mailbox(told: str, ours: str) -> None:
    assert address_of(Told("1", told)) == ours


def test_u2_staff_are_not_linked_without_having_said_so(world: None, fake: Provider) -> None:
    connector(fake.issuer, owns_domains=("people.example",))
    User.objects.filter(username="owner").update(is_staff=True)
    fake.claims = {"email": "owner@people.example", "email_verified": True}
    assert visited(fake).status_code == 403
    assert not SocialAccount.objects.exists()


def test_u2_a_deactivated_person_stays_out(world: None, fake: Provider) -> None:
    connector(fake.issuer)
    link()
    User.objects.filter(username="owner").update(is_active=False)
    assert visited(fake)["Location"] == "/accounts/inactive/"
    assert not SignIn.objects.exists()


def brought(fake: Provider) -> User:
    """By SCIM; and the owner of the domain of their address says who they are."""
    connector(fake.issuer, owns_domains=("corp.example",))
    user = User.objects.create_user("ada", "ada@corp.example")
    emails.replace_primary_address(user, "")
    provisioning.keep(user, "directory", "", {})
    fake.claims = {"email": "Ada@corp.example", "email_verified": True}
    return user


def test_u2_whom_a_directory_brought_comes_by_the_owner_of_their_domain(world: None, fake: Provider) -> None:
    user = brought(fake)
    assert not User.objects.get(pk=user.pk).email_verified
    assert visited(fake).status_code == 302
    assert SignIn.objects.get().user == user
    assert User.objects.get(pk=user.pk).email_verified
    assert AccountEvent.objects.filter(kind="upstream.linked", sub=user.sub).exists()


UNLIKE: dict[str, Callable[[User], object]] = {
    "a password": lambda user: User.objects.filter(pk=user.pk).update(password="md5$a$b"),
    "a passkey": lambda user: Authenticator.objects.create(user=user, type="webauthn", data={}),
    "a link": lambda user: link(user.username, "other"),
    "staff": lambda user: User.objects.filter(pk=user.pk).update(is_staff=True),
    "a superuser": lambda user: User.objects.filter(pk=user.pk).update(is_superuser=True),
    "nobody brought": lambda user: Provisioned.objects.filter(user=user).delete(),
    "another address": lambda user: User.objects.filter(pk=user.pk).update(email="bob@corp.example"),
}


@pytest.mark.parametrize("what", UNLIKE)
def test_u2_who_could_have_been_here_is_not_linked_by_an_address_that_nobody_verified(
    world: None, fake: Provider, what: str
) -> None:
    user = brought(fake)
    UNLIKE[what](user)
    assert visited(fake).status_code == 403
    assert not SocialAccount.objects.filter(provider=KEY).exists()
    assert not User.objects.get(pk=user.pk).email_verified


@pytest.mark.parametrize("claims", [{"email": "ada@else.example"}, {"email_verified": False}], ids=str)
def test_u2_nor_by_one_whose_domain_is_not_owned_or_that_is_not_proved(
    world: None, fake: Provider, claims: dict[str, Any]
) -> None:
    User.objects.filter(pk=brought(fake).pk).update(email=claims.get("email", "ada@corp.example"))
    fake.claims |= claims
    assert visited(fake).status_code == 403


def test_people_of_an_owned_domain_are_created_with_their_address(world: None, fake: Provider) -> None:
    connector(fake.issuer, creates_people=True, owns_domains=("corp.example",))
    fake.claims = {"email": "Ada@Corp.example", "email_verified": True, "preferred_username": "owner@people.example"}
    assert visited(fake).status_code == 302
    made = User.objects.latest("pk")
    assert (made.email, made.email_verified, made.first_name, made.last_name) == (
        "ada@corp.example",
        True,
        "Ada",
        "Away",
    )
    assert "@" not in made.username
    assert made.username != "owner"


def test_strangers_are_not_created_where_sign_up_is_closed(world: None, fake: Provider) -> None:
    connector(fake.issuer, creates_people=True, trusts_email=True)
    people = User.objects.count()
    fake.claims = {"email": "ada@stranger.example", "email_verified": True}
    assert visited(fake).status_code == 403
    assert User.objects.count() == people


def test_attributes_and_groups_are_taken_over_at_each_sign_in_and_only_its_own_taken_back(
    world: None, fake: Provider
) -> None:
    connector(
        fake.issuer,
        attributes={"nickname": "nick", "birthdate": "born", "given_name": "given_name"},
        groups_claim="realm.groups",
        groups={"adm": "Administrators", "sales": "Sales"},
    )
    link()
    for name in ("Administrators", "Sales", "Hand"):
        Group.objects.create(name=name)
    Group.objects.get(name="Hand").members.create(user=person())
    fake.claims = {"nick": "ada", "born": "no date", "realm": {"groups": ["adm", "unknown", 7]}}
    assert visited(fake).status_code == 302
    assert person().attributes["nickname"] == "ada"
    assert "birthdate" not in person().attributes, "what nobody could keep is left out, and signs in all the same"
    assert groups() == {"Administrators", "Hand"}
    fake.claims = {"realm": {"groups": "sales"}}
    assert visited(fake).status_code == 302
    assert (groups(), person().attributes["nickname"]) == ({"Sales", "Hand"}, "ada")
    fake.claims = {}
    assert visited(fake).status_code == 302
    assert groups() == {"Hand"}


def test_whoever_has_as_much_as_anybody_may_have_signs_in_and_gets_no_more(world: None, fake: Provider) -> None:
    connector(fake.issuer, attributes={"nickname": "nick", "birthdate": "born", "gender": "gender"})
    link()
    full = {"nickname": "ada", "notes": "x" * 33_000}
    User.objects.filter(username="owner").update(attributes=full)
    for claims in ({"nick": "ada"}, {"nick": "eve", "gender": "f"}, {"nick": "eve", "born": "no date"}):
        fake.claims = claims
        assert visited(fake).status_code == 302, claims
        assert person().attributes == full


def groups() -> set[str]:
    return set(Group.objects.filter(members__user=person()).values_list("name", flat=True))


# --- The account page -----------------------------------------------------------------------------------------------


@pytest.fixture
def owner(world: None) -> Browser:
    return Browser("owner")


def test_a_signed_in_person_links_one_and_signs_in_by_it_then(owner: Browser, fake: Provider) -> None:
    connector(fake.issuer)
    visitor = Visitor("", owner.http)
    page = owner.http.post("/accounts/linked/", {"link": KEY})
    answer = returned(fake, visitor, location_in(page))
    assert answer["Location"] == "/accounts/linked/"
    assert SocialAccount.objects.get().user == person()
    assert b"Corp" in owner.http.get("/accounts/linked/").content
    assert AccountEvent.objects.filter(kind="upstream.linked").count() == 1
    assert visited(fake).status_code == 302
    assert SignIn.objects.get(connector=KEY).user == person()


def test_linking_needs_a_fresh_proof(owner: Browser, fake: Provider) -> None:
    connector(fake.issuer)
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    for answer in (owner.http.get("/accounts/linked/"), owner.http.post("/accounts/linked/", {"link": KEY})):
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert fake.asked == []


def test_nobody_links_for_somebody_else(owner: Browser, fake: Provider) -> None:
    """Who signed in meanwhile in the same browser gets no link of the person who began."""
    connector(fake.issuer)
    location = location_in(owner.http.post("/accounts/linked/", {"link": KEY}))
    owner.http.force_login(person("member"))
    answer = returned(fake, Visitor("", owner.http), location)
    assert answer.status_code == 400
    assert not SocialAccount.objects.exists()


def test_one_that_is_linked_to_another_account_stays_there(owner: Browser, fake: Provider) -> None:
    connector(fake.issuer)
    link("member")
    location = location_in(owner.http.post("/accounts/linked/", {"link": KEY}))
    answer = returned(fake, Visitor("", owner.http), location)
    assert b"belongs to another account" in answer.content
    assert SocialAccount.objects.get().user == person("member")


def test_unlinking_ends_what_came_that_way(owner: Browser, fake: Provider) -> None:
    connector(fake.issuer)
    link()
    assert visited(fake).status_code == 302
    assert owner.http.post("/accounts/linked/", {"unlink": KEY})["Location"] == "/accounts/linked/"
    assert not SocialAccount.objects.exists()
    assert SignIn.objects.get(connector=KEY).ended_at is not None
    assert owner.http.get("/accounts/security/").status_code == 200, "and nothing else"
    assert AccountEvent.objects.filter(kind="upstream.unlinked").count() == 1


@pytest.mark.parametrize(("way", "may"), [("", False), ("password", True), ("another", True)])
def test_the_last_way_in_is_not_unlinked(owner: Browser, fake: Provider, way: str, may: bool) -> None:
    connector(fake.issuer)
    link()
    user = person()
    if way != "password":
        User.objects.filter(pk=user.pk).update(password="!")
        owner.http.force_login(person())
    if way == "another":
        connector(fake.issuer, id="other")
        link(key="other")
    owner.http.post("/accounts/linked/", {"unlink": KEY})
    assert SocialAccount.objects.filter(provider=KEY).exists() is not may


def test_a_passkey_is_a_way_in_and_an_authenticator_app_is_none(world: None) -> None:
    user = person()
    user.set_unusable_password()
    Authenticator.objects.create(user=user, type="totp", data={})
    assert not has_own_way(user)
    Authenticator.objects.create(user=user, type="webauthn", data={})
    assert has_own_way(user)


def test_signing_in_again_as_the_same_person_is_a_fresh_proof_and_ends_nothing(owner: Browser, fake: Provider) -> None:
    connector(fake.issuer)
    link()
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    before = SignIn.objects.get()
    visitor = Visitor("", owner.http)
    fake.claims = from_now({"auth_time": 0})
    assert returned(fake, visitor, visitor.begin(next_url="/accounts/linked/"))["Location"] == "/accounts/linked/"
    assert owner.http.get("/accounts/linked/").status_code == 200
    assert SignIn.objects.get().sid == before.sid


def test_signing_in_as_somebody_else_ends_the_other_sign_in(owner: Browser, fake: Provider) -> None:
    connector(fake.issuer)
    link("member")
    visitor = Visitor("", owner.http)
    assert returned(fake, visitor, visitor.begin()).status_code == 302
    assert [one.user.username for one in SignIn.objects.filter(ended_at=None)] == ["member"]


def test_linking_and_unlinking_are_told_by_mail(
    owner: Browser, fake: Provider, mailoutbox: Any, django_capture_on_commit_callbacks: Any
) -> None:
    connector(fake.issuer)
    location = location_in(owner.http.post("/accounts/linked/", {"link": KEY}))
    with django_capture_on_commit_callbacks(execute=True):
        returned(fake, Visitor("", owner.http), location)
    with django_capture_on_commit_callbacks(execute=True):
        owner.http.post("/accounts/linked/", {"unlink": KEY})
    assert [(one.to, one.subject) for one in mailoutbox] == [
        (["owner@people.example"], "Your account at Vestibule was connected with Corp"),
        (["owner@people.example"], "Your account at Vestibule was disconnected from Corp"),
    ]


def test_a_link_by_an_owned_address_is_told_by_mail(
    world: None, fake: Provider, mailoutbox: Any, django_capture_on_commit_callbacks: Any
) -> None:
    connector(fake.issuer, owns_domains=("people.example",))
    fake.claims = {"email": "owner@people.example", "email_verified": True}
    with django_capture_on_commit_callbacks(execute=True):
        assert visited(fake).status_code == 302
    assert "was connected with Corp" in mailoutbox[0].subject
