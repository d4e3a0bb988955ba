"""One text for one person: how user names, passwords and mail addresses are written before they are compared or kept.

A letter has several spellings in Unicode (`ü`, or `u` and a mark; wide letters of Japanese keyboards), and a mail
domain has two. Which one arrives depends on the keyboard and the program, and people do not see the difference.
"""

from __future__ import annotations

import unicodedata
from string import ascii_lowercase, ascii_uppercase

import idna
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

MAX_MAIL_ADDRESS = 254  # characters (RFC 5321 section 4.5.3.1.3, without the brackets)
# Characters. Putting many marks into their order takes time that grows with the square of their number: these cost 5 ms
# at most, and 100,000, which anybody might send, five minutes. No name and no address is longer, apart or wide.
MAX_NORMALIZED = 400
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
_well_formed = EmailValidator(allowlist=[])  # `localhost` is no mail domain


def user_name(text: str) -> str:
    """The user name in NFKC. Capitals stay, and are no difference where names are compared."""
    return _nfkc(text)


def password(text: str) -> str:
    """The password in NFKC, as NIST SP 800-63B section 5.1.1.2 asks for. A very long one stays as it is."""
    return _nfkc(text)


def code(text: str) -> str:
    """A code in NFKC: digits of a Japanese keyboard are wide."""
    return _nfkc(text)


def mail_address(text: str) -> str:
    """The address in NFKC and small letters, with its domain as DNS has it (A-labels)."""
    local, at, domain = _nfkc(text).lower().rpartition("@")
    return f"{local}@{_domain(domain)}" if at else domain


def small(text: str) -> str:
    """With ASCII's capitals as small letters, and every other letter as it is.

    `lower()` makes a k of the sign for kelvin, and PostgreSQL finds an i without its dot where it looks for I in any
    capitals: for who has proved something of a mailbox these are letters of another one.
    """
    return text.translate(_SMALL)


def is_same_mailbox(came: str, address: str) -> bool:
    """Whether an address as it came past us is the one that we write as `address`."""
    local = came.rpartition("@")[0]
    return mail_address(came) == address and small(local) == address.rpartition("@")[0]


def check_mail_address(text: str) -> None:
    """Raise a ValidationError unless mail can be sent there from anywhere."""
    local, _at, domain = mail_address(text).rpartition("@")
    if not local.isascii():
        raise ValidationError(
            _("Enter an address without accents and other special letters before the @: few mail servers know them.")
        )
    if domain.startswith("[") or not domain.isascii():
        raise ValidationError(_("Enter an address with the name of a mail domain after the @, such as example.com."))
    _well_formed(f"{local}@{domain}")


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text) if len(text) <= MAX_NORMALIZED else text


def _domain(text: str) -> str:
    """A-labels by IDNA 2008 with the mapping of UTS 46. What is no domain stays as it is, and no address is in it."""
    if len(text) > MAX_MAIL_ADDRESS or (text.isascii() and "xn--" not in text):
        return text
    try:
        return idna.encode(text, uts46=True).decode()
    except UnicodeError:  # idna.IDNAError is one
        return text
