"""Password authentication that takes the same time whether or not the account exists."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend
from allauth.account.internal.userkit import filter_users_by_email, filter_users_by_username
from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts import decoys, normalization
from accounts.models import User
from common import slow


class AuthenticationBackend(AllauthBackend):
    """Each account that matches the login is checked once. When none does, as much is spent on nobody.

    allauth itself looks an e-mail address up as e-mail, as user name, and as e-mail again: two hashes for an account
    that exists and one for none, which a stopwatch tells apart.
    """

    _login = ""

    def _authenticate(
        self, request: HttpRequest | None, among: list[User] | None = None, **credentials: str | None
    ) -> AbstractBaseUser | None:
        """One turn is for all candidates: who is told to come back has tried none of them."""
        password = credentials.get("password") or ""
        self._login = credentials.get("username") or credentials.get("email") or ""
        if among is None:
            among = candidates(credentials.get("username") or "", credentials.get("email") or "")
        decoys.learn()
        with slow.turn():
            for user in among:
                found: AbstractBaseUser | None = self._check_password(user, password)
                if found is not None:
                    return found
        return None

    def _mitigate_timing_attack(self, password: str) -> None:
        """As much work as for an account that exists."""
        decoys.spend(self._login, password)


def candidates(username: str, email: str) -> list[User]:
    """The accounts that match this login."""
    return list(dict.fromkeys([*_by_address(email or username), *(_by_username(username) if username else [])]))


def _by_address(address: str) -> list[User]:
    """Anybody may add any address to their account: until it is verified, only the address in use is a login name."""
    address = normalization.mail_address(address)
    found: list[User] = filter_users_by_email(address, prefer_verified=True, for_login=True)
    proved = EmailAddress.objects.filter(email=address, verified=True)
    return [one for one in found if normalization.small(one.email) == address or proved.filter(user=one).exists()]


def _by_username(username: str) -> list[User]:
    """The account with this name in any case; of several, the one that is spelled exactly so.

    The database stores names apart by lower case and finds them by upper case, and its collation decides: ΑΣ and ας are
    two names for the one and the same for the other. allauth would find nobody then, and neither person could sign in.
    """
    username = normalization.user_name(username)
    found = [one for one in filter_users_by_username(username) if isinstance(one, User)]
    alike = [one for one in found if one.username.lower() == username.lower()]
    return alike if len(alike) == 1 else [one for one in alike if one.username == username]
