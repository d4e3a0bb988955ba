"""The kinds of apps there are, each as the metadata it begins with; and what a new client still lacks.

A preset is only a beginning: `clients.registration` judges what comes of it, as it judges everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clients.metadata import Audience, ClientMetadata
from clients.registration import with_default_audience
from projects.apis import apis_near
from projects.facts import ProjectFacts
from projects.scopes import SIGN_IN_SCOPES

CODE, REFRESH, OWN = "authorization_code", "refresh_token", "client_credentials"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
PEOPLE = "openid profile email offline_access"


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of app, in one sentence, and what such an app is registered with."""

    says: str
    metadata: ClientMetadata


# It proves nothing: PKCE and rotation, which every public client has, are its protection.
_PUBLIC = ClientMetadata(token_endpoint_auth_method="none", scope=PEOPLE)  # noqa: S106 - a method
PRESETS: dict[str, Preset] = {
    "web": Preset(
        "an app on a server, which people use in a browser and which keeps a secret",
        ClientMetadata(grant_types=(CODE, REFRESH), scope=PEOPLE, require_pkce=True),
    ),
    "spa": Preset(
        "an app that runs in the browser and has no server: public, PKCE, rotating refresh tokens",
        _PUBLIC.changed({"grant_types": (CODE, REFRESH)}),
    ),
    "native": Preset(
        "an app on a phone or a desktop: public, PKCE, rotating refresh tokens",
        _PUBLIC.changed({"grant_types": (CODE, REFRESH)}),
    ),
    "machine": Preset(
        "a service that asks for itself and signs nobody in",
        ClientMetadata(grant_types=(OWN,), introspection="none"),
    ),
    "device": Preset(
        "a device without a browser: people allow it on another one",
        _PUBLIC.changed({"grant_types": (DEVICE, REFRESH)}),
    ),
    "api": Preset(
        "an API that asks whether tokens sent to it are alive, and gets none itself",
        ClientMetadata(introspection="own"),
    ),
}


def begun(kind: str, **said: object) -> ClientMetadata:
    """The metadata of this kind of app, with what is said about this one."""
    return with_default_audience(PRESETS[kind].metadata.changed(said))


def gaps(wanted: ClientMetadata, project: ProjectFacts) -> list[str]:
    """Sentences that say what will be refused, or come out otherwise than expected, as it is registered now."""
    return [*_of_people(wanted, project), *_of_audiences(wanted), *_of_an_api(wanted)]


def _of_people(wanted: ClientMetadata, project: ProjectFacts) -> Iterator[str]:
    if not {CODE, DEVICE} & set(wanted.grant_types):
        return
    if "openid" not in wanted.scopes:
        yield _("Without the scope openid it gets no ID token, and never learns who signed in.")
    if REFRESH in wanted.grant_types and "offline_access" not in wanted.scopes:
        yield _("Without the scope offline_access it gets no refresh token.")
    if CODE in wanted.grant_types and all(_is_loopback(uri) for uri in wanted.redirect_uris):
        yield _("Its redirect URIs are on this machine only: nobody else can come back to it.")
    if project.testing:
        yield _("Its project is in testing: everybody but its test users is refused.")


def _is_loopback(uri: str) -> bool:
    return uri.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))


def _of_audiences(wanted: ClientMetadata) -> Iterator[str]:
    if not wanted.grant_types:
        return
    if not wanted.audience:
        if OWN in wanted.grant_types:
            yield _("Without an audience its tokens are for no API: aud is the client itself.")
        elif not SIGN_IN_SCOPES.keys() >= set(wanted.scopes):
            yield _("Without an audience its scopes of APIs are left out: its tokens are for signing in alone.")
        return
    if OWN in wanted.grant_types and not any(one.default for one in wanted.audience):
        yield _("None of its audiences is the default: its requests have to name one.")
    yield from _of_each(wanted.audience)


def _of_each(audiences: tuple[Audience, ...]) -> Iterator[str]:
    apis = apis_near([one.value for one in audiences])
    for one in audiences:
        if apis.resolve(one.value) is None:
            yield _(
                "%(api)s is no registered API: tokens for it carry no scopes of its own, and nobody acts for it."
            ) % {"api": one.value}


def _of_an_api(wanted: ClientMetadata) -> Iterator[str]:
    if not wanted.grant_types and not wanted.acts_for:
        yield _("It acts for no API: every token that is sent to it will seem inactive.")
