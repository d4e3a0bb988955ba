"""How the lists of the console count their rows, and where a row leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    Pages = Paginator[Model]
else:
    Pages = Paginator

MOST = 10_000  # rows that are counted, and that one may turn to: filters and the search lead to the others


class FirstRows(Pages):
    """Nobody turns ten thousand pages, and to count a million rows takes seconds."""

    object_list: QuerySet[Model]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:MOST].count()


class Rows(ChangeList):
    """A row leads to the first tab of what it is about, where that has tabs."""

    @property
    def offers_all(self) -> bool:
        """Whether all that were found may be chosen at once: no more than are counted, and than are done at once."""
        most = min(getattr(self.model_admin, "most_at_once", 0), MOST - 1)
        return len(self.result_list) < self.result_count <= most

    def url_for_result(self, result: Model) -> str:
        page = getattr(self.model_admin, "first_page", "change")
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=[quote(result.pk)])


def in_words(rows: str, number: int) -> str:
    return rows if number < MOST else _("%(rows)s or more. To see others, search or choose filters.") % {"rows": rows}
