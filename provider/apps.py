from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProviderConfig(AppConfig):
    name = "provider"
    verbose_name = _("OpenID provider")

    def ready(self) -> None:
        import provider.logout_notices
        import provider.upstream_ends  # noqa: F401 - a connector takes offline access with it
