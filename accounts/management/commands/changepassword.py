"""`manage.py changepassword`: Django's command, which also ends every sign-in made with the old password."""

from __future__ import annotations

import getpass

from django.contrib.auth.management.commands import changepassword

from accounts import notices
from accounts.models import User


class Command(changepassword.Command):
    def handle(self, *args: object, **options: object) -> str | None:
        output = super().handle(*args, **options)
        user = User.objects.get(username=options["username"] or getpass.getuser())
        notices.password_replaced(user)
        return output
