"""What is of no project: people, signing keys, and the events of everybody."""

from __future__ import annotations

from allauth.account import app_settings

from idp.api.problems import not_found, refused
from idp.api.resource import Resource


class ProviderWide(Resource):
    """For superusers, and for machines that were given every project. To change it they have just proved who they are,
    as in the console."""

    fresh_within = app_settings.REAUTHENTICATION_TIMEOUT

    def refuse_others(self, *, hidden: bool = False) -> None:
        """Before anything is looked at. `hidden`: what has an id is not there, for whoever may not know of it."""
        if self.by.roles.is_superuser:
            return
        raise (
            not_found() if hidden else refused("forbidden", "This is for superusers, and for clients of all projects.")
        )
