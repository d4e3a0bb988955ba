"""`private_key_jwt`: a client signs a statement that it is itself (RFC 7523, as RFC 10070 changed it; rules A1 to A6).

What can be said without knowing the client is said: its developer has to know. All else has one answer, and takes as
long for a client that does not exist.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings

from clients.models.choices import AuthMethod
from common import clock, jws
from common.jws import ALGORITHMS, Parts
from provider import client_keys
from provider.authentication_method import Credentials, Method, Sent
from provider.protocol import foreign_jwt, profile
from provider.protocol.errors import InvalidClient, InvalidRequest
from provider.protocol.facts import ClientFacts
from provider.store.replay import first_use

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Libraries write `JWT`, or nothing. Any other type is another statement, and proves nothing here (rule A3).
TYPES = frozenset({client_keys.UNTYPED, "jwt", "client-authentication+jwt"})
LONGEST = 600  # seconds
MAX_LENGTH = 4_096


class Assertion(Method):
    parameters = ("client_assertion", "client_assertion_type")
    auth_method: ClassVar[str] = AuthMethod.PRIVATE_KEY_JWT

    def used(self, sent: Sent) -> bool:
        return sent.params.has("client_assertion") or sent.params.has("client_assertion_type")

    def read(self, sent: Sent) -> Credentials:
        if sent.params.one("client_assertion_type") != ASSERTION_TYPE or not sent.params.one("client_assertion"):
            raise InvalidRequest(f"Send client_assertion, with {ASSERTION_TYPE} as client_assertion_type.")
        parts = jws.parts(sent.params.one("client_assertion"), MAX_LENGTH)
        if parts is None:
            raise InvalidClient("client_assertion is not a JWT that can be read in one way only.")
        issuer, in_body = parts.claims.get("iss"), sent.params.one("client_id")
        client_id = issuer if isinstance(issuer, str) else ""
        if in_body and in_body != client_id:
            raise InvalidRequest("client_id in the body is not the iss of client_assertion.")
        return Credentials(client_id, None, assertion=parts)

    def proves(self, client: ClientFacts | None, presented: Credentials) -> bool:
        parts = presented.assertion
        if parts is None:
            return False
        seconds = _checked(parts, client)
        registered = client if client is not None and client.auth_method == self.auth_method else None
        algorithms = (registered.assertion_algorithm,) if registered and registered.assertion_algorithm else ALGORITHMS
        claims = client_keys.verified(parts, registered, types=TYPES, algorithms=algorithms)
        if claims is None:
            return False
        if not first_use("client_assertion", presented.client_id, str(claims["jti"]), seconds):
            raise InvalidClient("client_assertion was used before: make a new one for each request.")
        return True


def _old_names(client: ClientFacts | None) -> list[str]:
    """What programs older than RFC 10070 write as `aud`, where the deployment accepts it and no profile forbids it."""
    accepted = settings.IDP_LEGACY_ASSERTION_AUDIENCE and not (client is not None and profile.demanded(client))
    return [f"{settings.IDP_ISSUER}/oauth2/token"] if accepted else []


def _checked(parts: Parts, client: ClientFacts | None) -> int:
    """For how many seconds it can be presented still. Raises InvalidClient, and says why."""
    claims = parts.claims
    try:
        if foreign_jwt.text(claims, "iss") != foreign_jwt.text(claims, "sub"):
            raise foreign_jwt.Unacceptable("iss and sub have to be the client_id, both.")
        if not client_keys.typed(parts, TYPES):
            raise foreign_jwt.Unacceptable("typ says that it is something else.")
        foreign_jwt.check_audience(claims, settings.IDP_ISSUER, *_old_names(client))
        foreign_jwt.text(claims, "jti")
        return foreign_jwt.check_lifetime(claims, clock.now().timestamp(), LONGEST)
    except foreign_jwt.Unacceptable as error:
        raise InvalidClient(f"client_assertion: {error}") from None
