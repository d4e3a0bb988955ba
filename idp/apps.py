from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class IdpConfig(AppConfig):
    name = "idp"
    verbose_name = "Vestibule"

    def ready(self) -> None:
        import idp.checks
        import idp.scim.ends  # noqa: F401


class ConsoleConfig(SimpleAdminConfig):
    """The admin without autodiscovery: the toolkit's own admin pages would show what we do not store."""

    default_site = "idp.admin_site.ConsoleSite"

    def ready(self) -> None:
        super().ready()
        import accounts.admin  # noqa: F401
        import projects.upstream.admin  # noqa: F401
        import provider.admin  # noqa: F401
