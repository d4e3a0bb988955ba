"""The token endpoint (RFC 6749 section 3.2)."""

from __future__ import annotations

from functools import partial

from common.address import address_of
from provider import grants, parameters, second_look
from provider.endpoints.http import Answer, json_answer, protocol_endpoint
from provider.parameters import Request
from provider.possession import evidence


@protocol_endpoint("POST", cors=True, proofs=True)
def token(request: Request) -> Answer:
    params, authorization = parameters.from_body(request), parameters.authorization(request)
    by = partial(grants.answer, params, authorization, address_of(request), evidence(request, "token"))
    return json_answer(second_look.answered(params, by))
