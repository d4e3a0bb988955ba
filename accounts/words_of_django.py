"""Texts of Django that people here can meet and that its own catalogues leave in English, for ours."""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """Mark a text for the catalogues: `makemessages` finds it by this name."""
    return text


def ngettext(one: str, many: str, _number: int) -> tuple[str, str]:
    """The same for a text that depends on a number."""
    return one, many


TEXTS = (
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),  # noqa: RUF001 - as Django writes it
    gettext_noop("Conflicting form data submitted. Please try again."),
    gettext_noop("Disable password-based authentication"),
    gettext_noop("Enable password-based authentication"),
    gettext_noop("Password-based authentication"),
    gettext_noop("Password-based authentication was disabled."),
    gettext_noop("Reset password"),
    gettext_noop("Set password"),
    gettext_noop("Set password: %s"),
    gettext_noop("This action will <strong>enable</strong> password-based authentication for this user."),
)
NUMBERED = (
    ngettext(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
        8,
    ),
)
