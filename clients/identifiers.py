"""Client ids, secrets and redirect URIs: how they are made and which are accepted."""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import client_url, outbound
from common.client_url import Own, Unacceptable

_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# A domain turned round, which its owner alone may use (RFC 8252 section 7.1) ...
_PRIVATE_USE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
# ... or the name of a program so well known that no other one takes it. Any other name could be anybody's.
KNOWN_PROGRAMS = frozenset(
    {"claude", "cursor", "jetbrains", "vscode", "vscode-insiders", "vscodium", "windsurf", "zed"}
)
_LOOPBACK = re.compile(
    r"http://(?P<host>127\.0\.0\.1|\[::1\]|localhost)(:(?P<port>[1-9][0-9]{0,4}))?(?P<rest>([/?].*)?)"
)
_SEVERAL = re.compile(r"[,;](https?://|$)", re.IGNORECASE)  # a list on one line; inside a URI commas are allowed
MAX_PORT = 65_535
LOOPBACK_LITERALS = frozenset({"127.0.0.1", "::1"})

# What an answer at the redirect URI says (RFC 6749 section 4.1.2, RFC 9207).
RESERVED = frozenset({"code", "state", "iss", "error", "error_description"})
NO_FRAGMENT: Promise = gettext_lazy("A redirect URI must not have a fragment (RFC 6749 section 3.1.2).")


def new_client_id() -> str:
    """Only A-Z a-z 0-9 - _ : safe in URLs, files and shells. 128 random bits; none that commands take for an option."""
    while (made := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return made


def new_client_secret() -> str:
    """256 random bits from A-Z a-z 0-9 - _."""
    return secrets.token_urlsafe(32)


def client_id_problem(client_id: str) -> str:
    """Why this client id is refused, or an empty string.

    UUIDs are refused because people's `sub` are UUIDs: nobody may mistake one for the other (`clients.subjects` has
    the rest of it). URIs are refused because
    a token for nobody else has the client id as its `aud`: it must not be taken for a token for an API.
    """
    if not _VISIBLE.fullmatch(client_id or ""):
        return _("A client ID has visible ASCII characters only, without spaces.")
    if _UUID.fullmatch(client_id):
        return _("A client ID must not look like a UUID: people's identifiers do.")
    if settings.IDP_CLIENT_ID_METADATA_DOCUMENTS and client_url.is_address(client_id):
        return document_address_problem(client_id)
    if _SCHEME.match(client_id):
        return _("A client ID must not begin like an address, such as “https:” or “urn:”: the addresses of APIs do.")
    return ""


def document_address_problem(client_id: str) -> str:
    """Why no client has its document there, or an empty string (rules C1, C2 and C16)."""
    try:
        client_url.check(client_id, own_addresses())
    except Unacceptable as error:
        return _("This is no address of a client's document: %(problem)s") % {"problem": error}
    return ""


def own_addresses() -> Own:
    """At which no client has its document; and whether documents on this machine count."""
    addresses = (settings.IDP_ISSUER, settings.IDP_MTLS_URL)
    return Own(tuple(filter(None, addresses)), settings.IS_LOCAL and settings.IDP_LOOPBACK_CLIENT_DOCUMENTS)


def redirect_uri_problem(uri: str) -> str:
    """Why this redirect URI is refused at registration, or an empty string (RFC 6749 3.1.2, RFC 8252 7)."""
    if problem := _spelling_problem(uri):
        return problem
    try:
        url = urlsplit(uri)
        host, _port = url.hostname, url.port
    except ValueError:
        return _("%(uri)s is not a URI.") % {"uri": uri}
    if "#" in uri:
        return str(NO_FRAGMENT)
    if RESERVED & {name for name, _value in parse_qsl(url.query, keep_blank_values=True)}:
        return _("%(uri)s: the query must not have %(names)s, which are ours to add.") % {
            "uri": uri,
            "names": ", ".join(sorted(RESERVED)),
        }
    if "*" in uri or "@" in url.netloc:
        return _("%(uri)s: wildcards and user names are not allowed.") % {"uri": uri}
    if url.scheme == "https":
        return "" if host else _("%(uri)s has no host.") % {"uri": uri}
    if url.scheme == "http":
        if host in LOOPBACK_LITERALS or host == "localhost":
            return ""
        return _("%(uri)s: use https; http is for loopback addresses only.") % {"uri": uri}
    private = url.scheme in KNOWN_PROGRAMS or _PRIVATE_USE_SCHEME.fullmatch(url.scheme)
    if private and (url.path or url.netloc):
        return ""
    return _("%(uri)s: use https, http on loopback, or a private-use scheme such as com.example.app:/callback.") % {
        "uri": uri
    }


def _spelling_problem(uri: str) -> str:
    """What is wrong before anything is read out of it."""
    if not _VISIBLE.fullmatch(uri) or set(uri) & set('\\"<>^`{|}'):
        return _("%(uri)s: use visible ASCII characters only, without quotes or backslashes.") % {"uri": uri}
    if _SEVERAL.search(uri):
        return _("%(uri)s: write one per line, without commas.") % {"uri": uri}
    return ""


def backchannel_uri_problem(uri: str) -> str:
    """Why this back-channel logout URI is refused, or an empty string (Back-Channel Logout 1.0 section 2.2).

    The provider itself goes there: https, and http only where provider and app share one machine.
    """
    return visited_uri_problem(uri) or (
        _(
            "%(uri)s: no logout tokens go to this address: it is not public. Use a public one, or have whoever runs "
            "this provider name its network in IDP_PRIVATE_LOGOUT_NETWORKS."
        )
        % {"uri": uri}
        if _is_blocked(uri)
        else ""
    )


def jwks_uri_problem(uri: str) -> str:
    """Why no keys are fetched from this address, or an empty string."""
    return visited_uri_problem(uri) or (
        _(
            "%(uri)s: no keys are fetched from this address: it is not public. Use a public one, or have whoever runs "
            "this provider name its network in IDP_PRIVATE_LOGOUT_NETWORKS."
        )
        % {"uri": uri}
        if _is_blocked(uri)
        else ""
    )


def _is_blocked(uri: str) -> bool:
    return bool(uri) and outbound.is_blocked_host(urlsplit(uri).hostname or "")


def visited_uri_problem(uri: str) -> str:
    if not uri:
        return ""
    if not _VISIBLE.fullmatch(uri) or set(uri) & set('\\"<>^`{|}*'):
        return _("%(uri)s: use visible ASCII characters only, without quotes or backslashes.") % {"uri": uri}
    try:
        url = urlsplit(uri)
        host, _port = url.hostname, url.port
    except ValueError:
        return _("%(uri)s is not a URI.") % {"uri": uri}
    if "#" in uri or "@" in url.netloc:
        return _("%(uri)s: fragments and user names are not allowed.") % {"uri": uri}
    on_this_machine = settings.IS_LOCAL and (host in LOOPBACK_LITERALS or host == "localhost")
    if not host or not (url.scheme == "https" or (url.scheme == "http" and on_this_machine)):
        return _("%(uri)s: use https.") % {"uri": uri}
    return ""


def page_uri_problem(uri: str) -> str:
    """Why people are not led to this address, or an empty string. It may name a place in its page."""
    return visited_uri_problem(uri.replace("#", "/", 1))


def login_uri_problem(uri: str) -> str:
    """Why no sign-in begins at this address, or an empty string (OpenID Connect Core 1.0 section 4)."""
    return visited_uri_problem(uri)


def shown_place(redirect_uri: str) -> str:
    """What people are told of a registered address: its host, or the scheme of an app on their device."""
    url = urlsplit(redirect_uri)
    return url.netloc if url.scheme in ("http", "https") else f"{url.scheme}:"


def redirect_uri_matches(registered: str, asked: str, *, native: bool = False) -> bool:
    """Letter by letter; on a loopback IP literal the port may differ, and nothing else (RFC 8252 section 7.3).

    For native apps, which take the port they get, that holds for `localhost`, too: many of them know no other name.
    """
    if registered == asked:
        return True
    one, other = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(asked)
    if one is None or other is None or not _VISIBLE.fullmatch(asked) or "#" in asked:
        return False
    if one["host"] == "localhost" and not native:
        return False
    return int(other["port"] or 0) <= MAX_PORT and (one["host"], one["rest"]) == (other["host"], other["rest"])
