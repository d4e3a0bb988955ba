"""What every mail to a person looks like: its subject, its text and its HTML, rendered from one template.

A template extends `layout`, a variable, and its blocks have the words. It is rendered three times, once in each layout,
so that text and HTML say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, get_supported_language_variant, override, pgettext
from django.utils.translation import gettext as _

from accounts.browsers import describe, user_agent_of
from accounts.models import SignIn, User
from common import clock, issuer
from common.address import address_of

# RFC 3834 section 5; the second is what Exchange understands. So no absent person's answer comes back.
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
_EMPTY = re.compile(r"<p[^>]*>\s*</p>\n?")
_GAPS = re.compile(r"\n(\s*\n)+")


@dataclass(frozen=True, slots=True)
class Fact:
    """A line about what happened: when, or from where."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str

    def to(self, address: str) -> EmailMultiAlternatives:
        """The mail to this address."""
        mail = EmailMultiAlternatives(self.subject, self.text, sender(), [address], headers=HEADERS)
        mail.attach_alternative(self.html, "text/html")
        return mail


def write(template: str, context: Mapping[str, object]) -> Letter:
    """The mail of this template, without `.html`, in the language of this moment."""
    said = {"items": [], "facts": [], "link": "", "until": "", **{name: _flat(one) for name, one in context.items()}}
    said |= {"site": settings.IDP_NAME, "issuer": settings.IDP_ISSUER}
    subject = _flat(_rendered(template, "subject.txt", said))
    said["subject"] = subject
    text = _GAPS.sub("\n\n", _rendered(template, "layout.txt", said)).strip() + "\n"
    return Letter(str(subject), text, _EMPTY.sub("", _rendered(template, "layout.html", said)))


@dataclass(frozen=True, slots=True)
class Occasion:
    """When it happened, to whose account, with which browser and from which network; empty: that is not told."""

    at: datetime
    account: str = ""
    user_agent: str | None = None
    address: str = ""

    @classmethod
    def of(cls, request: HttpRequest | None, user: User | None = None) -> Occasion:
        name = user.get_username() if user is not None else ""
        if request is None:
            return cls(clock.now(), name)
        return cls(clock.now(), name, user_agent_of(request), address_of(request))

    def facts(self) -> Iterator[Fact]:
        if self.account:
            yield Fact(_("Account"), self.account)
        yield Fact(_("When"), moment(self.at))
        if self.user_agent is not None:
            yield Fact(_("With"), describe(self.user_agent))
        if self.address:
            yield Fact(_("From"), self.address)


def moment(at: datetime) -> str:
    """For example “30 November 2026, 05:30 UTC”."""
    utc = timezone.localtime(at, timezone.get_default_timezone())
    day = date_format(utc, pgettext("a day, as Django's filter “date” writes it", "j F Y"))
    return _("%(day)s, %(time)s UTC") % {"day": day, "time": date_format(utc, "H:i")}


def language_of(user: User, request: HttpRequest | None = None) -> str:
    """What this person reads: the language of the page before them, else of their last sign-in, else their `locale`."""
    now = str(get_language() or settings.LANGUAGE_CODE)
    if request is not None and request.user == user:
        return now
    rows = SignIn.objects.filter(user=user).exclude(language="").order_by("-created_at")
    return str(rows.values_list("language", flat=True).first() or _spoken(user.attributes.get("locale")) or now)


def _spoken(tag: object) -> str:
    """The language of ours that comes nearest to this tag (BCP 47); empty: none does."""
    try:
        return get_supported_language_variant(str(tag or "").lower())
    except LookupError:
        return ""


def in_language_of(user: User | None, request: HttpRequest | None = None) -> override:
    return override(language_of(user, request) if user is not None else get_language())


def at_issuer(url: str) -> str:
    """The Host header of a request never enters a mail."""
    return issuer.url_of(re.sub(r"^[a-z]+://[^/]*", "", url))


def sender() -> str:
    """With the name of this installation, unless the setting has another one."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name or settings.IDP_NAME, address)) if address else settings.DEFAULT_FROM_EMAIL


def _rendered(template: str, layout: str, said: Mapping[str, object]) -> str:
    return render_to_string(f"{template}.html", {**said, "layout": f"email/{layout}"})


def _flat(value: object) -> object:
    """On one line: words of somebody else write no lines of their own into our mail."""
    if isinstance(value, list):
        return [_flat(one) for one in value]
    return " ".join(value.split()) if isinstance(value, str) else value
