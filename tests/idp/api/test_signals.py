"""Shared Signals (SSF 1.0): a receiver manages its stream, and gets what happens, pushed or fetched."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client as Http
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwcrypto import jwk, jws

from accounts.models import User
from clients.models import Authorization, Client, Delivery, SecurityEvent, Stream, StreamExclusion
from common.counters import Limit
from idp.api import rates
from projects.models import Project
from provider import outboxes, revocation
from provider.telling import long_polling
from tests.idp.api.caller import OPERATOR, Api, person, register
from tests.provider.receiver import Receiver, receiving
from tests.provider.telling.test_telling import used
from tests.world import ISSUER, App, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff"), pytest.mark.any_database]
BASE = "/api/v1/ssf"
STREAMS, STATUS = f"{BASE}/streams", f"{BASE}/status"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
DISABLED, SESSION = f"{RISC}account-disabled", f"{CAEP}session-revoked"
BOTH = {"events_requested": [DISABLED, SESSION, "https://other.example/event"]}


def receiver(client_id: str = "receiver", project: str = "acme", scope: str = "ssf.manage ssf.read") -> Api:
    """A program of this project, by a token of its own."""
    register(client_id, project, grant_types=("client_credentials",), scope=scope)
    return Api(str(App(client_id).token(grant_type="client_credentials").json()["access_token"]))


@pytest.fixture
def api() -> Api:
    return receiver()


def made(api: Api, **said: Any) -> dict[str, Any]:
    answer = api.post(STREAMS, {**BOTH, **said})
    assert answer.status_code == 201, answer.content
    stream: dict[str, Any] = answer.json()
    return stream


def patch(api: Api, body: Any) -> Any:
    return api.ask("PATCH", STREAMS, body, Content_Type="application/json")


def polled(api: Api, stream: dict[str, Any], **said: Any) -> list[dict[str, Any]]:
    answer = api.post(stream["delivery"]["endpoint_url"].removeprefix(ISSUER), {"returnImmediately": True, **said})
    assert answer.status_code == 200, answer.content
    found = answer.json()["sets"]
    claims = [claims_of(token) for token in found.values()]
    assert [one["jti"] for one in claims] == list(found)
    return claims


def deactivated(username: str = "owner") -> User:
    user = User.objects.get(username=username)
    user.is_active = False
    user.save()
    call_command("deliverevents")
    return user


# --- Metadata ------------------------------------------------------------------------------------------------------


def test_w4_the_metadata_say_where_everything_is(api: Api) -> None:
    found = Http().get("/.well-known/ssf-configuration").json()
    assert (found["spec_version"], found["issuer"], found["default_subjects"]) == ("1_0", ISSUER, "ALL")
    assert found["delivery_methods_supported"] == [PUSH, POLL]
    assert found["configuration_endpoint"] == f"{ISSUER}{STREAMS}"
    assert found["authorization_schemes"] == [{"spec_urn": "urn:ietf:rfc:6749"}]
    for name in ("status", "add_subject", "remove_subject", "verification"):
        address = found[f"{name}_endpoint"].removeprefix(ISSUER)
        assert Http().post(address, "{}", content_type="application/json").status_code == 401


# --- Streams -------------------------------------------------------------------------------------------------------


def test_w4_a_stream_is_made_read_changed_replaced_and_deleted(api: Api) -> None:
    assert api.get(STREAMS).json() == []
    stream = made(api, description="ours", stream_id="mine")
    assert stream["stream_id"] == str(Stream.objects.get().pk), "ours, never taken from the body"
    assert (stream["iss"], stream["aud"]) == (ISSUER, "receiver")
    assert stream["events_delivered"] == [DISABLED, SESSION]
    assert stream["events_requested"] == BOTH["events_requested"]
    assert stream["delivery"]["method"] == POLL
    number = stream["stream_id"]
    assert api.get(f"{STREAMS}?stream_id={number}").json() == stream
    assert api.get(STREAMS).json() == [stream]
    changed = patch(api, {"stream_id": number, "events_requested": [SESSION]})
    assert (changed.status_code, changed.json()["description"]) == (200, "ours")
    assert changed.json()["events_delivered"] == [SESSION]
    push = {"method": PUSH, "endpoint_url": "https://receiver.example/events", "authorization_header": "Bearer x"}
    replaced = api.put(STREAMS, {"stream_id": number, "delivery": push}).json()
    assert replaced["delivery"] == {"method": PUSH, "endpoint_url": "https://receiver.example/events"}
    assert (replaced["events_requested"], "description" in replaced) == ([], False)
    assert "Bearer x" not in str(list(Stream.objects.values()))
    assert api.put(STREAMS, {"stream_id": number}).json()["delivery"]["method"] == POLL
    assert api.delete(f"{STREAMS}?stream_id={number}").status_code == 204
    assert api.get(f"{STREAMS}?stream_id={number}").status_code == 404
    kinds = SecurityEvent.objects.filter(kind__startswith="stream.", client_id="receiver").values_list(
        "kind", flat=True
    )
    assert set(kinds) == {"stream.created", "stream.changed", "stream.deleted"}


def test_w4_a_second_stream_of_the_same_receiver_is_a_conflict(api: Api) -> None:
    made(api)
    assert api.post(STREAMS, BOTH).status_code == 409


def test_w4_a_stream_of_another_receiver_is_unknown(api: Api) -> None:
    number = made(api)["stream_id"]
    other = receiver("another")
    made(other)
    assert other.get(f"{STREAMS}?stream_id={number}").status_code == 404
    assert patch(other, {"stream_id": number}).status_code == 404
    assert other.put(STREAMS, {"stream_id": number}).status_code == 404
    assert other.delete(f"{STREAMS}?stream_id={number}").status_code == 404
    assert other.get(f"{STATUS}?stream_id={number}").status_code == 404
    assert other.post(f"{BASE}/poll/{number}", {"returnImmediately": True}).status_code == 404
    for address in ("verification", "subjects/add", "subjects/remove", "status"):
        assert other.post(f"{BASE}/{address}", {"stream_id": number}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"{ broken",
        b"[]",
        {"events_requested": "all"},
        {"events_requested": [1]},
        {"description": 1},
        {"delivery": "push"},
        {"delivery": {}},
        {"delivery": {"method": "urn:ietf:rfc:9999"}},
        {"delivery": {"method": PUSH}},
        {"delivery": {"method": PUSH, "endpoint_url": "http://receiver.example/"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://10.0.0.1/"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://receiver.example/", "authorization_header": "a\nb"}},
        {"events_delivered": ["https://mine.example/"]},
        {"iss": "https://mine.example"},
    ],
    ids=str,
)
def test_w4_a_bad_body_is_400_and_changes_nothing(api: Api, body: Any) -> None:
    stream = made(api)
    sent = body if isinstance(body, bytes) else {"stream_id": stream["stream_id"], **body}
    assert patch(api, sent).status_code == 400
    assert api.put(STREAMS, sent).status_code == 400
    assert api.get(STREAMS).json() == [stream]


def test_w4_who_asks_has_a_token_with_the_scope_and_is_an_app(api: Api) -> None:
    assert Api("unknown").get(STREAMS).status_code == 401
    assert "WWW-Authenticate" in Api("unknown").post(STREAMS, BOTH)
    reader = receiver("reader", scope="ssf.read")
    assert reader.get(STREAMS).status_code == 200
    assert reader.post(STREAMS, BOTH).status_code == 403
    administrator = receiver("administrator", scope="admin.write admin.read")
    assert administrator.get(STREAMS).status_code == 403
    assert person("owner", "openid admin.read").get(STREAMS).status_code == 403


# --- What is told --------------------------------------------------------------------------------------------------


def test_w5_events_are_fetched_and_acknowledged_in_order(api: Api) -> None:
    stream = made(api)
    used("owner", "web")
    user = deactivated()
    [first] = polled(api, stream, maxEvents=1)
    assert first["events"] == {DISABLED: {}}
    assert first["sub_id"] == {"format": "iss_sub", "iss": ISSUER, "sub": user.sub}
    assert {"sub", "exp"}.isdisjoint(first)
    assert polled(api, stream, maxEvents=1, ack=["unknown"]) == [first], "until it is acknowledged"
    assert polled(api, stream, ack=[first["jti"]], returnImmediately=True) == [], "another app's session ended"
    assert polled(api, stream, maxEvents=0) == []
    assert not Delivery.objects.filter(state="due").exists()


def test_w5_what_a_receiver_cannot_use_is_not_given_again(api: Api) -> None:
    stream = made(api)
    used("owner", "web")
    deactivated()
    [first] = polled(api, stream)
    assert polled(api, stream, setErrs={first["jti"]: {"err": "invalid_key", "description": "who knows"}}) == []
    row = Delivery.objects.get()
    assert (row.state, row.problem) == ("given_up", "The receiver refused it: invalid_key.")


@pytest.fixture
def looks(monkeypatch: Any) -> list[Callable[[], object]]:
    """What happens while a receiver waits, before each look but the first; the time is over when there is no more."""
    monkeypatch.setattr(long_polling, "_places", 2)
    happening: list[Callable[[], object]] = []
    moments = itertools.count()
    monkeypatch.setattr(long_polling, "monotonic", lambda: next(moments) if happening else math.inf)
    monkeypatch.setattr(long_polling, "sleep", lambda _seconds: happening.pop(0)())
    return happening


def test_w5_a_receiver_waits_until_something_happened(api: Api, looks: list[Callable[[], object]]) -> None:
    stream = made(api)
    used("owner", "web")
    looks.extend([str, deactivated, str])
    [told] = polled(api, stream, returnImmediately=False)
    assert (told["events"], len(looks)) == ({DISABLED: {}}, 1)
    assert polled(api, stream, returnImmediately=False) == [told], "what is there is given at once"
    assert len(looks) == 1
    assert polled(api, stream, returnImmediately=False, ack=[told["jti"]], maxEvents=0) == [], "and so is nothing"
    assert len(looks) == 1
    answer = api.post(f"{BASE}/poll/{stream['stream_id']}", {})
    assert (answer.json(), looks) == ({"sets": {}}, []), "waiting is what RFC 8936 has for those who say nothing"


def test_w5_nobody_waits_for_ever_or_for_what_cannot_come(api: Api, looks: list[Callable[[], object]]) -> None:
    stream = made(api)
    assert polled(api, stream, returnImmediately=False) == [], "the time was over"
    looks.extend([lambda: Stream.objects.update(status="paused"), str])
    assert polled(api, stream, returnImmediately=False) == []
    assert looks == [str]
    Stream.objects.update(status="enabled")
    looks[:] = [lambda: Stream.objects.all().delete(), str]
    assert api.post(f"{BASE}/poll/{stream['stream_id']}", {}).status_code == 404
    assert looks == [str]


def test_w5_few_wait_at_once_and_each_stream_once(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(long_polling, "LONGEST", 0)
    monkeypatch.setattr(long_polling, "_places", 0)
    long_polling.begin(8)
    mine = made(api)["stream_id"]
    with long_polling._place(UUID(mine)) as first, long_polling._place(UUID(mine)) as again:
        assert (first, again) == (True, False)
        with long_polling._place(uuid4()) as other, long_polling._place(uuid4()) as one_more:
            assert (other, one_more) == (True, False)
    with long_polling._place(uuid4()) as afterwards:
        assert afterwards
    long_polling.begin(3)
    with long_polling._place(uuid4()) as of_few_threads:
        assert not of_few_threads, "they are for those who do not wait"


def test_w5_a_receiver_never_hears_of_who_never_consented_to_its_project(api: Api) -> None:
    stream = made(api)
    used("member", "stranger")
    for name in ("member", "outsider"):
        deactivated(name)
    assert polled(api, stream) == []


def test_w5_a_token_is_signed_by_a_published_key_with_its_own_type(api: Api) -> None:
    stream = made(api)
    api.post(f"{BASE}/verification", {"stream_id": stream["stream_id"], "state": "hello"})
    answer = api.post(f"{BASE}/poll/{stream['stream_id']}", {"returnImmediately": True}).json()
    [token] = answer["sets"].values()
    header = header_of(token)
    assert (header["typ"], header["alg"]) == ("secevent+jwt", "RS256")
    keys = Http().get("/.well-known/jwks.json").json()["keys"]
    signed = jws.JWS()
    signed.deserialize(token, jwk.JWK(**next(one for one in keys if one["kid"] == header["kid"])))
    assert signed.is_valid
    said = claims_of(token)
    assert said["events"] == {"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": "hello"}}
    assert said["sub_id"] == {"format": "opaque", "id": stream["stream_id"]}
    assert Http().get("/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401


def test_w4_a_stream_is_over_when_its_receiver_lost_the_scope(api: Api) -> None:
    made(api)
    used()
    Client.objects.filter(client_id="receiver").update(scope="openid")
    deactivated()
    assert not Delivery.objects.exists()


def test_w4_a_session_of_an_app_whose_name_begins_alike_is_not_told(api: Api) -> None:
    Client.objects.filter(client_id="receiver").update(client_id="we")
    Stream.objects.all().delete()
    row = Client.objects.get(client_id="we")
    Stream.objects.create(client=row, method=POLL, events_requested=[SESSION])
    used()
    revocation.end_by(Authorization.objects.filter(user__username="owner"), OPERATOR)
    call_command("deliverevents")
    assert not Delivery.objects.exists()


def test_w4_nobody_is_removed_whom_there_is_not(api: Api) -> None:
    stream = made(api)
    said = {"stream_id": stream["stream_id"], "subject": {"format": "iss_sub", "iss": ISSUER, "sub": "nobody"}}
    assert api.post(f"{BASE}/subjects/remove", said).status_code == 204
    assert not StreamExclusion.objects.exists()


def test_w4_verifications_have_a_least_interval(api: Api) -> None:
    stream = made(api)
    asked = {"stream_id": stream["stream_id"]}
    assert api.post(f"{BASE}/verification", asked).status_code == 204
    assert api.post(f"{BASE}/verification", asked).status_code == 429
    Stream.objects.update(verified_at=timezone.now() - timedelta(seconds=stream["min_verification_interval"]))
    assert api.post(f"{BASE}/verification", asked).status_code == 204
    assert api.post(f"{BASE}/verification", {**asked, "state": 5}).status_code == 400


def test_w4_paused_events_wait_and_disabled_they_are_not_kept(api: Api) -> None:
    stream = made(api)
    number = stream["stream_id"]
    used("owner", "web")
    used("member", "web")

    def becomes(status: str) -> dict[str, Any]:
        answer = api.post(STATUS, {"stream_id": number, "status": status, "reason": "maintenance"})
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    assert becomes("paused") == {"stream_id": number, "status": "paused", "reason": "maintenance"}
    assert api.get(f"{STATUS}?stream_id={number}").json()["status"] == "paused"
    deactivated()
    assert polled(api, stream) == []
    becomes("enabled")
    assert len(polled(api, stream)) == 1
    becomes("disabled")
    deactivated("member")
    becomes("enabled")
    assert polled(api, stream) == []
    assert api.post(STATUS, {"stream_id": number, "status": "asleep"}).status_code == 400


def test_w4_whom_a_pairwise_project_may_know_is_looked_for_so_often(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs as much as there are people."""
    monkeypatch.setattr(rates, "SEARCHES", Limit("searches-of-this-test", 2, 60))
    stream = made(api)
    about = {"stream_id": stream["stream_id"], "subject": {"format": "iss_sub", "iss": ISSUER, "sub": str(uuid4())}}
    assert [api.post(f"{BASE}/subjects/remove", about).status_code for _ in range(3)] == [204] * 3
    Project.objects.filter(key="acme").update(subject_type="pairwise", subject_salt="s" * 43)
    assert [api.post(f"{BASE}/subjects/remove", about).status_code for _ in range(3)] == [204, 204, 429]


def test_w4_a_person_who_was_removed_is_not_told_of_until_added_again(api: Api) -> None:
    stream = made(api)
    used("owner", "web")
    user = User.objects.get(username="owner")
    about = {"stream_id": stream["stream_id"], "subject": {"format": "iss_sub", "iss": ISSUER, "sub": user.sub}}
    assert api.post(f"{BASE}/subjects/remove", about).status_code == 204
    deactivated()
    assert polled(api, stream) == []
    assert api.post(f"{BASE}/subjects/add", {**about, "verified": True}).status_code == 200
    user.refresh_from_db()
    user.is_active = True
    user.save()
    deactivated()
    assert [list(one["events"]) for one in polled(api, stream)] == [[DISABLED]]
    for nobody in ({"format": "email", "email": "nobody@nowhere.example"}, {"format": "opaque", "id": "x"}):
        assert api.post(f"{BASE}/subjects/remove", {**about, "subject": nobody}).status_code == 204
    rubbish: list[Any] = ["x", {}, {"format": "did"}, {"format": "iss_sub"}]
    for subject in rubbish:
        assert api.post(f"{BASE}/subjects/add", {**about, "subject": subject}).status_code == 400


# --- Push ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as made_here:
        made_here.answer = lambda handler: Receiver.say(handler, 202)
        yield made_here


def pushed_to(api: Api, endpoint: Receiver) -> dict[str, Any]:
    return made(api, delivery={"method": PUSH, "endpoint_url": endpoint.url, "authorization_header": "Bearer of-ours"})


def test_w5_events_are_pushed_with_the_receivers_authorization(api: Api, endpoint: Receiver) -> None:
    pushed_to(api, endpoint)
    used("owner", "web")
    deactivated()
    [(_path, headers, _form)] = endpoint.requests
    assert headers["Content-Type"] == "application/secevent+jwt"
    assert (headers["Authorization"], headers["Accept"]) == ("Bearer of-ours", "application/json")
    assert Delivery.objects.get().state == "delivered"


def test_w5_a_refused_token_is_logged_and_not_sent_again(api: Api, endpoint: Receiver) -> None:
    def refuse(handler: Any) -> None:
        body = json.dumps({"err": "invalid_audience", "description": "x"}).encode()
        handler.send_response(400)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    endpoint.answer = refuse
    pushed_to(api, endpoint)
    used("owner", "web")
    deactivated()
    row = Delivery.objects.get()
    assert (row.state, row.status, row.problem) == ("given_up", 400, "The receiver refused it: invalid_audience.")


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 500])
def test_w5_whatever_else_it_answers_is_tried_again(api: Api, endpoint: Receiver, status: int) -> None:
    endpoint.answer = lambda handler: Receiver.say(handler, status, Location="/elsewhere")
    pushed_to(api, endpoint)
    used("owner", "web")
    deactivated()
    row = Delivery.objects.get()
    assert (row.state, row.status) == ("due", status)
    assert len(endpoint.requests) == 1


def test_w5_after_a_day_it_is_paused_with_a_mail_and_enabled_again_it_goes_on(api: Api, endpoint: Receiver) -> None:
    User.objects.filter(username="owner").update(email="owner@people.example")
    endpoint.answer = lambda handler: Receiver.say(handler, 503)
    stream = pushed_to(api, endpoint)
    used("owner", "web")
    used("member", "web")
    deactivated("member")
    Delivery.objects.update(attempts=outboxes.MAX_TRIES - 1, next_attempt_at=timezone.now())
    Stream.objects.update(not_before=None)
    with pytest.raises(SystemExit):  # something was given up
        call_command("deliverevents")
    status = api.get(f"{STATUS}?stream_id={stream['stream_id']}").json()
    assert (status["status"], status["reason"][:30]) == ("paused", "Nothing was taken for a day. T")
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["owner@people.example"], "An event stream of Acme was paused")
    assert "status 503" in sent.body
    call_command("status")
    endpoint.answer = lambda handler: Receiver.say(handler, 202)
    api.post(STATUS, {"stream_id": stream["stream_id"], "status": "enabled"})
    call_command("deliverevents")
    assert Delivery.objects.get().state == "delivered"


# --- By whoever manages the project --------------------------------------------------------------------------------

OF_PROJECT = "/api/v1/projects/acme/streams"


@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_w4_a_receiver_is_told_that_somebody_paused_its_stream(api: Api, endpoint: Receiver, status: str) -> None:
    stream = pushed_to(api, endpoint)
    owner = person("owner")
    [listed] = owner.get(OF_PROJECT).json()["items"]
    assert (listed["id"], listed["client_id"], listed["status"]) == (stream["stream_id"], "receiver", "enabled")
    assert endpoint.url not in str(listed)
    address = f"{OF_PROJECT}/{listed['id']}"
    said = {"status": status, "reason": "Maintenance"}
    assert owner.patch(address, said).json() == {**listed, **said, "waiting": 1}
    used("member", "web")
    deactivated("member")
    [token] = endpoint.bodies
    assert claims_of(token)["events"] == {"https://schemas.openid.net/secevent/ssf/event-type/stream-updated": said}
    assert claims_of(token)["sub_id"] == {"format": "opaque", "id": stream["stream_id"]}
    assert owner.patch(address, {"status": "asleep"}).status_code == 422


def test_w4_who_fetches_is_told_of_it_as_well(api: Api) -> None:
    stream = made(api)
    used("member", "web")
    deactivated("member")
    address = f"{OF_PROJECT}/{stream['stream_id']}"
    assert person("owner").patch(address, {"status": "paused"}).status_code == 200
    [told] = polled(api, stream, returnImmediately=False)
    assert list(told["events"].values()) == [{"status": "paused"}]
    assert polled(api, stream, ack=[told["jti"]]) == []
    assert person("owner").delete(address).status_code == 204
    assert not Stream.objects.exists()


# --- Rubbish -------------------------------------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["delivery", "events_requested", "description", "status", "subject", "state", "ack", "setErrs"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(said=st.dictionaries(NAMES | st.just("maxEvents"), JSON_VALUES, max_size=4))
def test_whatever_is_sent_is_no_fault_of_ours(api: Api, said: dict[str, Any]) -> None:
    said = {"returnImmediately": True, **said}
    Stream.objects.all().delete()
    number = made(api)["stream_id"]
    for address in ("status", "subjects/add", "subjects/remove", "verification", f"poll/{number}"):
        assert api.post(f"{BASE}/{address}", {**said, "stream_id": number}).status_code < 500
    assert api.put(STREAMS, {**said, "stream_id": number}).status_code < 500
