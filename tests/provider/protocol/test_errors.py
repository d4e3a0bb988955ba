"""One refusal per wire code; what is quoted in one cannot leave the answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol import errors
from provider.protocol.errors import InvalidAudience, InvalidClient, InvalidRequest, Refusal, TooManyGuesses

CODES = {
    "InvalidRequest": ("invalid_request", 400),
    "MethodNotAllowed": ("invalid_request", 405),
    "InvalidClient": ("invalid_client", 401),
    "TooManyGuesses": ("invalid_client", 429),
    "InvalidGrant": ("invalid_grant", 400),
    "AuthorizationPending": ("authorization_pending", 400),
    "SlowDown": ("slow_down", 400),
    "ExpiredToken": ("expired_token", 400),
    "UnauthorizedClient": ("unauthorized_client", 400),
    "UnsupportedGrantType": ("unsupported_grant_type", 400),
    "UnsupportedResponseType": ("unsupported_response_type", 400),
    "RequestNotSupported": ("request_not_supported", 400),
    "RequestUriNotSupported": ("request_uri_not_supported", 400),
    "InvalidScope": ("invalid_scope", 400),
    "InvalidTarget": ("invalid_target", 400),
    "InvalidAudience": ("invalid_audience", 400),
    "AccessDenied": ("access_denied", 400),
    "NotLetIn": ("access_denied", 400),
    "IntrospectionDenied": ("access_denied", 403),
    "LoginRequired": ("login_required", 400),
    "InteractionRequired": ("interaction_required", 400),
    "UnmetAuthenticationRequirements": ("unmet_authentication_requirements", 400),
    "ConsentRequired": ("consent_required", 400),
    "InvalidToken": ("invalid_token", 401),
    "InsufficientScope": ("insufficient_scope", 403),
    "TemporarilyUnavailable": ("temporarily_unavailable", 503),
    "TooManyWait": ("temporarily_unavailable", 429),
    "TooLarge": ("invalid_request", 413),
    "InvalidRequestObject": ("invalid_request_object", 400),
    "InvalidRequestUri": ("invalid_request_uri", 400),
    "InvalidDpopProof": ("invalid_dpop_proof", 400),
    "UseDpopNonce": ("use_dpop_nonce", 400),
    "UnsupportedMediaType": ("invalid_request", 415),
    "InvalidRedirectUri": ("invalid_redirect_uri", 400),
    "InvalidClientMetadata": ("invalid_client_metadata", 400),
    "UnapprovedSoftwareStatement": ("unapproved_software_statement", 400),
    "InvalidRegistrationToken": ("invalid_token", 401),
    "InsufficientUserAuthentication": ("insufficient_user_authentication", 401),
    "TooManyRegistrations": ("temporarily_unavailable", 429),
}


@pytest.mark.parametrize(("name", "wire"), CODES.items())
def test_each_refusal_has_its_code_and_status(name: str, wire: tuple[str, int]) -> None:
    refusal = getattr(errors, name)
    assert (refusal.code, refusal.status) == wire


def test_no_refusal_is_missing_here() -> None:
    named = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Refusal)}
    assert named - {"Refusal"} == set(CODES)


def test_every_refused_target_is_one_sentence() -> None:
    assert str(InvalidAudience()) == "The audience client and the client need to be in the same project."
    with pytest.raises(TypeError):
        InvalidAudience("sibling is disabled")  # type: ignore[call-arg]


def test_a_failed_client_hears_no_reason() -> None:
    assert str(InvalidClient()) == "Client authentication failed."
    assert not InvalidClient().challenge
    assert InvalidClient(challenge=True).challenge
    assert TooManyGuesses(300).retry_after == 300


@given(st.text())
def test_a_description_stays_in_the_alphabet_of_error_description(text: str) -> None:
    """RFC 6749 section 5.2. A header carries it too (RFC 6750 section 3): no quote, no new line."""
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*", str(InvalidRequest(f"{text} was sent more than once.")))


def test_what_may_be_said_is_said_unchanged() -> None:
    assert str(InvalidRequest("state's [1] was sent: twice.")) == "state's [1] was sent: twice."
    speakable = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in '"\\')
    assert str(InvalidRequest(speakable)) == speakable
