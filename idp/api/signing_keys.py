"""The provider's signing keys: their public parts, and each step of their life."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import clock, sealing
from common.json_type import Json
from common.jws import ALGORITHMS
from idp.api.described import PAGE, operation
from idp.api.documents import said_in
from idp.api.problems import not_found, refused
from idp.api.provider_wide import ProviderWide
from idp.api.resource import storable
from projects.actors import Actor
from projects.json_shape import Members, Spot, as_json, choice, read_members
from projects.problems import Problem
from provider.keys import needed, registration, rotation

SHOWN = ("kid", "algorithm", "state", "created_at", "activated_at", "retired_at", "believed_until", "public_jwk")
WANTED: Members = {"algorithm": choice(ALGORITHMS)}


class OfSigningKeys(ProviderWide):
    tag = "signing keys"

    def found(self, kid: str) -> SigningKey:
        key = SigningKey.objects.only(*SHOWN).filter(pk=kid).first() if storable(kid) else None
        if key is None:
            raise not_found()
        return key

    def algorithm(self) -> str:
        return str(said_in(self.sent(), _read)["algorithm"])

    def done(self, do: Callable[[Actor], SigningKey | None], otherwise: str) -> HttpResponse:
        """What the step made of the key; a conflict where it does not fit."""
        try:
            with transaction.atomic():
                key = do(self.by)
        except sealing.Unreadable as error:  # superusers read it: it names a setting of theirs
            raise refused("conflict", str(error)) from None
        if key is None:
            raise refused("conflict", otherwise)
        return self.shown(represent([self.found(key.kid)])[0])


class SigningKeyList(OfSigningKeys):
    @operation("list_signing_keys", "List the signing keys", answers="SigningKeyPage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Which signs (`active`), which comes next, and until when what a retired one signed is believed."""
        self.refuse_others()
        return self.listed(SigningKey.objects.only(*SHOWN), "kid", represent)

    @operation(
        "create_signing_key",
        "Make the next key of an algorithm",
        answers="SigningKey",
        status=201,
        sends="AlgorithmWanted",
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Published from now on, so that apps know it before it signs. 409 where there is a next key already."""
        self.refuse_others()
        algorithm = self.algorithm()
        try:
            with transaction.atomic():
                made = registration.make(algorithm, self.by)
        except IntegrityError:
            raise refused("conflict", "This algorithm has a next key already. Activate it first.") from None
        return self.made(represent([made])[0], "keys", made.kid)


class KeyRotation(OfSigningKeys):
    @operation(
        "rotate_signing_keys",
        "Take the next step of an algorithm's rotation",
        answers="RotationStep",
        sends="AlgorithmWanted",
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """As `manage.py rotatekeys` does: `publish` a next key, let it sign once everybody may know it (`activate`; the
        one before retires), or `wait` until `not_before`."""
        self.refuse_others()
        algorithm = self.algorithm()
        step = rotation.next_step(algorithm, clock.now())
        if step.action == "activate":
            _require_known_to_servers(algorithm)
        try:
            step = rotation.rotate(algorithm, self.by)
        except sealing.Unreadable as error:
            raise refused("conflict", str(error)) from None
        return self.shown(
            {
                "algorithm": step.algorithm,
                "action": step.action,
                "kid": step.kid or None,
                "not_before": as_json(step.at),
            }
        )


class OneSigningKey(OfSigningKeys):
    @operation("get_signing_key", "Get a signing key", answers="SigningKey")
    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Its public part only."""
        self.refuse_others(hidden=True)
        return self.shown(represent([self.found(key)])[0])


class KeyActivation(OfSigningKeys):
    @operation("activate_signing_key", "Let the next key sign", answers="SigningKey")
    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """At once, whether apps know it or not: `rotate_signing_keys` waits for them. The one that signed retires, and
        stays published until nothing it signed is alive."""
        self.refuse_others(hidden=True)
        found = self.found(key)
        if found.state == KeyState.NEXT:
            _require_known_to_servers(found.algorithm)
        return self.done(lambda by: registration.activate(key, by), "This key is not waiting to be activated.")


class KeyRevocation(OfSigningKeys):
    @operation("revoke_signing_key", "Revoke a key that leaked", answers="SigningKey")
    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Nothing that it signed is believed any more. If it was the one that signs, the next one does so at once."""
        self.refuse_others(hidden=True)
        self.found(key)
        return self.done(lambda by: registration.revoke(key, by), "This key is revoked already.")


def _require_known_to_servers(algorithm: str) -> None:
    if problem := needed.why_servers_may_lack_it(algorithm):
        raise refused("conflict", problem)


def represent(keys: Sequence[SigningKey]) -> list[dict[str, Json]]:
    return [{name: as_json(getattr(one, name)) for name in SHOWN} for one in keys]


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(WANTED, spot, needed=("algorithm",)), spot.found
