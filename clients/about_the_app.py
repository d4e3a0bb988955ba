"""What a client may say about itself, and about the sign-ins it wants unless a request says so. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from clients.identifiers import login_uri_problem, page_uri_problem
from clients.metadata import ClientMetadata
from projects import quotas
from projects.problems import Problem
from projects.rules import LONGEST_LIFETIME, quoted, text_problem

MAX_URI = 500
MAX_CONTACT = 254  # characters, as long as a mail address may be
SHOWN_URIS = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
TEXTS = ("contacts", "default_acr_values")
_ACR = re.compile(r"[\x21-\x7e]{1,255}")


def about_the_app(wanted: ClientMetadata) -> Iterator[Problem]:
    for name in (*SHOWN_URIS, "initiate_login_uri"):
        uri: str = getattr(wanted, name)
        judge = login_uri_problem if name == "initiate_login_uri" else page_uri_problem
        if problem := text_problem(uri, MAX_URI) or judge(uri):
            yield Problem(name, problem)
    for name in TEXTS:
        if len(getattr(wanted, name)) > quotas.ABOUT_THE_APP:
            yield Problem(name, quotas.too_many(quotas.ABOUT_THE_APP))
    for index, contact in enumerate(wanted.contacts):
        if problem := text_problem(contact, MAX_CONTACT, needed=True) or _unprintable(contact):
            yield Problem(f"contacts[{index}]", problem)
    for index, acr in enumerate(wanted.default_acr_values):
        if not _ACR.fullmatch(acr):
            message = _("%(value)s is no value of acr: visible ASCII characters only, without spaces.")
            yield Problem(f"default_acr_values[{index}]", message % {"value": quoted(acr)})
    if wanted.default_max_age is not None and not 0 <= wanted.default_max_age <= LONGEST_LIFETIME:
        message = _("This must be 0 to %(most)s seconds (ten years).")
        yield Problem("default_max_age", message % {"most": LONGEST_LIFETIME})


def _unprintable(text: str) -> str:
    return "" if text.isprintable() else _("This text has a character that cannot be shown.")
