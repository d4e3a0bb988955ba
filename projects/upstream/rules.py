"""What a connector may be: each rule on its own, without a database. The sentences are for whoever writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.normalization import mail_address
from common import outbound
from projects.problems import Problem
from projects.rules import quoted, text_problem
from projects.upstream.choices import COMMON, MEMBERS_OF, Kind
from projects.upstream.metadata import ConnectorMetadata

KEY = "[a-z0-9]+(-[a-z0-9]+)*"
MOST_KEY = 40
MOST_DOMAINS = 100
MOST_MAPPED = 200
MOST_METADATA = 100_000  # characters
MOST_TEXT = 500
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")
USER = "%(user)s"  # in a filter, where the name stands that was typed
ADDRESSES = {Kind.LDAP.value: ("ldaps", "ldap")}


def problems(wanted: ConnectorMetadata) -> Iterator[Problem]:
    """Everything that is wrong with it, whatever else there is."""
    if not re.fullmatch(KEY, wanted.id) or len(wanted.id) > MOST_KEY:
        yield Problem("id", _("Use lower case letters, digits and hyphens."))
    if not wanted.name.strip() or len(wanted.name) > 100:
        yield Problem("name", _("A name of 1 to 100 characters is needed."))
    if wanted.kind not in Kind.values:
        yield Problem("kind", _("This kind is not known."))
        return
    yield from _members(wanted)
    yield from _addresses(wanted)
    yield from _of_kind(wanted)
    for name in ("domains", "owns_domains"):
        yield from _domains(name, getattr(wanted, name))
    yield from _mapping("groups", wanted.groups)
    yield from _mapping("attributes", wanted.attributes)
    if wanted.mfa_acr_values and not wanted.trusts_mfa:
        yield Problem("mfa_acr_values", _("This counts only with trusts_mfa."))


def _members(wanted: ConnectorMetadata) -> Iterator[Problem]:
    """What a kind needs, and what means nothing to it."""
    needed, possible = MEMBERS_OF[wanted.kind]
    blank = ConnectorMetadata(id="")
    for name in needed:
        if not getattr(wanted, name):
            yield Problem(name, _("A connector of this kind needs it."))
    for name in ConnectorMetadata.__slots__:
        value = getattr(wanted, name)
        if name not in (*COMMON, *needed, *possible) and value != getattr(blank, name):
            yield Problem(name, _("This means nothing to a connector of this kind. Leave it out."))
        elif name != "metadata" and isinstance(value, str) and (problem := text_problem(value, MOST_TEXT)):
            yield Problem(name, problem)


def _addresses(wanted: ConnectorMetadata) -> Iterator[Problem]:
    schemes = ADDRESSES.get(wanted.kind, ("https", "http"))
    for name in ("issuer", "metadata_uri"):
        value = getattr(wanted, name)
        if value and (problem := _address_problem(value, schemes if name == "issuer" else ("https", "http"))):
            yield Problem(name, problem)


def _address_problem(value: str, schemes: tuple[str, str]) -> str:
    """Encrypted, or on this machine; where it leads is asked again when it is used."""
    safe, plain = schemes
    try:
        url = urlsplit(value)
        host, _port = url.hostname or "", url.port
    except ValueError:
        return _("This is no address.")
    if not value.isascii() or not value.isprintable() or " " in value or url.fragment or url.query or "@" in url.netloc:
        return _("Write the address without user name, query and fragment.")
    if not host or url.scheme not in schemes:
        return _("An address begins with %(scheme)s://.") % {"scheme": safe}
    if url.scheme == plain and host not in outbound.LOOPBACK_NAMES:
        return _("An address begins with %(scheme)s://.") % {"scheme": safe}
    if outbound.is_blocked_host(host):
        return _("This address is not reachable from here: it is not public.")
    return ""


def _of_kind(wanted: ConnectorMetadata) -> Iterator[Problem]:
    if wanted.kind == Kind.ENTRA and wanted.tenant and not _GUID.fullmatch(wanted.tenant):
        yield Problem("tenant", _("This is the ID of one directory: a GUID in small letters, never common."))
    if wanted.kind == Kind.SAML and bool(wanted.metadata) == bool(wanted.metadata_uri):
        yield Problem("metadata_uri", _("Give the metadata, or the address where it is: one of the two."))
    if len(wanted.metadata) > MOST_METADATA:
        yield Problem("metadata", _("The metadata is too long."))
    if wanted.search_filter and (wanted.search_filter.count(USER) != 1 or not wanted.search_filter.startswith("(")):
        yield Problem("search_filter", _("A filter looks like (uid=%(user)s)."))


def _domains(name: str, domains: tuple[str, ...]) -> Iterator[Problem]:
    if len(domains) > MOST_DOMAINS:
        yield Problem(name, _("These are too many."))
    for index, one in enumerate(domains):
        if not _DOMAIN.fullmatch(one) or len(one) > 253 or mail_address(f"a@{one}") != f"a@{one}":
            yield Problem(f"{name}[{index}]", _("Write a domain such as example.com, in small letters."))
        elif one in domains[:index]:
            yield Problem(f"{name}[{index}]", _("%(value)s is listed twice.") % {"value": quoted(one)})


def _mapping(name: str, mapping: Mapping[str, str]) -> Iterator[Problem]:
    if len(mapping) > MOST_MAPPED:
        yield Problem(name, _("These are too many."))
    for ours, theirs in mapping.items():
        if not ours or not theirs or len(ours) > 200 or len(theirs) > 200:
            yield Problem(name, _("Both sides need 1 to 200 characters."))
            return
