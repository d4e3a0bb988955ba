"""One typed refusal per wire code. A step that agrees says nothing; a step that does not raises one of these."""

from __future__ import annotations

import re

# What error_description may hold (RFC 6749 section 5.2), and a header with it: quotes, backslashes, lines end there.
_UNSPEAKABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def speakable(text: str) -> str:
    """What may stand in an answer, a header and a line of the log."""
    return _UNSPEAKABLE.sub("?", text)


class Refusal(Exception):
    """A step says no: `code` goes on the wire, the message is for the developer of the client."""

    code = "invalid_request"
    status = 400
    # For the log and for events, never for the answer.
    step = ""  # what said no
    client_id = ""  # where nothing in the request names the client

    def __init__(self, message: str = "") -> None:
        super().__init__(speakable(message))


class InvalidRequest(Refusal):
    """RFC 6749 section 5.2: malformed, repeated or missing parameters."""


class TooLarge(InvalidRequest):
    """RFC 9110 section 15.5.14."""

    status = 413


class UnsupportedMediaType(InvalidRequest):
    """RFC 9110 section 15.5.16."""

    status = 415


class InvalidRedirectUri(Refusal):
    """RFC 7591 section 3.2.2: a redirect URI that no app may have."""

    code = "invalid_redirect_uri"


class InvalidClientMetadata(Refusal):
    """RFC 7591 section 3.2.2: something else that is said of a client cannot be, or cannot be read."""

    code = "invalid_client_metadata"


class UnapprovedSoftwareStatement(Refusal):
    """RFC 7591 section 3.2.2: nobody's software statements are believed here."""

    code = "unapproved_software_statement"


class MethodNotAllowed(InvalidRequest):
    """RFC 9110 section 15.5.6."""

    status = 405


class InvalidClient(Refusal):
    """RFC 6749 section 5.2. `challenge`: the Authorization header was used, so the answer carries one."""

    code = "invalid_client"
    status = 401

    def __init__(self, message: str = "Client authentication failed.", *, challenge: bool = False) -> None:
        super().__init__(message)
        self.challenge = challenge


class TooManyGuesses(InvalidClient):
    """Too many wrong secrets from one place; `retry_after` in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many failed attempts. Try again later.")
        self.retry_after = retry_after


class InvalidGrant(Refusal):
    """RFC 6749 section 5.2: the code or refresh token is unknown, used, expired, revoked or another client's."""

    code = "invalid_grant"


class AuthorizationPending(Refusal):
    """RFC 8628 section 3.5: nobody has decided yet."""

    code = "authorization_pending"

    def __init__(self, message: str = "The person has not decided yet.") -> None:
        super().__init__(message)


class SlowDown(AuthorizationPending):
    """RFC 8628 section 3.5: nobody has decided yet, and the device asks too often."""

    code = "slow_down"


class ExpiredToken(Refusal):
    """RFC 8628 section 3.5: nobody decided in time, or the device asked too late."""

    code = "expired_token"


class UnauthorizedClient(Refusal):
    """RFC 6749 section 5.2: the client may not use this grant type."""

    code = "unauthorized_client"

    def __init__(self, message: str = "The client has not registered this grant type.") -> None:
        super().__init__(message)


class UnsupportedGrantType(Refusal):
    """RFC 6749 section 5.2: nobody may use this grant type here."""

    code = "unsupported_grant_type"


class UnsupportedResponseType(Refusal):
    """RFC 6749 section 4.1.2.1: only `code` is offered."""

    code = "unsupported_response_type"


class RequestNotSupported(Refusal):
    """OpenID Connect Core 1.0 section 3.1.2.6."""

    code = "request_not_supported"


class RequestUriNotSupported(Refusal):
    """OpenID Connect Core 1.0 section 3.1.2.6."""

    code = "request_uri_not_supported"


class InvalidRequestObject(Refusal):
    """RFC 9101 section 6.2: it is not signed by this client for us, or not now, or says what no request says."""

    code = "invalid_request_object"


class InvalidRequestUri(Refusal):
    """RFC 9101 section 6.2, RFC 9126 section 2: it stands for no request that this client may begin with."""

    code = "invalid_request_uri"


class InvalidScope(Refusal):
    """RFC 6749 section 5.2: unknown, not registered for this client, or beyond what the person granted."""

    code = "invalid_scope"


class InvalidTarget(Refusal):
    """RFC 8707 section 2: the audience is malformed, not allowlisted or outside the ceiling."""

    code = "invalid_target"


class InvalidAudience(Refusal):
    """Google's answer for an audience client outside the project.

    One sentence for every reason (unknown, foreign, disabled, not allowed), so that nobody can probe for clients.
    """

    code = "invalid_audience"

    def __init__(self) -> None:
        super().__init__("The audience client and the client need to be in the same project.")


class AccessDenied(Refusal):
    """RFC 6749 section 4.1.2.1: the person, or a policy, said no."""

    code = "access_denied"


class NotLetIn(AccessDenied):
    """The app, or its project, lets in by groups or roles, and this person has none of those (protocol section 32)."""

    def __init__(self) -> None:
        super().__init__("This account may not use this app.")


class IntrospectionDenied(AccessDenied):
    """This client may not introspect at all."""

    status = 403


class LoginRequired(Refusal):
    """OpenID Connect Core 1.0 section 3.1.2.6."""

    code = "login_required"


class InteractionRequired(Refusal):
    """OpenID Connect Core 1.0 section 3.1.2.6: a sign-in has begun and waits for its next step."""

    code = "interaction_required"


class UnmetAuthenticationRequirements(Refusal):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0: an essential `acr` was not reached."""

    code = "unmet_authentication_requirements"


class ConsentRequired(Refusal):
    """OpenID Connect Core 1.0 section 3.1.2.6."""

    code = "consent_required"


class InvalidToken(Refusal):
    """RFC 6750 section 3.1."""

    code = "invalid_token"
    status = 401


class InvalidRegistrationToken(InvalidToken):
    """RFC 7591 section 3, RFC 7592 section 2: no initial or registration access token, or not one that works."""


class InvalidDpopProof(Refusal):
    """RFC 9449 section 5: there is no DPoP proof, or not one of this request. Protected resources answer 401."""

    code = "invalid_dpop_proof"


class UseDpopNonce(InvalidDpopProof):
    """RFC 9449 sections 8 and 9: the proof needs a nonce of ours, which the answer brings."""

    code = "use_dpop_nonce"

    def __init__(self) -> None:
        super().__init__("Make a DPoP proof with the nonce of the DPoP-Nonce header.")


class InsufficientScope(Refusal):
    """RFC 6750 section 3.1. `scope`: what would do, where that is told."""

    code = "insufficient_scope"
    status = 403

    def __init__(self, message: str = "", *, scope: str = "") -> None:
        super().__init__(message)
        self.scope = scope


class InsufficientUserAuthentication(Refusal):
    """RFC 9470 section 3: the person has to sign in more strongly, or anew. `wanted`: parameters of the challenge."""

    code = "insufficient_user_authentication"
    status = 401

    def __init__(self, message: str, **wanted: str) -> None:
        super().__init__(message)
        self.wanted = wanted


class TemporarilyUnavailable(Refusal):
    """RFC 6749 section 4.1.2.1: not the client's fault, and it may try again."""

    code = "temporarily_unavailable"
    status = 503
    retry_after = 5  # seconds


class TooManyRegistrations(TemporarilyUnavailable):
    """So many apps registered themselves lately, here or from this network, that no other may."""

    status = 429
    retry_after = 600


class TooManyWait(TemporarilyUnavailable):
    """So many devices of this client, or of this network, wait for a person that no other may begin."""

    status = 429
    retry_after = 60
