from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        import accounts.checks
        import accounts.emails  # addresses are kept in one form
        import accounts.notices
        import accounts.sign_in  # noqa: F401 - every sign-in gets its row
