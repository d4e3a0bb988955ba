"""Commands as a door to the registrations: what they say becomes one refusal, with the option that is to blame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from common.command import WRONG_USE, Refused, kept_unless, whoever_runs_this
from projects.actors import Actor
from projects.problems import Problem, RegistrationError


def operator(command: str) -> Actor:
    return Actor.operator(command, whoever_runs_this())


@contextmanager
def registering(options: Mapping[str, str], *, dry_run: bool = False) -> Iterator[None]:
    """All of it, or nothing and a sentence. `options`: what a field of a problem is called here."""
    try:
        with kept_unless(dry_run):
            yield
    except RegistrationError as error:
        said = [_sentence(one, options) for one in error.problems]
        text = f"Nothing was changed. {said[0]}" if len(said) == 1 else "\n  ".join(["Nothing was changed:", *said])
        problems = [(one.field, one.message) for one in error.problems]
        raise Refused(text, returncode=WRONG_USE, problems=problems) from None


def _sentence(problem: Problem, options: Mapping[str, str]) -> str:
    where = options.get(problem.name, problem.name)
    return f"{where}: {problem.message}" if where else problem.message
