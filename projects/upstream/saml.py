"""SAML 2.0 from the side of a service provider, by python3-saml. Loaded only where somebody signs in by it.

The library checks XML, signatures and times. It is loose where an answer says less than it should, so what must be in
it is asked for here: our request in the signed part, our name as its audience, our address exactly.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.dateparse import parse_datetime
from lxml.etree import LxmlError
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from common.json_type import Json
from projects.upstream import fetched
from projects.upstream.connectors import callback_url, logout_url, metadata_url, saml_key_of
from projects.upstream.id_tokens import SKEW
from projects.upstream.models import Connector
from projects.upstream.oidc import Wish
from projects.upstream.told import Refused, Told, text_of, uid_of

ACCEPT = "application/samlmetadata+xml, application/xml, text/xml"
WANTS_SIGNED = "WantAuthnRequestsSigned"
# Where names and the address stand: as eduPerson calls them, as Microsoft does, and plain.
KNOWN = {
    "email": (
        "urn:oid:0.9.2342.19200300.100.1.3",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        *("mail", "email"),
    ),
    "given_name": (
        "urn:oid:2.5.4.42",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
        *("givenName", "given_name"),
    ),
    "family_name": (
        "urn:oid:2.5.4.4",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
        *("sn", "surname", "family_name"),
    ),
}
SECURITY = {
    "wantAssertionsSigned": True,
    "wantNameId": True,
    "wantAttributeStatement": False,
    "requestedAuthnContext": False,
    "rejectDeprecatedAlgorithm": True,
    "allowRepeatAttributeName": True,
    "failOnAuthnContextMismatch": False,
}
_BROKEN = (
    *(OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, LxmlError, binascii.Error),
    *(ValueError, KeyError, TypeError, AttributeError),
)


def settings_of(connector: Connector, *, signing: bool = False) -> OneLogin_Saml2_Settings:
    """We and the provider there, as the library knows both. Raises Refused, and when we sign sealing.Unreadable.

    What we ask for is signed where the provider's metadata wants that.
    """
    parsed = read_metadata(_metadata(connector))
    key = saml_key_of(connector) if signing else ""
    wants = bool(key) and bool(parsed.get("security", {}).get("authnRequestsSigned"))
    ours, security = {**_ours(connector), "privateKey": key}, {**SECURITY, "authnRequestsSigned": wants}
    both = {"strict": True, "security": security, "sp": ours, "idp": parsed["idp"]}
    try:
        return OneLogin_Saml2_Settings(both)
    except _BROKEN as error:
        raise Refused("malformed", f"Its metadata cannot be used: {type(error).__name__}.") from None


def _ours(connector: Connector) -> dict[str, object]:
    return {
        "entityId": metadata_url(connector.key),
        "assertionConsumerService": {"url": callback_url(connector.key), "binding": Constants.BINDING_HTTP_POST},
        "singleLogoutService": {"url": logout_url(connector.key), "binding": Constants.BINDING_HTTP_REDIRECT},
        "NameIDFormat": Constants.NAMEID_UNSPECIFIED,
        "x509cert": connector.saml_certificate,
    }


def _metadata(connector: Connector) -> bytes:
    if connector.metadata:
        return connector.metadata.encode()
    return fetched.body(connector.metadata_uri, ACCEPT, is_good=read_metadata)


def read_metadata(document: bytes) -> Mapping[str, Any]:
    """The provider that this metadata describes. Raises Refused: there is none in it that people can be sent to."""
    try:
        found: Mapping[str, Any] = OneLogin_Saml2_IdPMetadataParser.parse(
            _tree(document), required_sso_binding=Constants.BINDING_HTTP_REDIRECT
        )
        provider = found["idp"]
        usable = provider["entityId"] and provider["singleSignOnService"]["url"]
        has_key = provider.get("x509cert") or provider.get("x509certMulti", {}).get("signing")
    except _BROKEN:
        usable = has_key = None
    if not usable or not has_key or not is_web(str(provider["singleSignOnService"]["url"])):
        raise Refused("malformed", "Its metadata has no provider with a key and an address for redirects.")
    return found


def _tree(document: bytes) -> object:
    """With `true` for everything that XML Schema takes for it: the library knows no other word."""
    tree = OneLogin_Saml2_XML.to_etree(document)
    for one in tree.iter("{*}IDPSSODescriptor"):
        if one.get(WANTS_SIGNED, "").strip() in ("true", "1"):
            one.set(WANTS_SIGNED, "true")
    return tree


def is_web(address: str) -> bool:
    return urlsplit(address).scheme in ("https", "http")


def our_metadata(connector: Connector) -> bytes:
    """For whoever sets the provider there up. It needs nothing of theirs, so it does not promise there that what we ask
    for is signed: that we sign it where they want that is no contradiction (metadata, section 2.4.4)."""
    said = {"strict": True, "security": SECURITY, "sp": _ours(connector)}
    ours = OneLogin_Saml2_Settings(said, sp_validation_only=True)
    written: str | bytes = ours.get_sp_metadata()
    return written if isinstance(written, bytes) else written.encode()


# --- There and back ------------------------------------------------------------------------------------------------


def begin(connector: Connector, state: str, wish: Wish) -> str:
    """Where the browser goes. The ID of the request is the state. Raises Refused, sealing.Unreadable."""

    class Request(OneLogin_Saml2_Authn_Request):  # type: ignore[misc]
        def _generate_request_id(self) -> str:
            return request_id(state)

    auth = _auth(connector, "", signing=True)
    auth.authn_request_class = Request
    location: str = auth.login(return_to=state, force_authn=wish.fresh, set_nameid_policy=True)
    return location


def request_id(state: str) -> str:
    """An ID of XML begins with a letter."""
    return f"_{state}"


class Response(OneLogin_Saml2_Response):  # type: ignore[misc]
    """What the library lets pass though nothing signed says it."""

    def problem(self, wanted_id: str, address: str, entity_id: str) -> str:
        """Why this answer is not for the request with this ID, or an empty string."""
        confirmed = self._query_assertion("/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData")
        fitting = [
            one
            for one in confirmed
            if one.get("InResponseTo") == wanted_id and one.get("Recipient") == address and one.get("NotOnOrAfter")
        ]
        if not fitting or len(confirmed) != 1:
            return "Its assertion does not say that it answers our request, to our address, for a while."
        if self.document.get("Destination", address) != address:
            return "It was for another address."
        if entity_id not in self.get_audiences():
            return "Its assertion is not for us."
        return ""

    def moment(self) -> int | None:
        """When they proved there who they are."""
        found = self._query_assertion("/saml:AuthnStatement")
        moment = parse_datetime(str(found[0].get("AuthnInstant"))) if found else None
        return int(moment.timestamp()) if moment is not None and moment.tzinfo is not None else None


def _auth(connector: Connector, answer: str, *, signing: bool = False) -> OneLogin_Saml2_Auth:
    """The library reads the address from a request: it gets the one that is configured, whatever a header says."""
    url = urlsplit(callback_url(connector.key))
    request = {
        "https": "on" if url.scheme == "https" else "off",
        "http_host": url.netloc,
        "script_name": "",
        "path_info": url.path,
        "get_data": {},
        "post_data": {"SAMLResponse": answer} if answer else {},
    }
    return OneLogin_Saml2_Auth(request, settings_of(connector, signing=signing))


def finish(connector: Connector, state: str, answer: str, proved_since: int | None) -> Told:
    """Who came. Raises Refused."""
    auth, kept = _auth(connector, answer), []

    def respond(*given: object) -> Response:
        kept.append(Response(*given))
        return kept[0]

    auth.response_class = respond
    try:
        auth.process_response(request_id(state))
        if auth.get_errors() or not auth.is_authenticated():
            raise _refusal(str(auth.get_last_error_reason()))
        settings = auth.get_settings().get_sp_data()
        problem = kept[0].problem(request_id(state), callback_url(connector.key), settings["entityId"])
        moment = kept[0].moment()
    except _BROKEN as error:
        raise Refused("malformed", f"Its answer cannot be read: {type(error).__name__}.") from None
    if problem:
        raise Refused("replayed", problem)
    if proved_since is not None and (moment is None or moment < proved_since - SKEW):
        raise Refused("not_fresh", "It does not say that they proved it lately.")
    return _told(auth, moment)


def _refusal(reason: str) -> Refused:
    """The library says why in words that may hold what was sent: of those only the kind is told."""
    if "status code of the Response was not Success" in reason:
        return Refused("denied", "It answered with an error.")
    for word, known in (("not yet valid", "clock"), ("expired", "clock"), ("issuer", "another_issuer")):
        if word in reason.lower():
            return Refused(known, "The assertion does not hold.")
    return Refused("not_proved", "The answer or its signature does not hold.")


def _told(auth: OneLogin_Saml2_Auth, moment: int | None) -> Told:
    claims = {**_claims(auth.get_friendlyname_attributes()), **_claims(auth.get_attributes())}
    name_id, kind = text_of(auth.get_nameid()), auth.get_nameid_format()
    if not name_id or kind == Constants.NAMEID_TRANSIENT:
        raise Refused("malformed", "It does not say who it is about by a name that stays.")
    for ours, theirs in KNOWN.items():
        claims.setdefault(ours, next((claims[one] for one in theirs if claims.get(one)), ""))
    first = claims["email"]
    email = text_of(first[0] if isinstance(first, list) and first else first)
    if not email and kind == Constants.NAMEID_EMAIL_ADDRESS:
        email = name_id
    contexts = [text_of(one) for one in auth.get_last_authn_contexts()]
    return Told(
        uid=uid_of(name_id),
        email=email,
        email_verified=bool(email),  # SAML has no word for it: whose domain it is decides
        claims=claims,
        auth_time=moment,
        acr=contexts[0] if contexts else "",
        session=text_of(auth.get_session_index()),
    )


def _claims(attributes: Mapping[str, list[object]]) -> dict[str, Json]:
    """One value as itself, several as a list."""
    found: dict[str, Json] = {}
    for name, values in attributes.items():
        texts = [str(one) for one in values if isinstance(one, str)]
        found[str(name)] = texts[0] if len(texts) == 1 else texts
    return found
