"""Single Logout of SAML 2.0 (profiles, section 4.4), as the provider asks for it. Loaded only where one does.

The library reads requests of the redirect binding. It lets pass what says less than it should, and knows no other
binding, so what has to hold of both is asked for here: a signature over all of it, who it is of, for whom, and when.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_datetime
from lxml.etree import LxmlError
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request as LogoutRequest
from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from common import clock, sealing
from projects.upstream import logout, saml
from projects.upstream.connectors import logout_url
from projects.upstream.id_tokens import SKEW
from projects.upstream.logout_tokens import SignedOut
from projects.upstream.models import Connector
from projects.upstream.oidc import with_query
from projects.upstream.told import Refused, text_of

MOST = 50_000  # characters of a request, and bytes once it is unpacked
LONGEST_STATE = 300
LIFE = 300  # seconds for which a request holds
MOST_SESSIONS = 100
BROKEN = (
    *(OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, LxmlError, binascii.Error, zlib.error),
    *(ValueError, KeyError, TypeError, AttributeError),
)
TRANSFORMS = (Constants.NS_DS + "enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#")


def answered(request: HttpRequest, connector: Connector) -> HttpResponse:
    """The browser brings it, and takes our answer back; where the provider has no address for that, it stays here.
    Raises Refused."""
    sent = request.GET if request.method == "GET" else request.POST
    try:
        document = _unpacked(sent.get("SAMLRequest", ""), packed=request.method == "GET")
        with logout.alone(connector.key):
            settings = _settings(connector)
        if request.method == "GET":
            _check_query(request, settings)
        told, message_id = _read(document, connector, settings, in_document=request.method == "POST")
    except BROKEN as error:
        raise Refused("malformed", f"The request cannot be read: {type(error).__name__}.") from None
    logout.end(connector, told)
    return _back(request, settings, message_id, sent.get("RelayState", ""))


def _settings(connector: Connector) -> OneLogin_Saml2_Settings:
    """Whoever signed out there is signed out here, also where nobody can open our key: then we answer unsigned."""
    try:
        return saml.settings_of(connector, signing=True)
    except sealing.Unreadable:
        return saml.settings_of(connector)


def _unpacked(text: str, *, packed: bool) -> bytes:
    if not text or len(text) > MOST:
        raise Refused("malformed", "SAMLRequest has to be there, and shorter.")
    sent = base64.b64decode(text, validate=False)
    if not packed:
        return sent
    unpack = zlib.decompressobj(-15)
    document = unpack.decompress(sent, MOST)
    if unpack.unconsumed_tail:
        raise Refused("malformed", "SAMLRequest is too long.")
    return document


def _read(
    document: bytes, connector: Connector, settings: OneLogin_Saml2_Settings, *, in_document: bool
) -> tuple[SignedOut, str]:
    root = OneLogin_Saml2_XML.to_etree(document)
    provider = settings.get_idp_data()
    if in_document:
        _check_signature(document, root, provider)
    if isinstance(OneLogin_Saml2_XML.validate_xml(root, "saml-schema-protocol-2.0.xsd"), str):
        raise Refused("malformed", "It is no request of SAML 2.0.")
    if LogoutRequest.get_issuer(root) != provider["entityId"]:
        raise Refused("another_issuer", "The request is of another provider.")
    if root.get("Destination") != logout_url(connector.key):
        raise Refused("replayed", "The request was for another address.")
    at = _moment(root.get("IssueInstant"))
    ends = root.get("NotOnOrAfter")
    if not at - SKEW <= clock.seconds() <= at + LIFE or (ends and _moment(ends) < clock.seconds() - SKEW):
        raise Refused("clock", "The request does not hold now.")
    name = text_of(LogoutRequest.get_nameid(root))
    if not name:
        raise Refused("malformed", "The request names nobody.")
    sessions = [text_of(one) for one in LogoutRequest.get_session_indexes(root)]
    if not all(sessions) or len(sessions) > MOST_SESSIONS:
        raise Refused("malformed", "The request does not say which session it is about.")
    return SignedOut(name, tuple(sessions), at), str(root.get("ID"))


def _moment(text: str | None) -> int:
    moment = parse_datetime(text or "")
    if moment is None or moment.tzinfo is None:
        raise Refused("malformed", "The request does not say when it was made.")
    return int(moment.timestamp())


# --- Who says so ---------------------------------------------------------------------------------------------------


def _check_query(request: HttpRequest, settings: OneLogin_Saml2_Settings) -> None:
    """Bindings, section 3.4.4.1: the signature is over the query as it was sent. Each parameter is there once."""
    sent = {name: request.GET[name] for name in request.GET if len(request.GET.getlist(name)) == 1}
    if not {"SAMLRequest", "SigAlg", "Signature"} <= sent.keys() or len(sent) != len(request.GET):
        raise Refused("not_proved", "The request is not signed.")
    query = {"get_data": sent, "query_string": request.META.get("QUERY_STRING", ""), "validate_signature_from_qs": True}
    if not OneLogin_Saml2_Auth(query, settings).validate_request_signature(sent):
        raise Refused("not_proved", "The signature of the request does not hold.")


def _check_signature(document: bytes, root: Any, provider: dict[str, Any]) -> None:
    """One signature in it, over the whole of it and nothing else: what is signed is what is read."""
    signatures = OneLogin_Saml2_XML.query(root, "//ds:Signature")
    references = OneLogin_Saml2_XML.query(root, "//ds:Reference")
    if len(signatures) != 1 or signatures[0].getparent() is not root or len(references) != 1:
        raise Refused("not_proved", "The request has to have one signature, over all of it.")
    transforms = [one.get("Algorithm") for one in OneLogin_Saml2_XML.query(references[0], ".//ds:Transform")]
    methods = [
        one.get("Algorithm") for one in OneLogin_Saml2_XML.query(root, "//ds:SignatureMethod | //ds:DigestMethod")
    ]
    weak = any(one in Constants.DEPRECATED_ALGORITHMS for one in methods)
    if weak or references[0].get("URI") != f"#{root.get('ID')}" or not {*transforms} <= {*TRANSFORMS}:
        raise Refused("not_proved", "The signature of the request is of another kind than is believed.")
    certificates = provider.get("x509certMulti", {}).get("signing") or [provider.get("x509cert")]
    pems = [OneLogin_Saml2_Utils.format_cert(one) for one in certificates]
    if not OneLogin_Saml2_Utils.validate_sign(document, xpath="/samlp:LogoutRequest/ds:Signature", multicerts=pems):
        raise Refused("not_proved", "The signature of the request does not hold.")


# --- And back ------------------------------------------------------------------------------------------------------


def _back(request: HttpRequest, settings: OneLogin_Saml2_Settings, message_id: str, state: str) -> HttpResponse:
    """That it is done, whoever was signed in here: nobody hears which. Signed (profiles, section 4.4.4.2)."""
    address = str(settings.get_idp_slo_response_url() or "")
    if not saml.is_web(address):
        return HttpResponse(status=200)
    answer = OneLogin_Saml2_Logout_Response(settings)
    answer.build(message_id)
    said = {"SAMLResponse": answer.get_response(), **({"RelayState": state} if 0 < len(state) <= LONGEST_STATE else {})}
    if not settings.get_sp_key():
        return redirect(with_query(address, said))
    signing = OneLogin_Saml2_Auth({"get_data": {}, "post_data": {}}, settings)
    signing.add_response_signature(said)
    return redirect(signing.redirect_to(address, said))
