"""Shared Signals 1.0 transmitter: what the modules of the OpenID Foundation's plan ask, and its plan for CAEP Interop.

The list is the plans' own, `ssf_transmitter.txt`. A test is called after its module. Where the way of delivery makes
a difference, both are tried, as the plan is run with each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Http
from django.utils import timezone
from jwcrypto import jwk, jws

from accounts import events, sign_in
from accounts.models import AccountEventKind, SignIn, User
from clients.models import Authorization, Client, Stream
from tests.conformance.modules import unmatched
from tests.idp.api.caller import Api, register
from tests.provider.receiver import Receiver, receiving
from tests.world import ISSUER, App, Response, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
MODULES = (Path(__file__).parent / "ssf_transmitter.txt").read_text().split()
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
SESSION, CREDENTIAL, COMPLIANCE = (
    f"{CAEP}session-revoked",
    f"{CAEP}credential-change",
    f"{CAEP}device-compliance-change",
)
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
ASKED = {"description": "Stream for OIDF Conformance Test-Suite", "events_requested": [CREDENTIAL, COMPLIANCE, SESSION]}
BROKEN = b";{ broken"
HEADER = "Bearer push_token_1"


def test_every_module_has_its_test() -> None:
    assert unmatched(MODULES, sys.modules[__name__]) == set()


def metadata() -> dict[str, Any]:
    answer = Http().get("/.well-known/ssf-configuration")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    found: dict[str, Any] = answer.json()
    return found


def at(name: str) -> str:
    """The path of one of our endpoints, as the metadata have it."""
    return str(metadata()[f"{name}_endpoint"]).removeprefix(ISSUER)


@pytest.fixture
def api() -> Api:
    """The suite as a receiver: it asks for its token with a scope and nothing else."""
    register("suite", "acme", grant_types=("client_credentials",), scope="ssf.read ssf.manage")
    answer = App("suite").token(grant_type="client_credentials", scope="ssf.read ssf.manage").json()
    assert answer["expires_in"] <= 3600
    return Api(str(answer["access_token"]))


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as made_here:
        made_here.answer = lambda handler: Receiver.say(handler, 202)
        yield made_here


@pytest.fixture(params=[PUSH, POLL])
def either(request: pytest.FixtureRequest, endpoint: Receiver) -> dict[str, Any]:
    """A stream as the suite asks for it, by either way of delivery."""
    return asked() if request.param == POLL else pushed(endpoint, HEADER)


def asked() -> dict[str, Any]:
    return {**ASKED, "delivery": {"method": POLL}}


def pushed(endpoint: Receiver, header: str = "") -> dict[str, Any]:
    delivery = {"method": PUSH, "endpoint_url": endpoint.url}
    return {**ASKED, "delivery": {**delivery, "authorization_header": header} if header else delivery}


def created(api: Api, wanted: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(at("configuration"), wanted)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def patched(api: Api, body: Any) -> Response:
    return api.ask("PATCH", at("configuration"), body, Content_Type="application/json")


def gone(api: Api) -> str:
    """The id of a stream that there was."""
    number = str(created(api, asked())["stream_id"])
    assert api.delete(f"{at('configuration')}?stream_id={number}").status_code == 204
    return number


def verified(api: Api, stream: dict[str, Any], state: str) -> None:
    """Ask for a verification; the interval between two is over."""
    Stream.objects.update(verified_at=None)
    answer = api.post(at("verification"), {"stream_id": stream["stream_id"], "state": state})
    assert answer.status_code == 204, answer.content
    call_command("deliverevents")


def checked(token: str, stream: dict[str, Any]) -> dict[str, Any]:
    """What every Security Event Token is asked for."""
    header, said = header_of(token), claims_of(token)
    keys = Http().get(metadata()["jwks_uri"].removeprefix(ISSUER)).json()["keys"]
    signed = jws.JWS()
    signed.deserialize(token, jwk.JWK(**next(one for one in keys if one["kid"] == header["kid"])))
    assert (header["typ"], header["alg"], signed.is_valid) == ("secevent+jwt", "RS256", True)
    assert {"sub", "exp"}.isdisjoint(said)
    assert (said["iss"], said["aud"], len(said["events"])) == (stream["iss"], stream["aud"], 1)
    assert said["iat"] <= timezone.now().timestamp()
    return said


def is_verification(said: dict[str, Any], stream: dict[str, Any], state: str) -> None:
    assert said["events"] == {VERIFICATION: {"state": state}}
    assert said["sub_id"] == {"format": "opaque", "id": stream["stream_id"]}


def polled(api: Api, stream: dict[str, Any], **said: Any) -> dict[str, str]:
    answer = api.post(stream["delivery"]["endpoint_url"].removeprefix(ISSUER), {"returnImmediately": True, **said})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    found: dict[str, str] = answer.json()["sets"]
    return found


# --- Metadata ------------------------------------------------------------------------------------------------------


def test_transmitter_metadata() -> None:
    """Every address is https, what is needed is there, no list is empty, and there are keys."""
    found = metadata()
    assert (found["spec_version"], found["issuer"], found["default_subjects"]) == ("1_0", ISSUER, "ALL")
    assert set(found["delivery_methods_supported"]) == {PUSH, POLL}
    assert {"spec_urn": "urn:ietf:rfc:6749"} in found["authorization_schemes"]
    for name in ("jwks_uri", *(name for name in found if name.endswith("_endpoint"))):
        assert found[name].startswith(f"{ISSUER}/")
    assert all(value for value in found.values())
    keys = Http().get(found["jwks_uri"].removeprefix(ISSUER)).json()["keys"]
    assert len({one["kid"] for one in keys}) == len(keys) > 0


# --- Streams -------------------------------------------------------------------------------------------------------


def test_stream_control_happy_path(api: Api, either: dict[str, Any]) -> None:
    """A stream is made, read, updated, replaced; its status is read and set to each there is; it is deleted."""
    made = created(api, either)
    assert (made["iss"], made["aud"], made["delivery"]["method"]) == (ISSUER, "suite", either["delivery"]["method"])
    assert made["events_requested"] == ASKED["events_requested"]
    assert set(made["events_delivered"]) == {CREDENTIAL, SESSION} < set(made["events_supported"]) | {SESSION}
    number, address = made["stream_id"], at("configuration")
    assert api.get(f"{address}?stream_id={number}").json() == made
    again = {**either, "stream_id": number, "description": "Updated"}
    for answer in (patched(api, again), api.put(address, again)):
        assert (answer.status_code, answer.json()["iss"], answer.json()["description"]) == (200, ISSUER, "Updated")
    assert api.get(f"{at('status')}?stream_id={number}").json() == {"stream_id": number, "status": "enabled"}
    for status in ("enabled", "paused", "disabled"):
        answer = api.post(at("status"), {"stream_id": number, "status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert api.delete(f"{address}?stream_id={number}").status_code == 204


def test_stream_control_error_create_stream_with_broken_input(api: Api) -> None:
    """What is no JSON is 400."""
    assert api.post(at("configuration"), BROKEN).status_code == 400


def test_stream_control_error_create_stream_with_invalid_token() -> None:
    """401."""
    assert Api("invalid").post(at("configuration"), asked()).status_code == 401


def test_stream_control_error_create_stream_with_duplicate_config(api: Api) -> None:
    """A second stream is a conflict, for a receiver has one here."""
    created(api, asked())
    assert api.post(at("configuration"), asked()).status_code == 409


def test_stream_control_error_read_stream_with_invalid_token(api: Api) -> None:
    """401."""
    number = created(api, asked())["stream_id"]
    assert Api("invalid").get(f"{at('configuration')}?stream_id={number}").status_code == 401


def test_stream_control_error_read_unknown_stream(api: Api) -> None:
    """404, for a stream that there was."""
    assert api.get(f"{at('configuration')}?stream_id={gone(api)}").status_code == 404


def test_stream_control_error_update_stream_with_invalid_token(api: Api) -> None:
    """401."""
    assert patched(Api("invalid"), {**asked(), "stream_id": created(api, asked())["stream_id"]}).status_code == 401


def test_stream_control_error_update_stream_with_invalid_body(api: Api) -> None:
    """What is no JSON is 400."""
    assert patched(api, BROKEN).status_code == 400


def test_stream_control_error_update_unknown_stream(api: Api) -> None:
    """404."""
    assert patched(api, {**asked(), "stream_id": gone(api)}).status_code == 404


def test_stream_control_error_replace_stream_with_invalid_body(api: Api) -> None:
    """What is no JSON is 400."""
    assert api.put(at("configuration"), BROKEN).status_code == 400


def test_stream_control_error_replace_stream_with_invalid_token(api: Api) -> None:
    """401."""
    body = {**asked(), "stream_id": created(api, asked())["stream_id"]}
    assert Api("invalid").put(at("configuration"), body).status_code == 401


def test_stream_control_error_replace_unknown_stream(api: Api) -> None:
    """404."""
    assert api.put(at("configuration"), {**asked(), "stream_id": gone(api)}).status_code == 404


def test_stream_control_error_delete_stream_with_invalid_token(api: Api) -> None:
    """401."""
    number = created(api, asked())["stream_id"]
    assert Api("invalid").delete(f"{at('configuration')}?stream_id={number}").status_code == 401


def test_stream_control_error_delete_unknown_stream(api: Api) -> None:
    """404."""
    assert api.delete(f"{at('configuration')}?stream_id={gone(api)}").status_code == 404


def test_stream_subject_control(api: Api) -> None:
    """A person is added and removed, 200 and 204."""
    about = {"format": "iss_sub", "iss": ISSUER, "sub": User.objects.get(username="owner").sub}
    body = {"stream_id": created(api, asked())["stream_id"], "subject": about}
    assert api.post(at("add_subject"), {**body, "verified": True}).status_code == 200
    assert api.post(at("remove_subject"), body).status_code == 204


# --- Verification --------------------------------------------------------------------------------------------------


def test_transmitter_stream_verification_push(api: Api, endpoint: Receiver) -> None:
    """A verification is pushed with the receiver's own Authorization and its state."""
    stream = created(api, pushed(endpoint, HEADER))
    verified(api, stream, "one")
    [(_path, headers, _form)], [token] = endpoint.requests, endpoint.bodies
    assert headers["Authorization"] == HEADER
    is_verification(checked(token, stream), stream, "one")


def test_transmitter_stream_verification_error_push_no_auth(api: Api, endpoint: Receiver) -> None:
    """A receiver that named no Authorization gets none."""
    stream = created(api, pushed(endpoint))
    verified(api, stream, "one")
    [(_path, headers, _form)], [token] = endpoint.requests, endpoint.bodies
    assert "Authorization" not in headers
    is_verification(checked(token, stream), stream, "one")


def test_transmitter_stream_verification_poll_only(api: Api) -> None:
    """A verification is fetched under its jti."""
    stream = created(api, asked())
    verified(api, stream, "one")
    [(jti, token)] = polled(api, stream, maxEvents=10).items()
    said = checked(token, stream)
    assert said["jti"] == jti
    is_verification(said, stream, "one")


def test_transmitter_stream_verification_poll_and_ack(api: Api) -> None:
    """One is acknowledged and the next fetched, in one request."""
    stream = created(api, asked())
    verified(api, stream, "one")
    first = polled(api, stream, maxEvents=10)
    verified(api, stream, "two")
    [token] = polled(api, stream, maxEvents=10, ack=list(first)).values()
    is_verification(checked(token, stream), stream, "two")


def test_transmitter_stream_verification_ack_only(api: Api) -> None:
    """What is acknowledged with `maxEvents` 0 does not come again."""
    stream = created(api, asked())
    verified(api, stream, "one")
    assert polled(api, stream, maxEvents=0, ack=list(polled(api, stream, maxEvents=10))) == {}
    assert polled(api, stream, maxEvents=10) == {}


# --- CAEP Interop --------------------------------------------------------------------------------------------------


def something_happens() -> None:
    """Somebody uses an app of the receiver's project, changes their password and signs out."""
    user = User.objects.get(username="owner")
    signed_in, app = SignIn.objects.create(user=user), Client.objects.get(client_id="suite")
    Authorization.objects.create(client=app, user=user, sign_in=signed_in, scopes=["openid"], auth_time=timezone.now())
    events.record(user, AccountEventKind.PASSWORD_CHANGED, None)
    sign_in.end_all(user)
    call_command("deliverevents")


def test_transmitter_stream_caep_interop(api: Api, either: dict[str, Any], endpoint: Receiver) -> None:
    """Of the use cases that the stream delivers each event comes, with what CAEP 1.0 needs, signed with RS256."""
    stream = created(api, either)
    something_happens()
    tokens = endpoint.bodies if either["delivery"]["method"] == PUSH else list(polled(api, stream).values())
    came: dict[str, Any] = {}
    for said in (checked(token, stream) for token in tokens):
        assert said["sub_id"] == {"format": "iss_sub", "iss": ISSUER, "sub": User.objects.get(username="owner").sub}
        came |= said["events"]
    assert set(came) == set(stream["events_delivered"])
    assert all(isinstance(one["event_timestamp"], int) for one in came.values())
    assert {one["initiating_entity"] for one in came.values()} <= {"admin", "user", "policy", "system"}
    assert (came[CREDENTIAL]["credential_type"], came[CREDENTIAL]["change_type"]) == ("password", "update")
