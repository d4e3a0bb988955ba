"""What must never be stored of projects and APIs, whoever writes the row."""

from __future__ import annotations

from django.db import models

from projects.choices import (
    ConsentMode,
    CrossClient,
    GuestApps,
    Profile,
    Shared,
    SignIn,
    Status,
    SubjectType,
    TokenFormat,
)
from projects.rules import LONGEST_LIFETIME

PROJECT: list[models.BaseConstraint] = [
    models.CheckConstraint(
        condition=models.Q(consent_mode__in=ConsentMode.values), name="project_consent_mode_is_known"
    ),
    models.CheckConstraint(
        condition=models.Q(cross_client__in=CrossClient.values), name="project_cross_client_is_known"
    ),
    models.CheckConstraint(condition=models.Q(status__in=Status.values), name="project_status_is_known"),
    models.CheckConstraint(condition=models.Q(profile__in=["", *Profile.values]), name="project_profile_is_known"),
    models.CheckConstraint(
        condition=models.Q(longest_grant__isnull=True)
        | models.Q(longest_grant__gt=0, longest_grant__lte=LONGEST_LIFETIME),
        name="project_longest_grant_is_bounded",
    ),
    models.CheckConstraint(condition=models.Q(guest_apps__in=GuestApps.values), name="project_guest_apps_is_known"),
    models.CheckConstraint(
        condition=models.Q(guest_longest_grant__isnull=True)
        | models.Q(guest_longest_grant__gt=0, guest_longest_grant__lte=LONGEST_LIFETIME),
        name="project_guest_longest_grant_is_bounded",
    ),
    models.CheckConstraint(condition=models.Q(sign_in__in=SignIn.values), name="project_sign_in_is_known"),
    models.CheckConstraint(
        condition=models.Q(subject_type=SubjectType.PUBLIC)
        | (models.Q(subject_type=SubjectType.PAIRWISE) & ~models.Q(subject_salt="")),
        name="project_subjects_are_known",
    ),
    models.UniqueConstraint(
        fields=["subject_salt"], condition=~models.Q(subject_salt=""), name="project_subject_salt_is_its_own"
    ),
]

API: list[models.BaseConstraint] = [
    models.UniqueConstraint(fields=["canonical"], name="one_api_per_identifier"),
    models.CheckConstraint(condition=~models.Q(canonical=""), name="api_has_an_identifier"),
    models.CheckConstraint(condition=models.Q(token_format__in=TokenFormat.values), name="api_token_format_is_known"),
    models.CheckConstraint(condition=models.Q(shared__in=Shared.values), name="api_shared_is_known"),
    models.CheckConstraint(
        condition=models.Q(token_lifetime__isnull=True)
        | models.Q(token_lifetime__gt=0, token_lifetime__lte=LONGEST_LIFETIME),
        name="api_token_lifetime_is_bounded",
    ),
]
