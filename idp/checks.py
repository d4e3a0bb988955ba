"""Policy as system checks: `manage.py check --deploy` says what a deployment should not keep."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from clients.models import SigningKey
from clients.models.keys import KeyState
from idp import health
from idp.environment import Environment
from idp.variables import misspelt

MAIL_ENDS = {
    "console": "E-mail is written to the console.",
    "filebased": "E-mail is written to files.",
    "locmem": "E-mail is kept in memory and sent to nobody.",
    "dummy": "E-mail is thrown away.",
}


@register(Tags.compatibility)
def variables_are_known(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """A misspelt variable is one that was never set, and nothing else would say so."""
    hint = "docs/operations.md lists them. Correct its name, or unset it."
    return [Warning(sentence, hint=hint, id="idp.W007") for sentence in misspelt(Environment.read)]


@register(Tags.security, deploy=True)
def legacy_query_credentials(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Credentials in URIs end up in logs, histories and Referer headers."""
    if not settings.IDP_LEGACY_QUERY_CREDENTIALS:
        return []
    return [
        Warning(
            "IDP_LEGACY_QUERY_CREDENTIALS accepts client credentials in URIs, where logs keep them.",
            hint="Move the apps that need it to the request body or HTTP Basic, then unset it.",
            id="idp.W001",
        )
    ]


@register(Tags.security, deploy=True)
def legacy_response_types(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Tokens in addresses end up in histories and scripts, and nothing binds them to who asked (RFC 9700 2.1.2)."""
    if not settings.IDP_LEGACY_RESPONSE_TYPES:
        return []
    return [
        Warning(
            "IDP_LEGACY_RESPONSE_TYPES lets clients get tokens through the browser (implicit and hybrid flows).",
            hint="Move the apps that need it to response_type=code, then unset it.",
            id="idp.W010",
        )
    ]


@register(Tags.security, deploy=True)
def loopback_documents(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Anybody could have this machine ask itself, at any port."""
    if not settings.IDP_LOOPBACK_CLIENT_DOCUMENTS:
        return []
    return [
        Error(
            "IDP_LOOPBACK_CLIENT_DOCUMENTS takes documents of clients from this machine, for developers.",
            hint="Unset it: no deployment needs it.",
            id="idp.E001",
        )
    ]


@register(Tags.security, deploy=True)
def legacy_assertion_audience(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Another provider may call our token endpoint its own, and get assertions that are good here (RFC 10070)."""
    if not settings.IDP_LEGACY_ASSERTION_AUDIENCE:
        return []
    return [
        Warning(
            "IDP_LEGACY_ASSERTION_AUDIENCE accepts assertions for the token endpoint, which other providers can get.",
            hint="Have the apps that need it write the issuer as aud, then unset it.",
            id="idp.W013",
        )
    ]


@register(Tags.security, deploy=True)
def anybody_may_register(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Open registration of apps is what a provider for agents is for, and nothing that comes about by accident."""
    if settings.IDP_DYNAMIC_REGISTRATION != "guests":
        return []
    return [
        Warning(
            "IDP_DYNAMIC_REGISTRATION=guests lets anybody register an app, under any name.",
            hint="Projects let guests in one by one. If that is what you want, silence this warning.",
            id="idp.W014",
        )
    ]


@register(Tags.security, deploy=True)
def trusted_proxies_are_set(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Without them everybody behind the proxy has its address: a hundred wrong passwords stop all new browsers."""
    if settings.IS_LOCAL or settings.IDP_TRUSTED_PROXIES:
        return []
    return [
        Warning(
            "IDP_TRUSTED_PROXIES is empty, so every request seems to come from the reverse proxy.",
            hint="Set it to the proxy's address, so that limits on guesses tell people apart.",
            id="idp.W003",
        )
    ]


@register(Tags.security, deploy=True)
def trusted_proxies_are_few(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Whoever is believed chooses the address that limits on guesses count, and what their certificate is."""
    wide = [one for one in settings.IDP_TRUSTED_PROXIES if ipaddress.ip_network(one).prefixlen < 8]
    return [
        Warning(
            f"IDP_TRUSTED_PROXIES has {one}: whoever comes from there may say to be anybody else.",
            hint="Name the addresses of your proxies, or the network that only they are in.",
            id="idp.W016",
        )
        for one in wide
    ]


@register(Tags.security, deploy=True)
def mail_is_sent(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """A password reset that goes nowhere helps nobody, and in a log it shows its link to whoever reads the log."""
    kind = settings.IDP_MAIL_BACKEND.split(".")[-2]
    problem = MAIL_ENDS.get(kind, "")
    if kind == "smtp" and not settings.EMAIL_HOST:
        problem = "EMAIL_URL names no mail server, so no e-mail is sent."
    if settings.IS_LOCAL or not problem:
        return []
    hint = "Set EMAIL_URL, for example smtp+tls://user:password@mail.example.com:587."
    return [Warning(problem, hint=hint, id="idp.W002")]


@register(Tags.security, deploy=True)
def cache_is_shared(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """With a cache for each process, a code of an authenticator app works once in each, and guesses multiply."""
    if settings.IS_LOCAL or not str(settings.CACHES["counters"]["BACKEND"]).endswith("Memory"):
        return []
    return [
        Warning(
            "CACHE_URL is empty, so each process counts guesses and remembers used codes for itself.",
            hint="Set it to a cache that all processes share, for example redis://cache.example.com:6379/0.",
            id="idp.W004",
        )
    ]


@register(Tags.security, deploy=True)
def certificates_come_from_a_proxy(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Half of the settings for client certificates: nobody is let in by mistake, and nobody is let in at all."""
    found = []
    if settings.IDP_CLIENT_CERTIFICATE_HEADER and not settings.IDP_TRUSTED_PROXIES:
        found.append("IDP_CLIENT_CERTIFICATE_HEADER is believed from nobody: IDP_TRUSTED_PROXIES is empty.")
    for name in ("IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER", "IDP_MTLS_URL"):
        if getattr(settings, name) and not settings.IDP_CLIENT_CERTIFICATE_HEADER:
            found.append(f"{name} does nothing: IDP_CLIENT_CERTIFICATE_HEADER is not set.")
    return [Warning(problem, hint="See docs/operations.md, Client certificates.", id="idp.W011") for problem in found]


@register(Tags.security, deploy=True)
def headers_of_certificates_have_one_spelling(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """The server takes `Client_Cert` for `Client-Cert`. A proxy that lets it through lets callers forge the header."""
    names = (settings.IDP_CLIENT_CERTIFICATE_HEADER, settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER)
    return [
        Warning(
            f"{name} may be sent as {name.replace('-', '_')}, too.",
            hint="Choose a name without dashes, or have the proxy drop that one and silence this warning.",
            id="idp.W012",
        )
        for name in names
        if "-" in name
    ]


@register(Tags.security, deploy=True)
def metrics_are_for_few(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Names of projects and how busy each is: no secret, and nothing for everybody."""
    listen = settings.IDP_METRICS_LISTEN
    if listen is None or not ipaddress.ip_address(listen[0]).is_unspecified:
        return []
    return [
        Warning(
            "IDP_METRICS_LISTEN answers at every address of this machine, and asks nobody who they are.",
            hint="Name the one address where Prometheus asks, or let nobody else in and silence this warning.",
            id="idp.W015",
        )
    ]


@register(Tags.security, deploy=True)
def issuer_is_set(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """With only some of a deployment's variables set, tokens would carry the demo's address as issuer."""
    if not settings.IDP_ISSUER_FORGOTTEN:
        return []
    return [
        Warning(
            f"DATABASE_URL names a database, but IDP_ISSUER is not set, so it is {settings.IDP_ISSUER}.",
            hint="Set IDP_ISSUER to the public address, for example https://id.example.com.",
            id="idp.W005",
        )
    ]


@register(Tags.security, deploy=True)
def keys_open(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """The secrets are not those that keys were sealed under: servers would sign nothing, now or after a rotation."""
    try:
        keys = list(SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT]))
    except DatabaseError:  # not there yet, or not reachable: other commands say so
        return []
    return [
        Warning(problem, hint="Start servers with every secret that a key needs.", id="idp.W008")
        for problem in health.that_do_not_open(keys)
    ]
