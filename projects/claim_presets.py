"""Rows that programs need, to begin a claim table with. docs/integrate.md has what is set at the program itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from projects.claim_table import GROUPS, ID_TOKEN, PLACES, ROLES, ClaimRow


@dataclass(frozen=True, slots=True)
class Preset:
    words: str | Promise
    rows: tuple[ClaimRow, ...]


_ROLES = ClaimRow(name="roles", source=ROLES)
_GROUPS = ClaimRow(name="groups", source=GROUPS)
PRESETS: Mapping[str, Preset] = {
    "groups": Preset(_("All groups, as Argo CD, GitLab, JupyterHub, MLflow and Vault read them"), (_GROUPS,)),
    "roles-as-groups": Preset(
        _("Roles of this project under the name groups, for programs that know no roles"),
        (ClaimRow(name="groups", source=ROLES, scope="groups"),),
    ),
    "roles": Preset(_("Roles, as Grafana, Superset and Django read them"), (_ROLES,)),
    "kubernetes": Preset(
        _("Kubernetes: groups in the ID token alone"), (ClaimRow(name="groups", source=GROUPS, told_in=(ID_TOKEN,)),)
    ),
    "api": Preset(
        _("Roles in access tokens and introspection, for this project's own APIs"),
        (ClaimRow(name="entitlements", source=ROLES, told_in=PLACES[2:]),),
    ),
}
