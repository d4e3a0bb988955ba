from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "idp.accounts"
    label = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        import idp.accounts.sign_in  # noqa: F401 - every sign-in gets its row
