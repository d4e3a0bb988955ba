"""The token endpoint on one page: who asks, what they present, whether it still holds, what is made and kept.

A grant type (RFC 6749 section 4) is a row of GRANTS, and a file that opens what it presents. What all of them share is
here, in `answer`, where no row can leave it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from common.arrival import of_grant
from projects.sign_in import NOWHERE
from provider import facts, possession
from provider.client_authentication import authenticate
from provider.grants import (
    authorization_code,
    client_credentials,
    device_code,
    refresh_token,
    response,
    token_exchange,
)
from provider.possession import NO_EVIDENCE, Evidence, Proof
from provider.protocol import AT_TOKEN, CODES, audience, device, profile
from provider.protocol.confirmation import Confirmation, refuse_another_holder
from provider.protocol.errors import InvalidAudience, InvalidRequest, Refusal, UnauthorizedClient, UnsupportedGrantType
from provider.protocol.facts import TOKEN_EXCHANGE, ClientFacts
from provider.protocol.request import Params, TokenRequest
from provider.protocol.runner import At, run
from provider.store import authorizations, events, live, tallies
from provider.store.presented import Presented, Reused


@dataclass(frozen=True, slots=True)
class Grant:
    """How one grant type is answered."""

    open: Callable[[Params, ClientFacts], Presented]
    steps: Sequence[Callable[[TokenRequest], None]]
    needs: tuple[str, ...] = ()  # the parameters without which there is nothing to open
    codes: Mapping[str, str] = field(default_factory=dict)  # what its specification calls refusals of others


GRANTS: Mapping[str, Grant] = {
    "authorization_code": Grant(authorization_code.opened, AT_TOKEN["authorization_code"], needs=("code",)),
    "refresh_token": Grant(refresh_token.opened, AT_TOKEN["refresh_token"], needs=("refresh_token",)),
    "client_credentials": Grant(client_credentials.opened, AT_TOKEN["client_credentials"]),
    device.GRANT_TYPE: Grant(device_code.opened, AT_TOKEN[device.GRANT_TYPE], needs=("device_code",)),
    TOKEN_EXCHANGE: Grant(
        token_exchange.opened,
        AT_TOKEN[TOKEN_EXCHANGE],
        needs=("subject_token", "subject_token_type"),
        codes=CODES[TOKEN_EXCHANGE],
    ),
}

AT_GRANT_TYPES, AT_OPENING, AT_LAST_CHECKS, AT_ISSUE = map(At, ("grant_types", "grant", "last_checks", "issue"))
AT_POSSESSION = At("possession")


def answer(
    params: Params, authorization: str | None, address: str, evidence: Evidence = NO_EVIDENCE
) -> response.Answer:
    """What a token request is answered (RFC 6749 section 5.1); raises a Refusal, and then nothing is used up.

    Whatever the grant is, its tokens are bound to what the request shows, and what is bound is not given to others.
    """
    grant_type, grant = _asked(params)
    of_grant(grant_type)
    client = authenticate(params, authorization, address, evidence.certificate)
    profile.at_grant(client, grant_type)
    with AT_GRANT_TYPES:
        if not client.may_use(grant_type):
            raise UnauthorizedClient
    with AT_POSSESSION:
        proof = possession.proved(evidence)
        shown = possession.shown_by(client, proof, evidence.certificate)
    profile.at_possession(client, shown)
    try:
        with AT_OPENING:
            presented = grant.open(params, client)
        with AT_LAST_CHECKS:
            until = live.refuse_ended(presented, client)
            client = _let_in(client, presented, grant_type, shown)
        with AT_POSSESSION:
            refuse_another_holder(presented.bound, shown)
        decided = _decided(grant, params, client, presented, shown)
        profile.at_token(decided)
        said = _issued(decided, presented, until, proof)
        tallies.count(client, grant_type)
    except Refusal as refusal:
        refusal.code = grant.codes.get(refusal.code, refusal.code)
        if isinstance(refusal, Reused):
            authorizations.end_reused(refusal, client)
        raise
    return said


def _let_in(client: ClientFacts, presented: Presented, grant_type: str, shown: Confirmation) -> ClientFacts:
    """A guest at the project that let it in, which may demand more of it than it does itself."""
    if not client.guest:
        return client
    inside = live.party(presented.behind[0]) if presented.behind else None
    if inside is None:
        raise UnauthorizedClient
    profile.at_grant(inside, grant_type)
    profile.at_possession(inside, shown)
    return inside


def _asked(params: Params) -> tuple[str, Grant]:
    """The grant, with everything it needs."""
    grant_type = params.one("grant_type")
    if not grant_type:
        raise InvalidRequest("grant_type is missing.")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType("This grant type is not offered.")
    for name in grant.needs:
        if not params.one(name):
            raise InvalidRequest(f"{name} is missing.")
    return grant_type, grant


def _decided(
    grant: Grant, params: Params, client: ClientFacts, presented: Presented, shown: Confirmation
) -> TokenRequest:
    """What the steps of this grant decide about the request, from facts that are loaded for them."""
    try:
        registry = facts.registry(audience.named(params), client, presented.ceiling.audiences)
        decided = TokenRequest(
            params,
            client,
            registry,
            presented.subject,
            presented.ceiling,
            presented.challenge,
            shown,
            presented.exchanged,
            belongs=(presented.person.belongs if presented.person else None) or NOWHERE,
        )
        run(grant.steps, decided)
    except InvalidAudience:
        events.cross_client_refused(client, " ".join(params.many("audience")), presented.sub)
        raise
    return decided


def _issued(
    decided: TokenRequest, presented: Presented, until: datetime | None, proof: Proof | None
) -> response.Answer:
    """Minted and kept, when nothing refuses any more: only then a proof is used up."""
    if proof is not None:
        with AT_POSSESSION:
            possession.use_up(proof)
    minted, said = response.mint(decided, presented, until)
    with AT_ISSUE:
        authorizations.issue(decided, presented, minted)
    return said
