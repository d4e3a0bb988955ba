"""Signing keys change without a token nobody can verify."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client as Http
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from jwcrypto import jwk

from clients.models import Client, SecurityEvent, SigningKey
from clients.models.keys import KeyState
from common import clock
from common.jws import ALGORITHMS
from common.sealing import Unreadable
from projects.actors import Actor
from provider.keys import keyring, lifetimes, mint, rotation
from tests.provider.endpoints.forging import signed_by
from tests.world import App, Browser, claims_of, header_of

pytestmark = pytest.mark.django_db


def rotatekeys(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("rotatekeys", "--format", "json", *arguments, stdout=out)
    steps: list[dict[str, Any]] = json.loads(out.getvalue())["steps"]
    return steps


def states(algorithm: str = "RS256") -> list[str]:
    return sorted(SigningKey.objects.filter(algorithm=algorithm).values_list("state", flat=True))


def jwks() -> set[str]:
    return {key["kid"] for key in Http().get("/.well-known/jwks.json").json()["keys"]}


def later(**delta: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=True)


def test_a_next_key_waits_until_every_app_may_know_it(keys: None) -> None:
    SigningKey.objects.update(created_at=timezone.now())
    assert [step["action"] for step in rotatekeys()] == ["wait"] * len(ALGORITHMS)
    assert states() == ["active", "next"]


def test_then_it_signs_and_the_one_before_retires(world: None) -> None:
    SigningKey.objects.update(created_at=timezone.now())
    old = Browser("owner").tokens("web", scope="openid offline_access")
    with later(minutes=7):
        assert [step["action"] for step in rotatekeys("--algorithm", "RS256")] == ["activate"]
        assert states() == ["active", "next", "retired"]
        new = App("web").refresh(old["refresh_token"]).json()["id_token"]
        kids = {header_of(old["id_token"])["kid"], header_of(new)["kid"]}
        assert len(kids) == 2
        assert kids <= jwks(), "both verify against the JWKS"


def test_every_new_tokens_key_was_published_before_it_signed(world: None) -> None:
    known = jwks()
    with later(minutes=7):
        rotatekeys()
        answer = App("web").token(grant_type="client_credentials").json()
        assert answer["access_token"]
        assert header_of(Browser("owner").tokens("web")["id_token"])["kid"] in known


def test_a_retired_key_stays_as_long_as_its_tokens(world: None) -> None:
    Client.objects.update(access_token_lifetime=3600, id_token_lifetime=3600)
    old = header_of(Browser("owner").tokens("web")["id_token"])["kid"]
    with later(minutes=7):
        rotatekeys("--algorithm", "RS256")
    with later(minutes=60):
        assert old in jwks()
    with later(minutes=90):
        assert old not in jwks()


def test_the_time_is_looked_at_only_while_a_key_has_an_end(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []
    now = clock.now

    def noting() -> datetime:
        asked.append(now())
        return asked[-1]

    monkeypatch.setattr(clock, "now", noting)
    before = jwks()
    assert asked == []
    retired = SigningKey.objects.get(algorithm="RS256", state=KeyState.ACTIVE)
    keyring.activate(SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT))
    del asked[:]
    assert jwks() == before
    assert len(asked) == 1, "once, for all keys"
    with later(days=30):
        assert jwks() == before - {retired.kid}


def test_a_retired_key_stays_as_long_as_a_week_long_token(world: None) -> None:
    Client.objects.filter(client_id="web").update(id_token_lifetime=604_800)
    old = Browser("owner").tokens("web")["id_token"]
    keyring.activate(SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT))
    Client.objects.update(id_token_lifetime=60, access_token_lifetime=60)
    with later(days=6):
        assert header_of(old)["kid"] in jwks(), "whatever clients are set to later"
        assert mint.verify_id_token(old) is not None
    with later(days=8):
        assert header_of(old)["kid"] not in jwks()
        assert mint.verify_id_token(old) is None


@pytest.mark.postgresql  # SQLite looks at all clients
def test_the_longest_lifetime_is_found_without_looking_at_all_clients(world: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # the few clients of a test are quicker read than looked up
        with CaptureQueriesContext(connection) as seen:
            lifetimes.read_longest()
        cursor.execute(f"EXPLAIN {seen[0]['sql']}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert plan.count("Index Only Scan Backward") == 2
    assert "Seq Scan" not in plan


def test_a_dry_run_changes_nothing(keys: None) -> None:
    with later(minutes=7):
        assert [step["action"] for step in rotatekeys("--dry-run")] == ["activate"] * len(ALGORITHMS)
    assert states() == ["active", "next"]


def test_a_missing_next_key_is_published(keys: None) -> None:
    SigningKey.objects.filter(state="next").delete()
    assert [step["action"] for step in rotatekeys()] == ["publish"] * len(ALGORITHMS)
    assert states() == ["active", "next"]


@pytest.mark.parametrize("state", ["active", "next"])
@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_keys_that_do_not_open_stop_everything(keys: None, settings: Any, state: str, arguments: tuple[str]) -> None:
    ours = settings.IDP_KEY_SECRETS
    settings.IDP_KEY_SECRETS = ["another secret that is long enough"]
    sealed = keyring.encrypt("a key of somebody else's")
    settings.IDP_KEY_SECRETS = ours
    SigningKey.objects.filter(algorithm="ES256", state=state).update(private_jwk=sealed)
    before = set(SigningKey.objects.values_list("pk", "state"))
    with later(minutes=7), pytest.raises(CommandError, match=f"^The {state} ES256 key cannot be opened: ") as error:
        rotatekeys(*arguments)
    assert error.value.returncode == 1
    assert set(SigningKey.objects.values_list("pk", "state")) == before, "of no algorithm"


def test_what_was_done_before_a_key_did_not_open_is_told(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process, with other secrets, made a key after all were looked at."""
    rotate = rotation.rotate

    def fails_for_the_second(algorithm: str, **more: Any) -> Any:
        if algorithm == "ES256":
            raise Unreadable("The next ES256 key cannot be opened.")
        return rotate(algorithm, **more)

    monkeypatch.setattr(rotation, "rotate", fails_for_the_second)
    with later(minutes=7), pytest.raises(CommandError, match=r"cannot be opened\. Done before: RS256 \(activate\)\.$"):
        rotatekeys()


def test_a_rotation_opens_the_next_key_itself(keys: None, settings: Any) -> None:
    settings.IDP_KEY_SECRETS = ["another secret that is long enough"]
    with later(minutes=7), pytest.raises(Unreadable):
        rotation.rotate("RS256", Actor.operator("test"))
    assert states() == ["active", "next"]


def test_people_read_sentences(keys: None) -> None:
    out = StringIO()
    call_command("rotatekeys", "--dry-run", stdout=out)
    assert "Would do: RS256: " in out.getvalue()


@pytest.mark.parametrize("first", [True, False])
def test_a_retired_key_is_told_of_where_there_is_one(keys: None, first: bool) -> None:
    if first:
        SigningKey.objects.filter(state="active").delete()
    out = StringIO()
    with later(minutes=7):
        call_command("rotatekeys", stdout=out)
    said = out.getvalue()
    assert ("signs now; the one before is retired, and a next key is published." in said) is not first
    assert ("signs now, and a next key is published." in said) is first


def test_the_jwks_shows_public_parts_only(keys: None) -> None:
    response = Http().get("/.well-known/jwks.json")
    assert response["Cache-Control"] == f"public, max-age={int(rotation.JWKS_MAX_AGE.total_seconds())}"
    for key in response.json()["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
        assert {"kid", "alg", "use", "kty"} <= set(key)


def test_tokens_of_a_retired_key_are_still_ours(world: None) -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    with later(minutes=7):
        rotatekeys()
        assert App("service").introspect(token).json()["jti"] == claims_of(token)["jti"]


def test_a_key_is_retired_when_it_stops_signing_and_not_when_somebody_began_to_wait(
    keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it stays published counts from then."""
    start, atomic = timezone.now(), transaction.atomic
    with time_machine.travel(start, tick=False) as clock:

        @contextmanager
        def after_a_minute() -> Iterator[None]:
            clock.shift(60)
            with atomic():
                yield

        monkeypatch.setattr(transaction, "atomic", after_a_minute)
        keyring.activate(SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT))
    retired = SigningKey.objects.get(algorithm="RS256", state=KeyState.RETIRED)
    assert retired.retired_at == start + timedelta(seconds=60)


# --- A key that leaked ---------------------------------------------------------------------------------------------


def active_kid(algorithm: str = "ES256") -> str:
    return SigningKey.objects.get(algorithm=algorithm, state=KeyState.ACTIVE).kid


def test_revoking_the_key_that_signs_lets_the_next_one_sign_at_once(world: None) -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    service, before = App("service"), jwks()
    old = service.token(grant_type="client_credentials").json()["access_token"]
    following = SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT).kid
    assert [step["action"] for step in rotatekeys("--revoke", header_of(old)["kid"])] == ["revoke"]
    assert service.introspect(old).json() == {"active": False}
    assert before - jwks() == {header_of(old)["kid"]}
    new = service.token(grant_type="client_credentials").json()["access_token"]
    assert header_of(new)["kid"] == following
    assert service.introspect(new).json()["active"] is True
    assert states("ES256") == ["active", "next", "revoked"]
    assert states("RS256") == ["active", "next"], "of the other algorithm nothing changes"
    kinds = SecurityEvent.objects.order_by("pk").values_list("kind", "detail__by")
    assert list(kinds)[-3:] == [(kind, "rotatekeys") for kind in ("key.revoked", "key.activated", "key.made")]


def test_each_step_of_a_rotation_is_on_record(keys: None) -> None:
    SigningKey.objects.filter(state=KeyState.NEXT).update(created_at=timezone.now() - timedelta(days=1))
    SecurityEvent.objects.all().delete()
    rotatekeys("--algorithm", "ES256")
    rows = SecurityEvent.objects.order_by("pk").values_list("kind", "detail__by", "detail__algorithm")
    assert list(rows) == [(kind, "rotatekeys", "ES256") for kind in ("key.retired", "key.activated", "key.made")]


def test_who_ran_the_command_is_on_record(keys: None) -> None:
    SecurityEvent.objects.all().delete()
    rotatekeys("--revoke", SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE).kid)
    rotatekeys("--algorithm", "RS256")
    who = set(SecurityEvent.objects.values_list("detail__by", "detail__run_by"))
    assert who == {("rotatekeys", f"{getpass.getuser()}@{socket.gethostname()}")}


def test_what_nodes_compare_of_a_key_is_the_databases_time(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """This node is ten minutes behind: by its own clock a key would sign before apps can know it, or long after."""
    monkeypatch.setattr(clock._Clock, "behind", timedelta(minutes=10))
    waiting = SigningKey.objects.filter(algorithm="ES256", state=KeyState.NEXT)
    waiting.delete()
    assert [step["action"] for step in rotatekeys("--algorithm", "ES256")] == ["publish"]
    assert waiting.get().created_at > timezone.now() + timedelta(minutes=9)
    assert [step["action"] for step in rotatekeys("--algorithm", "ES256")] == ["wait"]
    waiting.update(created_at=timezone.now())
    assert [step["action"] for step in rotatekeys("--algorithm", "ES256", "--dry-run")] == ["activate"]
    assert [step["action"] for step in rotatekeys("--algorithm", "ES256")] == ["activate"]


@pytest.mark.parametrize("state", ["next", "retired"])
def test_revoking_another_key_leaves_the_one_that_signs(keys: None, state: str) -> None:
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    keyring.make("ES256")
    kid, signs = SigningKey.objects.get(algorithm="ES256", state=state).kid, active_kid()
    assert kid in jwks()
    rotatekeys("--revoke", kid)
    assert kid not in jwks()
    assert active_kid() == signs
    assert SigningKey.objects.filter(algorithm="ES256", state=KeyState.NEXT).exists()


def test_without_a_next_key_a_new_one_is_made_and_signs(keys: None) -> None:
    SigningKey.objects.filter(state=KeyState.NEXT).delete()
    old = active_kid()
    rotatekeys("--revoke", old)
    assert active_kid() != old
    assert states("ES256") == ["active", "next", "revoked"]


def test_a_dry_run_revokes_nothing(keys: None) -> None:
    before, kid = jwks(), active_kid()
    assert rotatekeys("--revoke", kid, "--dry-run")[0]["kid"] == kid
    assert (jwks(), active_kid()) == (before, kid)


def test_a_key_is_revoked_once_and_an_unknown_one_never(keys: None) -> None:
    kid = active_kid()
    rotatekeys("--revoke", kid)
    for one in (kid, "missing"):
        with pytest.raises(CommandError, match="no such key, or it is revoked already"):
            rotatekeys("--revoke", one)
    assert SecurityEvent.objects.filter(kind="key.revoked").count() == 1


def test_a_key_whose_successor_does_not_open_goes_on_until_that_one_is_revoked(keys: None, settings: Any) -> None:
    """Else nothing could be signed. The successor itself needs no opening to be revoked."""
    settings.IDP_KEY_SECRETS = ["another secret that is long enough"]
    kid = active_kid()
    with pytest.raises(CommandError, match=r"The next ES256 key cannot be opened.*Nothing was changed\.$"):
        rotatekeys("--revoke", kid)
    assert active_kid() == kid
    rotatekeys("--revoke", SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT).kid)
    rotatekeys("--revoke", kid)
    assert kid not in jwks()


@pytest.mark.parametrize(("issued", "counts"), [(-3600, True), (0, True), (59, True), (120, False), (None, False)])
def test_what_a_key_signs_after_it_retired_is_nothing(keys: None, issued: int | None, counts: bool) -> None:
    key = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    key.refresh_from_db()
    assert key.retired_at is not None
    retired = int(key.retired_at.timestamp())
    claims = {"sub": "x"} if issued is None else {"sub": "x", "iat": retired + issued}
    header = {"alg": "ES256", "kid": key.kid, "typ": mint.ACCESS_TOKEN_TYPE}
    stolen = jwk.JWK.from_json(keyring.decrypt(key.private_jwk))
    assert (mint.verify(signed_by(stolen, header, claims), mint.ACCESS_TOKEN_TYPE) is not None) is counts


def test_the_database_keeps_no_retired_key_without_an_end(keys: None) -> None:
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.filter(state=KeyState.RETIRED).update(believed_until=None)


def test_no_key_has_an_id_that_looks_like_an_option(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rotatekeys --revoke -x…` would ask for the option's value, while a leaked key waits to be revoked."""
    ids = iter(["-first", "--second", "third-"])
    monkeypatch.setattr(jwk.JWK, "thumbprint", lambda _key: next(ids))
    assert keyring.make("ES256").kid == "third-"
