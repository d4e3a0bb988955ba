"""What the fields of connectors may say, in words for people."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """How the provider is spoken to that people come from."""

    OIDC = "oidc", _("OpenID Connect")
    GOOGLE = "google", "Google"
    GITHUB = "github", "GitHub"
    ENTRA = "entra", "Microsoft Entra"
    SAML = "saml", "SAML 2.0"
    LDAP = "ldap", "LDAP"


# Google and GitHub sign people in without a question, and do not say when they asked the last one.
ASK_AGAIN = (Kind.OIDC, Kind.ENTRA, Kind.SAML, Kind.LDAP)
# Those that say when somebody signed out there (`logout`).
TELLING = (Kind.OIDC, Kind.ENTRA, Kind.SAML)
# The members that mean something for a kind; those in the first list are needed.
COMMON = ("id", "name", "kind", "project", "enabled", "position", "domains", "creates_people")
OWNS = "owns_domains"  # not GitHub: it verified an address once, whoever has the mailbox now
MAPPED = ("trusts_email", "attributes", "groups_claim", "groups")
MEMBERS_OF: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Kind.OIDC: (("issuer", "client_id"), ("scope", "trusts_mfa", "mfa_acr_values", OWNS, *MAPPED)),
    Kind.GOOGLE: (("client_id",), ("trusts_mfa", "mfa_acr_values", OWNS, *MAPPED)),
    Kind.GITHUB: (("client_id",), ("issuer", "scope", *MAPPED)),
    Kind.ENTRA: (("tenant", "client_id"), ("scope", "trusts_mfa", "mfa_acr_values", OWNS, *MAPPED)),
    Kind.SAML: ((), ("metadata_uri", "metadata", "trusts_mfa", "mfa_acr_values", OWNS, *MAPPED)),
    Kind.LDAP: (("issuer", "search_base"), ("client_id", "search_filter", OWNS, *MAPPED)),
}
