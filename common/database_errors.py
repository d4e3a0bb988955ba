"""Database errors that an operator can fix: missing tables, or a database that cannot be reached."""

from __future__ import annotations

from django.db import Error, InterfaceError, OperationalError, ProgrammingError

# PostgreSQL's codes for a table, a column and a schema that are not there (its manual, appendix A).
_UNDEFINED = {"42P01", "42703", "3F000"}
# What may be over in a moment, for whoever tries again and again.
DATABASE_TROUBLE = (OperationalError, InterfaceError, ProgrammingError)
_READ_ONLY = "25006"  # a write to a standby, or to a database that an operator set to read only


def lacks_tables(error: Error) -> bool:
    """Whether tables, or columns of a newer version, are missing."""
    if sqlstate := getattr(error.__cause__, "sqlstate", None):
        return sqlstate in _UNDEFINED
    return str(error).startswith(("no such table", "no such column")) or " has no column named " in str(error)


def is_read_only(error: BaseException | None) -> bool:
    """Whether PostgreSQL refused a write because it only reads. Django takes that for an error inside the database."""
    return getattr(getattr(error, "__cause__", None), "sqlstate", None) == _READ_ONLY


def is_outage(error: BaseException | None) -> bool:
    """Whether the database cannot be used now, and may be later."""
    return isinstance(error, (OperationalError, InterfaceError)) or is_read_only(error)


def is_for_the_operator(error: Error) -> bool:
    """Whether the operator can fix it. Any other error is a mistake of ours."""
    return is_outage(error) or lacks_tables(error)


def advice(error: Error) -> str:
    """One line: what is wrong, and what to do."""
    if lacks_tables(error):
        return "The database lacks tables of this version. Run 'manage.py migrate' first."
    return f"The database cannot be used: {one_line(error)}. Check DATABASE_URL, and whether the database runs."


def one_line(error: Error) -> str:
    """The error's text without the line breaks that drivers write, and without its full stop."""
    return " ".join(str(error).split()).rstrip(".?")
