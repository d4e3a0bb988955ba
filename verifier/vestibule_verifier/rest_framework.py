"""For Django REST framework: an authentication class and a permission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from vestibule_verifier.access import AccessToken, AccessTokenVerifier
from vestibule_verifier.answers import RETRY_AFTER, answer, presented
from vestibule_verifier.challenge import challenge
from vestibule_verifier.claims import scopes
from vestibule_verifier.django import configured_resource, configured_verifier, sender_of
from vestibule_verifier.errors import InsufficientScope, Missing, NonceNeeded, TokenError, Unavailable
from vestibule_verifier.metadata import ProtectedResource

if TYPE_CHECKING:
    # Not at run time: the framework's views import this module when it is their default authentication class.
    from rest_framework.views import APIView


@dataclass(frozen=True, slots=True)
class Caller:
    """`request.user`: whoever the token speaks of. The API need not know people; `pk` is the token's subject."""

    token: AccessToken
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_active: ClassVar[bool] = True
    is_staff: ClassVar[bool] = False
    is_superuser: ClassVar[bool] = False

    @property
    def pk(self) -> str:
        return self.token.subject

    def __str__(self) -> str:
        return self.token.subject


class Refused(APIException):
    """A TokenError as the framework answers it: status, challenge and JSON body of RFC 6750."""

    def __init__(
        self,
        error: TokenError,
        realm: str = "api",
        scheme: str = "bearer",
        resource: ProtectedResource | None = None,
        scope: str = "",
    ) -> None:
        refused = answer(error, realm, scheme, resource, scope)
        super().__init__(detail=refused.body, code=error.code)
        self.status_code = refused.status
        self.auth_header = refused.headers.get("WWW-Authenticate")
        self.wait = RETRY_AFTER if isinstance(error, Unavailable) else None
        self.nonce = error.nonce if isinstance(error, NonceNeeded) else ""


class AccessTokenAuthentication(BaseAuthentication):
    """Makes `request.auth` the AccessToken and `request.user` its Caller.

    A request without an access token stays anonymous, as the framework wants it: every view needs a permission too,
    for example HasScope. Subclass to give another verifier or resource, or users of your own in `user_for`.
    """

    verifier: AccessTokenVerifier | None = None
    resource: ProtectedResource | None = None
    realm = "api"

    def authenticate(self, request: Request) -> tuple[object, AccessToken] | None:
        try:
            scheme, text = presented(request.META.get("HTTP_AUTHORIZATION", ""))
        except Missing:
            return None
        verifier = self.verifier or (self.resource.verifier if self.resource is not None else configured_verifier())
        try:
            token = verifier.verify(text, sender=sender_of(request._request, scheme))
        except TokenError as error:
            raise Refused(error, self.realm, scheme, self.described(), _needed(request)) from error
        return self.user_for(token), token

    def described(self) -> ProtectedResource | None:
        """What is said of this API to apps that never heard of it."""
        return self.resource or (configured_resource() if self.verifier is None else None)

    def user_for(self, token: AccessToken) -> object:
        return Caller(token)

    def authenticate_header(self, request: Request) -> str:
        return challenge(Missing(), self.realm, resource=self.described(), scope=_needed(request))


def _needed(request: Request) -> str:
    """Every scope that the permissions of the view name."""
    view = (request.parser_context or {}).get("view")
    return " ".join(getattr(one, "scope", "") for one in getattr(view, "permission_classes", ()))


def HasScope(scope: str) -> type[BasePermission]:  # noqa: N802 - reads as the permission class it makes
    """A permission: the access token has every scope of `scope`, which names at least one.

    A token that lacks one is refused at once (403), also where another permission of an `|` would have agreed.
    """
    wanted = scopes(scope)
    if not wanted:
        raise ValueError("Name at least one scope.")

    class ScopePermission(BasePermission):
        scope: ClassVar[str] = " ".join(sorted(wanted))

        def has_permission(self, request: Request, view: APIView) -> bool:
            token = request.auth
            if not isinstance(token, AccessToken):
                return False
            if not wanted <= token.scopes:
                by = request.successful_authenticator
                scheme = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
                told = (by.realm, scheme, by.described()) if isinstance(by, AccessTokenAuthentication) else ()
                raise Refused(InsufficientScope(self.scope, token.scopes), *told)
            return True

    return ScopePermission
