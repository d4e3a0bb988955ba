"""The house stands as planned: layers, fences, the table, the seam with the toolkit, and sizes to read in one sitting.

An import counts wherever it stands: at the top, inside a function, under TYPE_CHECKING. What is not an import does
not count: names of apps and models in settings, in foreign keys and in templates.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import models
from django.test import Client as Http
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize
from oauth2_provider import models as toolkit_models
from oauth2_provider import settings as toolkit_settings
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2 import RequestValidator
from packaging.requirements import Requirement

from clients import models as our_models
from clients.models.choices import GrantType
from idp import discovery
from provider.grants import GRANTS
from provider.protocol import AT_AUTHORIZATION, AT_TOKEN, authorization
from provider.toolkit import Backend, Server, Validator
from tests.world import App, Browser

ROOT = Path(__file__).parent.parent
LAYERS = ["common", "accounts", "projects", "clients", "provider", "idp"]  # each knows those before it


# --- Reading the code ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """A Python file of the product."""

    path: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def text(self) -> str:
        return (ROOT / self.path).read_text()

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(ast.parse(self.text))

    def imports(self) -> set[str]:
        """Every module this file imports, and every name it imports from one."""
        found = set()
        for node in self.nodes():
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{self.path}: write imports in full"
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return found


@cache
def sources() -> list[Source]:
    files = [path for tree in LAYERS for path in (ROOT / tree).rglob("*.py")]
    return [Source(path.relative_to(ROOT).as_posix()) for path in sorted(files)]


def below(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_there_is_something_to_look_at() -> None:
    assert len(sources()) > 50
    assert "provider.protocol" in {source.module for source in sources()}


# --- Layers --------------------------------------------------------------------------------------------------------


def layer_of(module: str) -> int | None:
    """Its place in LAYERS; None for what is not ours."""
    return next((index for index, layer in enumerate(LAYERS) if below(module, layer)), None)


def test_imports_only_point_left() -> None:
    wrong = [
        f"{source.path} imports {name}"
        for source in sources()
        for name in source.imports()
        if (theirs := layer_of(name)) is not None and theirs > (layer_of(source.module) or 0)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "layer"),
    [("common", 0), ("accounts.models.User", 1), ("accountsx", None), ("provider.store", 4), ("django", None)],
)
def test_a_layer_is_told_by_the_folder(module: str, layer: int | None) -> None:
    assert layer_of(module) == layer


def test_the_documents_draw_the_same_layers() -> None:
    assert " ← ".join(f"`{layer}`" for layer in LAYERS) in (ROOT / "README.md").read_text()
    picture = (ROOT / "docs" / "architecture.md").read_text().partition("```\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in picture.splitlines()] == LAYERS[::-1]


def test_nobody_needs_what_is_made_for_others() -> None:
    """The verifier is for APIs; that it needs nothing of ours is among its own tests."""
    assert [
        source.path for source in sources() if any(below(name, "vestibule_verifier") for name in source.imports())
    ] == []


def graph() -> dict[str, set[str]]:
    """Which of our modules each of them imports, wherever the import stands."""
    known = {source.module for source in sources()}

    def module_of(name: str) -> str | None:
        return name if name in known else next(iter({name.rpartition(".")[0]} & known), None)

    return {
        source.module: {found for name in source.imports() if (found := module_of(name)) not in (None, source.module)}
        for source in sources()
    }


def test_no_module_comes_back_to_itself() -> None:
    """No circles: whoever reads a module has finished before they meet it again. A CycleError names one."""
    assert len(list(TopologicalSorter(graph()).static_order())) == len(sources())


# Django reads models and checks after the apps are there, and settings before anything is.
LATE_IMPORTS = {"ready", "filter"}


def test_no_import_hides_in_a_function_to_avoid_a_circle() -> None:
    hidden = {
        f"{source.path}: {function.name}"
        for source in sources()
        for function in source.nodes()
        if isinstance(function, ast.FunctionDef) and function.name not in LATE_IMPORTS
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert hidden == set()


PURE = {
    "provider.protocol": (
        "provider.protocol",
        "common.client_url",
        "common.json_type",
        "projects.addresses",
        "projects.claim_table",
        "projects.facts",
        "projects.guests",
        "projects.matcher",
        "projects.scopes",
        "projects.sectors",
        "projects.sign_in",
    ),
    "projects.sectors": (),
    "projects.sign_in": ("common.json_type",),
    "common.client_url": (),
    "projects.matcher": (),
    "projects.scopes": (),
    "projects.addresses": ("projects.matcher",),
    "projects.claim_table": ("common.json_type",),
    "projects.facts": (
        "projects.addresses",
        "projects.claim_table",
        "projects.matcher",
        "projects.sectors",
        "projects.sign_in",
        "common.json_type",
    ),
    "projects.guests": ("projects.facts",),
    "projects.consent": (),
}


@pytest.mark.parametrize("package", PURE)
def test_the_pure_modules_import_the_standard_library_and_each_other_only(package: str) -> None:
    wrong = [
        f"{source.path} imports {name}"
        for source in sources()
        if below(source.module, package)
        for name in source.imports()
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(below(name, allowed) for allowed in PURE[package])
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PURE)
def test_the_pure_modules_work_without_django(package: str) -> None:
    """What they import imports nothing else either."""
    ask = f"import sys, {package}; print({{'django', 'oauthlib', 'oauth2_provider'}} & set(sys.modules) or 'none')"
    answer = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "none"


FENCE = ("clients.models", "clients.migrations", "provider.toolkit", "idp.urls")


def test_the_toolkit_stays_behind_its_fence() -> None:
    wrong = [
        f"{source.path} imports {name}"
        for source in sources()
        if not any(below(source.module, place) for place in FENCE)
        for name in source.imports()
        if name.partition(".")[0] in ("oauth2_provider", "oauthlib")
    ]
    assert wrong == []


# --- Sizes ---------------------------------------------------------------------------------------------------------

MAX_LINES = 250  # blank ones not counted
MAX_FUNCTION = 40
LONGER = {
    "idp/settings.py": "all configuration stands in one file, on purpose",
}


def lines(source: Source) -> int:
    return sum(1 for line in source.text.splitlines() if line.strip())


def written() -> list[Source]:
    return [source for source in sources() if ".migrations." not in source.module]


def test_files_can_be_read_in_one_sitting() -> None:
    long = {source.path: lines(source) for source in written() if lines(source) > MAX_LINES}
    assert {path: count for path, count in long.items() if path not in LONGER} == {}
    assert set(LONGER) <= set(long), "an exception nobody needs any more"
    assert all(count <= MAX_LINES * 1.4 for count in long.values())


def test_functions_can_be_read_at_a_glance() -> None:
    long = [
        f"{source.path}: {node.name}"
        for source in written()
        for node in source.nodes()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_FUNCTION
    ]
    assert long == []


# --- Types ---------------------------------------------------------------------------------------------------------

MOST_ANY = 10  # in 1,000 lines of the product, blank ones not counted; imports of it are


def test_any_is_for_what_others_left_untyped() -> None:
    """What nothing is known of is an `object`: whoever reads it has to ask what it is (decision 0125)."""
    verifier = [path.relative_to(ROOT).as_posix() for path in (ROOT / "verifier" / "vestibule_verifier").glob("*.py")]
    product = [*written(), *map(Source, verifier)]
    found = Counter({source.path: sum(map(anys, source.nodes())) for source in product})
    share = found.total() * 1000 / sum(map(lines, product))
    assert share < MOST_ANY, found.most_common(10)


def anys(node: ast.AST) -> int:
    if isinstance(node, ast.ImportFrom):
        return sum(alias.name == "Any" for alias in node.names)
    return isinstance(node, ast.Name) and node.id == "Any"


# --- The table -----------------------------------------------------------------------------------------------------


def test_every_offered_grant_is_in_the_table_and_the_other_way_round() -> None:
    offered = set(discovery.metadata()["grant_types_supported"])
    assert offered == set(GRANTS) == set(AT_TOKEN) == set(GrantType.values)
    assert all(GRANTS[name].steps is AT_TOKEN[name] for name in GRANTS)


def test_every_offered_response_type_is_served_and_the_other_way_round() -> None:
    offered = set(discovery.metadata()["response_types_supported"])
    assert offered == set(authorization.RESPONSE_TYPES)


def test_every_step_is_a_plain_function_of_the_protocol() -> None:
    for step in {*AT_AUTHORIZATION, *(step for steps in AT_TOKEN.values() for step in steps)}:
        assert inspect.isfunction(step)
        assert below(step.__module__, "provider.protocol")
        assert step.__doc__, step.__qualname__
        assert len(inspect.signature(step).parameters) == 1


# --- Protocol endpoints need no middleware -------------------------------------------------------------------------

PAGES = (
    *(
        "admin/",
        "accounts/",
        "oauth2/authorize",
        "openid/authorize",
        "oauth2/consent",
        "oauth2/logout",
        "openid/logout",
    ),
)


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    """Every concrete path of the deployment's own URLs, without those of the pages."""
    for pattern in patterns:
        path = str(pattern.pattern)
        concrete = normalize(path)[0][0] if path.startswith("^") else path
        if concrete and not concrete.startswith(PAGES):
            assert isinstance(pattern, URLPattern), f"{path}: look into it here"
            yield f"/{concrete}"


ENDPOINTS = sorted(set(routes(get_resolver().url_patterns)))


def test_the_endpoints_were_found() -> None:
    assert {"/oauth2/token", "/openid/token", "/oauth2/introspect", "/.well-known/jwks.json"} <= set(ENDPOINTS)
    assert not {"/", "/oauth2/authorize"} & set(ENDPOINTS)


@pytest.fixture
def bare(settings: Any) -> None:
    settings.MIDDLEWARE = []


def _answer(path: str, method: str) -> Any:
    return Http().generic(method, path)


@pytest.mark.any_database
@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_every_endpoint_answers_without_middleware(bare: None, keys: None, path: str, method: str) -> None:
    response = _answer(path, method)
    assert response.status_code < 500
    assert not 300 <= response.status_code < 400, "a POST would lose its body"


@pytest.mark.django_db
def test_the_whole_protocol_works_without_middleware(world: None, settings: Any) -> None:
    code = Browser("owner").code("web", scope="openid email offline_access")
    settings.MIDDLEWARE = []
    app = App("web")
    answer = app.exchange(code).json()
    assert app.refresh(answer["refresh_token"]).status_code == 200
    assert app.introspect(answer["access_token"]).json()["active"]
    assert app.userinfo(answer["access_token"]).json()["email"] == "owner@people.example"
    assert app.token(grant_type="client_credentials").status_code == 200
    assert app.post("/oauth2/revoke", {"token": answer["access_token"]}).status_code == 200
    assert not app.introspect(answer["access_token"]).json()["active"]
    for document in ("openid-configuration", "oauth-authorization-server", "jwks.json"):
        assert _answer(f"/.well-known/{document}", "GET").status_code == 200


# --- The seam with the toolkit and oauthlib ------------------------------------------------------------------------


def test_the_toolkit_is_the_one_the_seam_was_made_for() -> None:
    wanted = [Requirement(line) for line in _requirements() if line.startswith("django-oauth-toolkit")]
    assert [str(one.specifier) for one in wanted] == ["<3.5,>=3.4.1"]
    assert metadata.version("django-oauth-toolkit") in wanted[0].specifier


def _requirements() -> list[str]:
    return (ROOT / "requirements" / "base.in").read_text().splitlines()


def names(function: Any) -> list[str]:
    """Its positional parameters; a leading underscore only says that it is not used."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = inspect.signature(function).parameters.values()
    return [one.name.lstrip("_") for one in found if one.kind in kinds]


def own_methods(ours: type) -> dict[str, Any]:
    return {name: one for name, one in vars(ours).items() if inspect.isfunction(one)}


SUBCLASSES: list[tuple[type, type]] = [
    (Validator, RequestValidator),
    (Validator, OAuth2Validator),
    (Backend, OAuthLibCore),
]
# Underscore names of theirs that we override: as few as possible, each on purpose.
THEIR_PRIVATE_NAMES: set[str] = set()


@pytest.mark.parametrize(("ours", "theirs"), SUBCLASSES)
def test_what_we_override_is_called_as_we_expect(ours: type, theirs: type) -> None:
    """oauthlib says how its validator is called; where it says nothing, the toolkit does."""
    for name, method in own_methods(ours).items():
        original = getattr(theirs, name, None)
        if original is None or (theirs is OAuth2Validator and hasattr(RequestValidator, name)):
            continue
        assert names(method) == names(original), f"{ours.__name__}.{name}"


@pytest.mark.parametrize(("ours", "theirs"), SUBCLASSES)
def test_what_we_override_exists(ours: type, theirs: type) -> None:
    public = {name for name in own_methods(ours) if not name.startswith("_")}
    bases = [base for one, base in SUBCLASSES if one is ours]
    assert [name for name in public if not any(hasattr(base, name) for base in bases)] == []
    assert theirs in bases


def test_no_private_name_of_theirs_is_overridden_by_accident() -> None:
    private = {
        f"{ours.__name__}.{name}"
        for ours, theirs in SUBCLASSES
        for name in vars(ours)
        if name.startswith("_") and not name.startswith("__") and hasattr(theirs, name)
    }
    assert private == THEIR_PRIVATE_NAMES


def test_every_gate_of_the_security_best_practice_is_closed() -> None:
    gates = [name for name in toolkit_settings.DEFAULTS if name.startswith("COMPLIANT_BCP_RFC9700_")]
    assert len(gates) >= 10
    assert [name for name in gates if getattr(toolkit_settings.oauth2_settings, name) is not True] == []


def test_the_toolkit_uses_our_classes() -> None:
    used = toolkit_settings.oauth2_settings
    assert used.OAUTH2_SERVER_CLASS is Server
    assert used.OAUTH2_VALIDATOR_CLASS is Validator
    assert used.OAUTH2_BACKEND_CLASS is Backend
    assert used.REFRESH_TOKEN_GRACE_PERIOD_SECONDS == 0, "the grace window is ours"


SWAPPED: dict[type[models.Model], tuple[Callable[[], Any], type[models.Model]]] = {
    our_models.Client: (toolkit_models.get_application_model, toolkit_models.AbstractApplication),
    our_models.Grant: (toolkit_models.get_grant_model, toolkit_models.AbstractGrant),
    our_models.AccessToken: (toolkit_models.get_access_token_model, toolkit_models.AbstractAccessToken),
    our_models.RefreshToken: (toolkit_models.get_refresh_token_model, toolkit_models.AbstractRefreshToken),
    our_models.IDToken: (toolkit_models.get_id_token_model, toolkit_models.AbstractIDToken),
    our_models.DeviceGrant: (toolkit_models.get_device_grant_model, toolkit_models.AbstractDeviceGrant),
}


@pytest.mark.parametrize("ours", SWAPPED, ids=lambda model: model.__name__)
def test_every_model_of_the_toolkit_is_ours(ours: type[models.Model]) -> None:
    current, abstract = SWAPPED[ours]
    assert current() is ours
    taken_away = [name for name, value in vars(ours).items() if value is None and not name.startswith("_")]
    theirs = {field.name for field in abstract._meta.get_fields()}
    assert [name for name in taken_away if name not in theirs] == [], "taken away, but it was never there"
    assert not {field.name for field in ours._meta.get_fields()} & set(taken_away)


@pytest.mark.parametrize("model", [our_models.Grant, our_models.AccessToken, our_models.RefreshToken])
def test_no_model_keeps_a_code_or_a_token_in_clear(model: type[models.Model]) -> None:
    assert model._meta.pk is not None
    assert model._meta.pk.name == "digest"
    assert not {"code", "token"} & {field.name for field in model._meta.get_fields()}


def test_the_system_checks_have_nothing_to_say() -> None:
    assert run_checks() == []
