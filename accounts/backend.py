"""Password authentication that takes the same time whether or not the account exists."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend
from allauth.account.internal.userkit import filter_users_by_email, filter_users_by_username
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest


class AuthenticationBackend(AllauthBackend):
    """Each account that matches the login is checked once. When none does, allauth spends one hash.

    allauth itself looks an e-mail address up as e-mail, as user name, and as e-mail again: two hashes for an account
    that exists and one for none, which a stopwatch tells apart.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: str | None) -> AbstractBaseUser | None:
        password = credentials.get("password") or ""
        for user in candidates(credentials.get("username") or "", credentials.get("email") or ""):
            found: AbstractBaseUser | None = self._check_password(user, password)
            if found is not None:
                return found
        return None


def candidates(username: str, email: str) -> list[AbstractBaseUser]:
    """The accounts that match this login."""
    mailed = filter_users_by_email(email or username, prefer_verified=True, for_login=True)
    return list(dict.fromkeys([*mailed, *(_by_username(username) if username else [])]))


def _by_username(username: str) -> list[AbstractBaseUser]:
    """The account with this name in any case; of several, the one that is spelled exactly so.

    The database stores names apart by lower case and finds them by upper case, and its collation decides: ΑΣ and ας are
    two names for the one and the same for the other. allauth would find nobody then, and neither person could sign in.
    """
    alike = [one for one in filter_users_by_username(username) if one.get_username().lower() == username.lower()]
    return alike if len(alike) == 1 else [one for one in alike if one.get_username() == username]
