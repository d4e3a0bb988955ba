"""Schemathesis asks every operation that the OpenAPI document describes, with what fits it and with what does not.

Its plugin for pytest is switched off, for it slows every run: this is its Python API.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from tests.idp.api.caller import machine
from tests.idp.api.every_operation import OPERATIONS, prepared

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.any_database,
    pytest.mark.django_db,
    pytest.mark.usefixtures("world"),
]
CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 4}  # of each operation


@pytest.fixture(autouse=True)
def apps_register_themselves(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"


@pytest.mark.parametrize("mode", EXAMPLES)
def test_whatever_is_sent_is_answered_as_the_document_says(mode: GenerationMode) -> None:
    """By whoever may do everything, with the ids of what is there: nothing is refused before it is looked at."""
    load_all_checks()
    variables, everything = prepared(), machine(administers=("*",))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    checks = [CHECKS.get_one(name) for name in CHECKED]
    asked: dict[str, list[int]] = {}

    def ask(case: Any) -> None:
        with transaction.atomic():
            answer = case.call(headers={"Authorization": f"Bearer {everything.token}"})
            transaction.set_rollback(True)
        case.validate_response(answer, checks=checks)
        asked.setdefault(case.operation.definition.raw["operationId"], []).append(answer.status_code)

    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue  # nothing is sent that could be wrong
        fixed = {one.name: variables[one.name] for one in operation.path_parameters}
        kept = settings(
            max_examples=EXAMPLES[mode],
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        cases = operation.as_strategy(generation_mode=mode, path_parameters=fixed or None)
        with suppress(Unsatisfiable):  # where any text will do, none is wrong
            kept(given(case=cases)(ask))()
    if mode is GenerationMode.POSITIVE:
        assert set(asked) == set(OPERATIONS)
        assert sum(any(status < 300 for status in one) for one in asked.values()) > len(asked) / 2
