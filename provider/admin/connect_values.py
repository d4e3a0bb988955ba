"""What somebody who connects an app has to know of it, and how each value is written in a program, a shell or a URL."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from clients.metadata import ClientMetadata
from clients.models import Client
from clients.policy import metadata_of
from clients.presets import CODE, DEVICE, OWN
from projects.scopes import SIGN_IN_SCOPES
from provider.facts import client_facts
from provider.protocol.facts import ClientFacts

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~-]*")
SOME_PORT = 3000  # where the examples listen when the app is elsewhere
SECRET = "client_secret"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of the app. Nothing of it is ever code: each place has its own way to quote."""

    text: str

    @property
    def code(self) -> str:
        """A string of Python, JavaScript, Go and Java, and of YAML: what JSON knows they all know."""
        return json.dumps(self.text, ensure_ascii=False)

    @property
    def spring(self) -> str:
        """In a file of Spring's, which looks for placeholders inside."""
        return json.dumps(self.text.replace("${", "\\${").replace("#{", "\\#{"), ensure_ascii=False)

    @property
    def shell(self) -> str:
        return shlex.quote(self.text)

    @property
    def line(self) -> str:
        """In a file of variables, which a shell and the libraries of that name read."""
        return self.text if _PLAIN.fullmatch(self.text) else shlex.quote(self.text)


class Fields:
    """`app.form.scope`: a value with its name, as a form sends it."""

    def __init__(self, app: Connection) -> None:
        self.client_id = Literal(f"client_id={app.client_id.text}")
        self.redirect_uri = Literal(f"redirect_uri={app.redirect_uri.text}")
        self.scope = Literal(f"scope={app.scope.text}")
        self.own_scope = Literal(f"scope={app.own_scope.text}")
        self.resource = Literal(f"resource={app.resource.text}")


class Connection:
    """One app. Templates of snippets read it as `app`; it holds no secret, and so does none of them."""

    def __init__(self, client: Client) -> None:
        self.metadata: ClientMetadata = metadata_of(client)
        self.facts: ClientFacts = client_facts(client)
        self.name = str(client)
        base = f"{settings.IDP_ISSUER}/oauth2"
        self.issuer = Literal(settings.IDP_ISSUER)
        self.discovery = Literal(f"{settings.IDP_ISSUER}/.well-known/openid-configuration")
        self.jwks_uri = Literal(f"{settings.IDP_ISSUER}/.well-known/jwks.json")
        self.authorization_endpoint = Literal(f"{base}/authorize")
        self.token_endpoint = Literal(f"{base}/token")
        self.userinfo_endpoint = Literal(f"{base}/userinfo")
        self.device_endpoint = Literal(f"{base}/device_authorization")
        self.introspection_endpoint = Literal(f"{base}/introspect")
        self.plain_http = settings.IDP_ISSUER.startswith("http://")
        self.client_id = Literal(self.metadata.client_id)
        self.algorithm = Literal(self.metadata.id_token_signed_response_alg)
        self.redirect_uri = Literal(next(iter(self.metadata.redirect_uris), ""))
        self.audiences = tuple(entry.value for entry in self.metadata.audience)
        self.resource = Literal(" ".join(self.audiences))
        self.scopes = tuple(self.metadata.scopes)
        self.own_scopes = tuple(one for one in self.scopes if one not in SIGN_IN_SCOPES)
        self.scope, self.own_scope = Literal(" ".join(self.scopes)), Literal(" ".join(self.own_scopes))
        self.scope_list = Literal(",".join(self.scopes))
        self.scopes_as_code = ", ".join(Literal(one).code for one in self.scopes)
        self.own_scopes_as_code = ", ".join(Literal(one).code for one in self.own_scopes)
        self.form = Fields(self)

    # --- What kind of app it is ---

    @property
    def secret(self) -> bool:
        """Whether it proves who it is by one."""
        return self.metadata.uses_secrets

    @property
    def signs_in(self) -> bool:
        return CODE in self.metadata.grant_types

    @property
    def asks_itself(self) -> bool:
        return OWN in self.metadata.grant_types

    @property
    def is_device(self) -> bool:
        return DEVICE in self.metadata.grant_types

    @property
    def checks(self) -> bool:
        return bool(self.metadata.acts_for) and self.metadata.settled().introspection != "none"

    # --- Where people come back to ---

    @cached_property
    def path(self) -> Literal:
        return Literal(urlsplit(self.redirect_uri.text).path or "/")

    @property
    def path_below(self) -> Literal:
        """As Django writes it."""
        return Literal(self.path.text.removeprefix("/"))

    @property
    def home(self) -> Literal:
        return Literal("/home" if self.path.text == "/" else "/")

    @property
    def origin(self) -> Literal:
        url = urlsplit(self.redirect_uri.text)
        return Literal(f"{url.scheme}://{url.netloc}")

    @property
    def _local(self) -> bool:
        return urlsplit(self.redirect_uri.text).scheme == "http"  # which is registered for this machine only

    @property
    def host(self) -> Literal:
        return Literal(urlsplit(self.redirect_uri.text).hostname or "" if self._local else "127.0.0.1")

    @property
    def port(self) -> int:
        return (urlsplit(self.redirect_uri.text).port if self._local else None) or SOME_PORT

    @property
    def listen(self) -> Literal:
        return Literal(f"[{self.host.text}]:{self.port}" if ":" in self.host.text else f"{self.host.text}:{self.port}")

    @property
    def authorize_url(self) -> Literal:
        query = {
            "response_type": "code",
            "client_id": self.client_id.text,
            "redirect_uri": self.redirect_uri.text,
            "scope": self.scope.text,
            **({"resource": self.resource.text} if self.resource.text else {}),
            "state": "any",
            "code_challenge_method": "S256",
        }
        return Literal(f"{self.authorization_endpoint.text}?{urlencode(query, quote_via=quote)}")


def variables(app: Connection, secret: str = "") -> str:
    """The `.env`. Without the secret its line says so: it is shown once."""
    lines = [("OIDC_ISSUER", app.issuer), ("OIDC_CLIENT_ID", app.client_id)]
    if app.secret:
        lines.append(("OIDC_CLIENT_SECRET", Literal(secret)))
    if app.redirect_uri.text:
        lines.append(("OIDC_REDIRECT_URI", app.redirect_uri))
    lines += [("OIDC_SCOPE", app.scope)] if app.scopes else []
    lines += [("OIDC_RESOURCE", app.resource)] if app.audiences else []
    return "".join(f"{name}={value.line}\n" for name, value in lines)


def as_json(app: Connection, secret: str = "") -> str:
    """The same for programs, in the names of RFC 7591."""
    said: dict[str, object] = {
        "issuer": app.issuer.text,
        "discovery": app.discovery.text,
        "client_id": app.client_id.text,
        **({SECRET: secret or None} if app.secret else {}),
        "token_endpoint_auth_method": app.metadata.token_endpoint_auth_method,
        "grant_types": list(app.metadata.grant_types),
        "redirect_uris": list(app.metadata.redirect_uris),
        "scope": app.scope.text,
        "resource": list(app.audiences),
    }
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"
