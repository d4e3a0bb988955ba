"""The rules of every registration, as a deployment has them, for the documents of clients."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.utils import translation

from clients import guests, identifiers, keys
from clients.metadata import ClientMetadata
from clients.models.values import CHOICES
from common import client_url, jws
from common.client_url import Unacceptable, Verdict
from common.json_type import Json
from projects import quotas
from projects.rules import text_problem
from provider.protocol import client_document
from provider.protocol.client_document import Answer, Document, Rules

# Which rule a member breaks that no client may register so.
RULES = {"redirect_uris": "C8", "jwks": "C6", "jwks_uri": "C6", "token_endpoint_auth_method": "C6", "scope": "C12"}


def offered() -> bool:
    """Whether this deployment takes addresses for client ids."""
    return bool(settings.IDP_CLIENT_ID_METADATA_DOCUMENTS)


def is_one(client_id: str) -> bool:
    """Whether this is the id of a client that has a document, as this deployment sees it."""
    return client_url.is_address(client_id) and offered()


def rules() -> Rules:
    """What holds for every client, whoever registers it."""
    return Rules(
        redirect_uri=lambda uri: text_problem(uri, quotas.REDIRECT_URI) or identifiers.redirect_uri_problem(uri),
        jwks=_keys_problem,
        jwks_uri=identifiers.jwks_uri_problem,
        algorithms=tuple(jws.ALGORITHMS),
    )


def _keys_problem(jwks: Json) -> str:
    return next((str(one.message) for one in keys.problems(jwks)), "")


def read(client_id: str, answer: Answer) -> Document:
    """The document, judged. Raises Unacceptable, in English: its developer reads it, and a log."""
    with translation.override("en"):
        document = client_document.read(client_id, answer, rules())
        for verdict in _registrable(document):
            raise Unacceptable(verdict.rule, verdict.problem)
    return document


def verdicts(client_id: str, answer: Answer) -> list[Verdict]:
    """What each rule says of it."""
    with translation.override("en"):
        found = client_document.verdicts(client_id, answer, rules())
        if any(one.problem for one in found):
            return found
        wrong = {one.rule: one for one in _registrable(client_document.read(client_id, answer, rules()))}
        return [wrong.get(one.rule, one) for one in found]


def _registrable(document: Document) -> list[Verdict]:
    """Why a guest must not be like this, whichever door it came in by."""
    found = guests.problems(guests.as_guest(metadata_of(document)), guests.CIMD, CHOICES)
    return [Verdict(RULES.get(one.name, "C7"), f"{one.field} cannot be registered for an app here.") for one in found]


def metadata_of(document: Document) -> ClientMetadata:
    """What the document says, as a registration would."""
    return replace(
        ClientMetadata(),
        client_id=document.client_id,
        client_name=document.client_name,
        redirect_uris=document.redirect_uris,
        grant_types=document.grant_types,
        scope=document.scope,
        token_endpoint_auth_method=document.auth_method,
        token_endpoint_auth_signing_alg=document.assertion_algorithm,
        jwks=document.jwks,
        jwks_uri=document.jwks_uri,
        dpop_bound_access_tokens=document.dpop_bound,
        require_pushed_authorization_requests=document.pushes,
    )
