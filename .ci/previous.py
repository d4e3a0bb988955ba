"""The previous release on the tables of the code at hand: its own journey through everything has to go well.

    python .ci/previous.py            make previous

It is checked out into a directory of its own, with the packages it pins. Where DATABASE_URL names PostgreSQL (as
.ci/postgres.py has it), tables are made there, else in SQLite. Without a release before, it says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).parent.parent
JOURNEY = "tests/test_next_schema.py"


def previous_tag(repository: Path) -> str | None:
    """The highest version tag before this commit; the one that it has itself does not count."""
    tags = _git(repository, "tag", "--list", "v[0-9]*", "--merged", "HEAD", "--sort=-version:refname").split()
    here = set(_git(repository, "tag", "--list", "--points-at", "HEAD").split())
    return next((tag for tag in tags if tag not in here), None)


def run(repository: Path, tag: str) -> int:
    with tempfile.TemporaryDirectory(prefix="vestibule-previous-") as folder:
        old = Path(folder, "code")
        _git(repository, "worktree", "add", "--detach", str(old), tag)
        try:
            subprocess.run([".ci/venv", "dev"], cwd=old, check=True)
            tables = _new_tables(repository, folder)
            asked = [".venv/bin/python", "-m", "pytest", "-q", "-n0", JOURNEY]
            return subprocess.run(
                asked, cwd=old, env={**os.environ, "VESTIBULE_TABLES": tables}, check=False
            ).returncode
        finally:
            _git(repository, "worktree", "remove", "--force", str(old))


def _new_tables(repository: Path, folder: str) -> str:
    """A database that the code at hand migrated: a file of SQLite, or the name of one of PostgreSQL."""
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        name = f"test{urlsplit(url).path.replace('/', '_')}_new"  # .ci/postgres.py drops what is called so
        made = f"{url.rpartition('/')[0]}/{name}"
        with psycopg.connect(f"{url.rpartition('/')[0]}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
    else:
        name = str(Path(folder, "new.sqlite3"))
        made = f"sqlite:///{name}"
    environment = {**os.environ, "DATABASE_URL": made, "IDP_ISSUER": "http://localhost:8000"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=repository, env=environment, check=True)
    return name


def _git(repository: Path, *arguments: str) -> str:
    asked = ["git", "-c", "safe.directory=*", *arguments]
    there = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # a hook names another
    return subprocess.run(asked, cwd=repository, env=there, check=True, capture_output=True, text=True).stdout


def main() -> int:
    tag = previous_tag(ROOT)
    if tag is None:
        print("There is no release before this commit: nothing to run.")
        return 0
    print(f"{tag} on the tables of this commit:", flush=True)
    return run(ROOT, tag)


if __name__ == "__main__":
    sys.exit(main())
