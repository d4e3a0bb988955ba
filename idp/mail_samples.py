"""Every mail there is, with what might be said in it: to look at them without waiting for one, and to test them all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.urls import reverse

from accounts import letters
from accounts.letters import Letter, Occasion
from common import clock

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0"
ADDRESS = "203.0.113.7"
NAME, MAIL = "pat", "pat@people.example"
KEY = "MQ:1vP3xK:a1b2c3d4e5"
VALID = timedelta(days=3)
# What each one needs beyond what all have; "link" is the name of a page, with its arguments.
LINKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "account/email/password_reset_key": ("account_reset_password_from_key", ("1", KEY)),
    "account/email/account_already_exists": ("account_reset_password", ()),
    "account/email/email_confirmation": ("account_confirm_email", (KEY,)),
    "account/email/email_confirmation_signup": ("account_confirm_email", (KEY,)),
    "account/email/sensitive_access": ("account_apps", ()),
    "account/email/app_access": ("account_apps", ()),
    "projects/email/invitation": ("invitation_link", ("Wq3nX9vT0kR5yB7cM2dF8hJ4sL6pZ1aG",)),
    "projects/email/member_added": ("admin:index", ()),
    "account/email/webhook_disabled": ("admin:clients_webhook_change", ("0c9f6d1e-8b1f-4f3c-9d0a-5a7f2f6f6b11",)),
    "account/email/stream_paused": ("admin:clients_stream_change", ("5e0a7a52-6d0e-4c0e-8f3b-2d9f1b7c3a10",)),
}
WITHOUT_LINK = ("account/email/account_deleted", "account/email/unknown_account")
UNTIL = ("password_reset_key", "email_confirmation", "email_confirmation_signup", "invitation")
OF_NOBODY = ("account/email/account_already_exists", "account/email/unknown_account")
SAID: Mapping[str, Mapping[str, object]] = {
    "account/email/email_deleted": {"deleted_email": "pat@old.example"},
    "account/email/email_changed": {"from_email": "pat@old.example", "to_email": MAIL},
    "account/email/sensitive_access": {"app_name": "Acme shopping", "items": ["Change your orders"]},
    "account/email/app_access": {"app_name": "Acme shopping", "items": ["Your e-mail address", "See your orders"]},
    "mfa/email/recovery_code_used": {"left": 8},
    "projects/email/invitation": {
        "inviter": "Kim Ray",
        "place": "Acme",
        "in_project": True,
        "role": "Viewer, translator",
        "groups": "Berlin office",
        "facts": [],
    },
    "projects/email/member_added": {"inviter": "Kim Ray", "place": "Acme", "role": "Viewer", "console": True},
    "account/email/webhook_disabled": {
        "project": "Acme",
        "host": "hooks.acme.example",
        "problem": "The app answered with status 500.",
    },
    "account/email/stream_paused": {
        "project": "Acme",
        "app": "Acme receiver",
        "host": "receiver.acme.example",
        "problem": "The app answered with status 500.",
    },
    "socialaccount/email/account_connected": {"provider": "Acme staff"},
    "socialaccount/email/account_disconnected": {"provider": "Acme staff"},
}
NAMES = (
    *("account/email/email_confirmation_signup", "account/email/email_confirmation"),
    *("account/email/account_already_exists", "account/email/password_reset_key", "account/email/unknown_account"),
    *("account/email/password_changed", "account/email/password_set", "account/email/password_reset"),
    *("account/email/email_changed", "account/email/email_deleted", "account/email/account_deleted"),
    *("mfa/email/totp_activated", "mfa/email/totp_deactivated", "mfa/email/recovery_codes_generated"),
    *("mfa/email/webauthn_added", "mfa/email/webauthn_removed"),
    *("socialaccount/email/account_connected", "socialaccount/email/account_disconnected"),
    *("account/email/sensitive_access", "projects/email/invitation", "account/email/webhook_disabled"),
    *("account/email/app_access", "account/email/stream_paused", "projects/email/member_added"),
    *("mfa/email/recovery_code_used", "account/email/new_browser", "account/email/password_replaced"),
)


def short(name: str) -> str:
    """What people call it: `password_changed`."""
    return name.rpartition("/")[2]


def sample(name: str) -> Letter:
    """In the language of this moment."""
    page, arguments = LINKS.get(name, ("account_activity", ()))
    link = "" if name in WITHOUT_LINK else letters.at_issuer(reverse(page, args=arguments))
    occasion = Occasion(clock.now(), "" if name in OF_NOBODY else NAME, BROWSER, ADDRESS)
    said: dict[str, object] = {
        "account_name": NAME,
        "email": MAIL,
        "link": link,
        "until": letters.moment(clock.now() + VALID) if short(name) in UNTIL else "",
        "facts": list(occasion.facts()),
    }
    return letters.write(name, {**said, **SAID.get(name, {})})
