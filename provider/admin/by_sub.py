"""Finding people in the console by what the project of each row knows them by (`projects.sectors`)."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q, QuerySet
from django.utils.text import smart_split, unescape_string_literal

from clients.sectors import known_as
from projects.models import Project
from projects.sectors import PAIRWISE, PUBLIC, could_be_told

Of = Callable[[QuerySet[Project]], Q]  # the rows of these projects


def known_by(term: str, projects: QuerySet[Project], of: Of, path: str) -> Q:
    """Rows of these projects that are about whom each of them knows by this. `path`: from a row to a person's `sub`."""
    found = of(projects.filter(subject_type=PUBLIC)) & Q(**{path: term})
    for project in projects.filter(subject_type=PAIRWISE) if could_be_told(term) else ():
        person = known_as(term, project)
        if person is not None:
            found |= of(Project.objects.filter(pk=project.pk)) & Q(**{path: person.sub})
    return found


def word_of(search: str) -> str:
    """What was searched for, where it is one word or stands in quotes."""
    words = list(smart_split(search))
    quoted = len(words) == 1 and search[:1] in ("'", '"') and search[0] == search[-1] and len(search) > 1
    return unescape_string_literal(search) if quoted else search
