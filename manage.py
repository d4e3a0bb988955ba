#!/usr/bin/env python
"""Vestibule's command line: `python manage.py help`."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import Error, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory

import idp
from common.database_errors import advice, is_for_the_operator
from common.unreleased import is_unreleased, start_anew

VERSION = ("--version", "version")
INTERRUPTED = 130

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in VERSION:  # Django would say its own
        print(f"Vestibule {idp.VERSION}")  # noqa: T201
        sys.exit()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:  # before a command of ours began, or in one of Django's
        sys.exit(INTERRUPTED)
    except EOFError:
        sys.exit("This command asks for something: run it in a terminal. Nothing was changed.")
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")  # a sentence that names the variable; where in our code it was read helps nobody
    except Error as error:  # of Django's own commands
        if not is_for_the_operator(error):
            raise
        sys.exit(advice(error))
    except InconsistentMigrationHistory:
        if not is_unreleased(connection):
            raise
        sys.exit(start_anew(connection))
