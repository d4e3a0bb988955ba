"""django-allauth's adapter for social accounts: its apps are our connectors, and there is no second table of them."""

from __future__ import annotations

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base import Provider
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from projects.upstream.models import Connector
from projects.upstream.provider import app_of


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def get_provider(self, request: HttpRequest | None, provider: str, client_id: str | None = None) -> Provider:
        """By the row of this key alone: allauth asks first for a provider that is called so, and a key may be `saml`.

        Raises SocialApp.DoesNotExist, ImproperlyConfigured.
        """
        app = self.get_app(request, provider, client_id)
        kind = registry.get_class(app.provider)
        if kind is None:
            raise ImproperlyConfigured(f"unknown provider: {app.provider}")
        found: Provider = kind(request, app=app)
        return found

    def list_apps(
        self, request: HttpRequest | None, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The enabled ones; `provider` is the key of one."""
        rows = Connector.objects.filter(enabled=True)
        if provider is not None:
            rows = rows.filter(key=provider)
        if client_id is not None:
            rows = rows.filter(client_id=client_id)
        return [app_of(one) for one in rows]

    def get_app(self, request: HttpRequest | None, provider: str, client_id: str | None = None) -> SocialApp:
        """Raises SocialApp.DoesNotExist: there is none, or it is disabled."""
        found = self.list_apps(request, provider, client_id)
        if not found:
            raise SocialApp.DoesNotExist
        return found[0]
