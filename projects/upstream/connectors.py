"""The connectors there are: read for a sign-in page with one statement, and for each step of a sign-in anew."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from accounts.normalization import mail_address
from common import issuer, sealing
from projects.upstream import saml_keys
from projects.upstream.choices import ASK_AGAIN
from projects.upstream.models import Connector
from projects.upstream.oidc import Party, issuer_of
from projects.upstream.wanted import wanted_by

PURPOSE = "secrets of connectors"
# Columns that no button needs: they may be long.
UNSEEN = ("secret", "saml_key", "saml_certificate", "metadata", "attributes", "groups")


def shown(request: HttpRequest, next_url: str | None = None) -> Sequence[Connector]:
    """Those that people may sign in by here, in the order of their buttons. Asked once for each request."""
    project = wanted_by(request, next_url).project
    known: dict[int | None, list[Connector]] = request.__dict__.setdefault("_connectors", {})
    if project not in known:
        here = Q(project=None) | Q(project=project) if project is not None else Q(project=None)
        known[project] = list(Connector.objects.filter(here, enabled=True).defer(*UNSEEN))
    return known[project]


def of_domain(connectors: Sequence[Connector], login: str) -> Connector | None:
    """Where the people of this mail domain go straight, whatever they typed before the @; or a domain alone."""
    domain = mail_address(login.strip() if "@" in login else f"@{login.strip()}").rpartition("@")[2]
    return next((one for one in connectors if domain in one.domains), None) if "." in domain else None


def that_ask_again(person: User) -> Sequence[Connector]:
    """Where this person can prove once more who they are: linked, and of a kind that asks on demand."""
    linked = SocialAccount.objects.filter(user=person).values("provider")
    return list(Connector.objects.filter(enabled=True, kind__in=ASK_AGAIN, key__in=linked).defer(*UNSEEN))


def enabled(key: str) -> Connector | None:
    return Connector.objects.filter(key=key, enabled=True).first()


def held(key: str) -> bool:
    """Whether it is enabled, and stays so until the transaction ends."""
    return Connector.objects.select_for_update().filter(key=key, enabled=True).values_list("pk").first() is not None


def secret_of(connector: Connector) -> str:
    """Raises sealing.Unreadable."""
    return sealing.unseal(PURPOSE, connector.secret) if connector.secret else ""


def saml_key_of(connector: Connector) -> str:
    """The key with which we sign what we say there, as PEM; empty: there is none. Raises sealing.Unreadable."""
    return sealing.unseal(saml_keys.PURPOSE, connector.saml_key) if connector.saml_key else ""


def reseal() -> int:
    """Encrypt every secret under the first of IDP_KEY_SECRETS. Returns how many there are; raises sealing.Unreadable,
    having changed nothing."""
    number = 0
    with transaction.atomic():
        for column, purpose in (("secret", PURPOSE), ("saml_key", saml_keys.PURPOSE)):
            rows = Connector.objects.select_for_update().exclude(**{column: ""}).order_by("pk")
            for key, sealed in list(rows.values_list("pk", column)):
                Connector.objects.filter(pk=key).update(**{column: sealing.reseal(purpose, sealed)})
                number += 1
    return number


def callback_url(key: str) -> str:
    """Each connector has one of its own: an answer says by its address for whom it is (rule U1)."""
    return issuer.url_of(reverse("upstream_callback", args=[key]))


def logout_url(key: str) -> str:
    """Where the provider says that somebody signed out there."""
    return issuer.url_of(reverse("upstream_logout", args=[key]))


def metadata_url(key: str) -> str:
    """What we are called at a provider of SAML, and where it finds what we are."""
    return issuer.url_of(reverse("upstream_metadata", args=[key]))


def party(connector: Connector) -> Party:
    """We, as the provider there knows us. Raises sealing.Unreadable."""
    return Party(
        issuer=issuer_of(connector.kind, connector.issuer, connector.tenant),
        client_id=connector.client_id,
        secret=secret_of(connector),
        redirect_uri=callback_url(connector.key),
        scope=connector.scope,
        kind=connector.kind,
    )
