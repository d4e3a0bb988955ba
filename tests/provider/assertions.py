"""A client that proves itself with a key of its own (`private_key_jwt`)."""

from __future__ import annotations

import itertools
import time
from typing import Any

from django.test import Client as Http

from clients.models import Client
from tests.foreign_keys import KEYS, public, signed
from tests.world import ISSUER, App, Response

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KID = "first"
_numbers = itertools.count()


def registered(client_id: str = "service", *keys: dict[str, Any], **columns: Any) -> None:
    """Let this client of the world prove itself by these keys (by its ES256 one), and no secret."""
    jwks = {"keys": list(keys) or [public(KEYS["ES256"], kid=KID)]}
    row = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks, **columns}
    Client.objects.filter(client_id=client_id).update(**row)


def claims(client_id: str = "service", **others: Any) -> dict[str, Any]:
    """What an assertion says; others override, None leaves one out."""
    now = int(time.time())
    said = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": f"assertion-{next(_numbers)}",
        **others,
    }
    return {name: value for name, value in said.items() if value is not None}


def assertion(client_id: str = "service", algorithm: str = "ES256", typ: Any = None, **others: Any) -> str:
    return signed(KEYS[algorithm], algorithm, claims(client_id, **others), kid=KID, typ=typ)


def proving(token: str, /, **more: Any) -> dict[str, Any]:
    """The parameters that carry it."""
    return {"client_assertion": token, "client_assertion_type": TYPE, **more}


def token_request(token: str, /, path: str = "/oauth2/token", **more: Any) -> Response:
    form = proving(token, grant_type="client_credentials", token="x", **more)
    return App("", Http()).post(path, form, auth=None)
