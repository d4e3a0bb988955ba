"""People by the API, with their sign-ins and what they allowed; signing keys; and events."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AccountEvent, SignIn, User
from clients.models import Authorization, KeptAnswer
from idp.api import people
from projects.events import SecurityEvent
from projects.models import Consent, Member
from tests.idp.api.caller import Api, path, person
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def sub_of(username: str) -> str:
    return User.objects.get(username=username).sub


def items(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    return list(answer.json()["items"])


@pytest.fixture
def tokens(world: None) -> dict[str, Any]:
    """What the member gave the app `web` of acme, with offline access."""
    return Browser("member").tokens("web", scope="openid offline_access orders.read")


def test_people_are_listed_page_by_page_and_found_by_name_or_address(everything: Api) -> None:
    first = everything.get(path("users") + "?limit=3").json()
    rest = everything.get(path("users") + f"?limit=3&cursor={first['next_cursor']}").json()
    names = [one["username"] for one in first["items"] + rest["items"]]
    assert (names, rest["next_cursor"]) == (["owner", "member", "outsider", "root"], None)
    for asked in ("username=OWNER", "email=Owner@people.example", "username=owner&email=owner@people.example"):
        assert [one["username"] for one in items(everything.get(path("users") + f"?{asked}"))] == ["owner"]
    for nobody in ("username=own", "email=", "username=owner&email=member@people.example"):
        assert items(everything.get(path("users") + f"?{nobody}")) == []
    assert everything.get(path("users") + "?username=a%00b").status_code == 400


def test_a_person_is_shown_without_what_proves_who_they_are(everything: Api) -> None:
    shown = everything.get(path("users", sub_of("owner"))).json()
    told = {"sub", "username", "email", "email_verified", "given_name", "family_name", "created_at", "last_sign_in_at"}
    told |= {"is_active", "is_staff", "is_superuser", "has_password", "tokens_not_before", "attributes", "groups"}
    assert set(shown) == told
    assert (shown["given_name"], shown["email_verified"], shown["is_staff"]) == ("Olive", True, True)
    assert everything.get(path("users", sub_of("member"))).json()["email_verified"] is False


def test_names_are_changed_by_a_merge_patch_and_the_change_is_an_event(everything: Api) -> None:
    address = path("users", sub_of("owner"))
    before = everything.get(address)
    changed = everything.patch(address, {"given_name": "Olivia", "family_name": None}, If_Match=before["ETag"])
    assert changed.json() == {**before.json(), "given_name": "Olivia", "family_name": ""}
    event = SecurityEvent.objects.get(kind="person.changed")
    assert event.detail == {
        "person": sub_of("owner"),
        "changed": ["family_name", "given_name"],
        "is_active": True,
        "by": "deployer",
        "through": "deployer",
    }
    assert AccountEvent.objects.filter(sub=sub_of("owner"), kind="profile.changed").count() == 1
    assert everything.patch(address, {"given_name": "X"}, If_Match=before["ETag"]).status_code == 412
    assert everything.patch(address, {"given_name": "Olivia"}).status_code == 200
    assert SecurityEvent.objects.filter(kind="person.changed").count() == 1, "nothing changed"


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"given_name": "x" * 151}, "/given_name"),
        ({"family_name": 3}, "/family_name"),
        ({"is_active": "yes"}, "/is_active"),
        ({"is_superuser": "yes"}, "/is_superuser"),
        ({"username": "Member"}, "/username"),
        ({"username": None}, "/username"),
        ({"username": "two words"}, "/username"),
        ({"email": "member@people.example"}, "/email"),
        ({"email": "no address"}, "/email"),
        ({"tokens_not_before": "2999-01-01T00:00:00Z"}, "/tokens_not_before"),
        ({"password_hash": "md5$x$y"}, "/password_hash"),
        ({"password": "x"}, "/password"),
        ({"email_verified": True}, "/email_verified"),
        ({"sub": "another"}, "/sub"),
    ],
)
def test_what_cannot_be_changed_here_is_said_where_it_stands(
    everything: Api, sent: dict[str, Any], pointer: str
) -> None:
    refused = everything.patch(path("users", sub_of("owner")), sent)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])


def test_who_is_deactivated_is_out_for_good(everything: Api, tokens: dict[str, Any]) -> None:
    address = path("users", sub_of("member"))
    assert everything.patch(address, {"is_active": False}).json()["is_active"] is False
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400
    assert not SignIn.objects.filter(user__username="member", ended_at=None).exists()
    assert everything.patch(address, {"is_active": None}).json()["is_active"] is True
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400


def test_nobody_deactivates_themselves() -> None:
    root = person("root")
    refused = root.patch(path("users", sub_of("root")), {"is_active": False})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/is_active"]
    assert root.patch(path("users", sub_of("owner")), {"given_name": "O"}).status_code == 200


def test_people_change_people_only_after_a_fresh_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    root = person("root")
    monkeypatch.setattr(people.OnePerson, "fresh_within", -1)
    address = path("users", sub_of("owner"))
    assert root.get(address).status_code == 200
    refused = root.patch(address, {"given_name": "X"})
    assert (refused.status_code, "max_age" in refused["WWW-Authenticate"]) == (401, True)


def test_sign_ins_are_listed_and_ended_one_by_one_or_all_at_once(everything: Api) -> None:
    first, _second, _third = (Browser("member") for _ in range(3))
    for browser in (first, _second, _third):
        browser.tokens("web")
    address = path("users", sub_of("member"), "sign-ins")
    found = items(everything.get(address + "?limit=200"))
    assert len(found) == 3
    one = path("users", sub_of("member"), "sign-ins", found[0]["id"])
    assert everything.delete(one).status_code == 204
    assert everything.delete(one).status_code == 404
    assert [row["id"] for row in items(everything.get(address))] == [row["id"] for row in found[1:]]
    assert everything.delete(path("users", sub_of("owner"), "sign-ins", found[1]["id"])).status_code == 404
    assert everything.delete(address).status_code == 204
    assert items(everything.get(address)) == []
    events = SecurityEvent.objects.filter(kind="sign_in.ended").order_by("pk")
    assert [(one.detail["person"], one.detail["all"], one.detail["by"]) for one in events] == [
        (sub_of("member"), False, "deployer"),
        (sub_of("member"), True, "deployer"),
    ]


def test_what_a_person_allowed_a_project_is_taken_back(everything: Api, tokens: dict[str, Any]) -> None:
    address = path("users", sub_of("member"), "consents")
    [found] = items(everything.get(address))
    assert found["project"] == "acme"
    assert "orders.read" in found["scopes"]
    assert everything.delete(path("users", sub_of("member"), "consents", "other")).status_code == 404
    assert everything.delete(path("users", sub_of("member"), "consents", "acme")).status_code == 204
    assert items(everything.get(address)) == []
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400
    assert everything.delete(path("users", sub_of("member"), "consents", "acme")).status_code == 404
    event = SecurityEvent.objects.get(kind="access.revoked")
    assert (event.detail["person"], event.detail["project"], event.detail["by"]) == (
        sub_of("member"),
        "acme",
        "deployer",
    )


def test_what_apps_may_do_is_ended_for_one_person(everything: Api, tokens: dict[str, Any]) -> None:
    address = path("users", sub_of("member"), "authorizations")
    [found] = items(everything.get(address))
    assert (found["client_id"], found["project"], found["sub"]) == ("web", "acme", sub_of("member"))
    assert everything.delete(path("users", sub_of("owner"), "authorizations", found["id"])).status_code == 404
    assert everything.delete(path("users", sub_of("member"), "authorizations", found["id"])).status_code == 204
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400
    assert items(everything.get(address)) == []


def test_members_see_and_end_what_their_own_apps_may_do(tokens: dict[str, Any]) -> None:
    owner, outsider = person("owner"), person("outsider")
    Browser("member").tokens("stranger", scope="openid offline_access")
    address = path("projects", "acme", "authorizations")
    [found] = items(owner.get(address))
    assert (found["client_id"], found["sub"]) == ("web", sub_of("member"))
    assert "username" not in found
    assert items(owner.get(f"{address}?client_id=stranger")) == items(owner.get(f"{address}?client_id=nothing")) == []
    foreign = Authorization.objects.get(client__client_id="stranger")
    for unknown in (str(foreign.pk), "6f5b1f0e-0000-4000-8000-000000000000", "x"):
        assert owner.delete(path("projects", "acme", "authorizations", unknown)).status_code == 404
    own = path("projects", "acme", "authorizations", found["id"])
    Member.objects.filter(user__username="owner").update(role="viewer")
    assert (owner.get(address).status_code, owner.delete(own).status_code) == (200, 403)
    Member.objects.filter(user__username="owner").update(role="editor")
    assert outsider.delete(own).status_code == 404
    assert owner.delete(own).status_code == 204
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400
    assert Consent.objects.get(user__username="member", project__key="acme").scopes == []
    event = SecurityEvent.objects.get(kind="authorization.ended")
    assert (event.client_id, event.sub, event.detail["person"]) == ("web", sub_of("owner"), sub_of("member"))


def test_signing_keys_are_shown_without_their_private_parts(everything: Api) -> None:
    found = items(everything.get(path("keys")))
    assert {one["state"] for one in found} >= {"active"}
    assert all("d" not in one["public_jwk"] and "private_jwk" not in one for one in found)


def test_events_are_read_in_their_order_by_kind_client_and_time(everything: Api) -> None:
    address = path("events")
    everything.patch(path("projects", "acme"), {"name": "One"})
    everything.patch(path("projects", "acme", "clients", "web"), {"access_token_lifetime": 600})
    everything.patch(path("projects", "acme"), {"longest_grant": 99999})
    rows = items(everything.get(f"{address}?limit=200"))
    numbers = [int(one["id"]) for one in rows]
    assert numbers == sorted(numbers)
    [changed] = items(everything.get(f"{address}?kind=client.changed&client_id=web"))
    assert changed["detail"]["through"] == "deployer"
    assert {one["kind"].partition(".")[0] for one in items(everything.get(f"{address}?kind=project."))} == {"project"}
    later = items(everything.get(f"{address}?since={changed['at']}"))
    assert [one["kind"] for one in later] == ["client.changed", "project.changed"]
    assert items(everything.get(f"{address}?since=2999-01-01T00:00:00Z")) == []
    for wrong in ("yesterday", "2026-11-30", "2026-11-30T00:00:00", ""):
        assert everything.get(f"{address}?since={wrong}").status_code == 400
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert everything.ask(method, address, {}).status_code == 405


def test_members_see_the_events_of_their_project_only(everything: Api) -> None:
    everything.patch(path("projects", "acme", "clients", "web"), {"access_token_lifetime": 600})
    everything.patch(path("projects", "other", "clients", "stranger"), {"access_token_lifetime": 600})
    everything.patch(path("projects", "acme"), {"longest_grant": 99999})
    everything.put(path("projects", "other", "members", "outsider"), {"role": "owner"})
    owner = person("owner")
    address = path("projects", "acme", "events")
    seen = items(owner.get(f"{address}?limit=200"))
    assert {"client.changed", "project.changed"} <= {one["kind"] for one in seen}
    assert "stranger" not in str(seen)
    assert sub_of("outsider") not in str(seen)
    theirs = owner.get(f"{address}?client_id=stranger")
    assert theirs.content == owner.get(f"{address}?client_id=nothing").content
    assert owner.get(path("projects", "other", "events")).status_code == 404


def test_a_project_with_an_old_key_has_none_of_the_events_from_before(everything: Api) -> None:
    everything.put(path("projects", "again"), {"name": "First"})
    everything.delete(path("projects", "again"))
    everything.put(path("projects", "again"), {"name": "Second", "members": {"owners": ["owner"]}})
    seen = items(person("owner").get(path("projects", "again", "events")))
    assert [one["kind"] for one in seen] == ["member.added", "project.created"]


@pytest.mark.parametrize("by_api", [True, False])
def test_of_a_person_who_is_gone_no_answer_is_kept(everything: Api, by_api: bool) -> None:
    made = everything.post(path("users"), {"username": "new", "email": "new@people.example"}, Idempotency_Key="k")
    assert KeptAnswer.objects.exists()
    if by_api:
        everything.delete(path("users", made.json()["sub"]))
    else:
        User.objects.get(username="new").delete()
    assert not KeptAnswer.objects.exists()
