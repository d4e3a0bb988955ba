from __future__ import annotations

from django.conf import settings
from django.db import migrations, models

from common.migrating import AddIndexWhileUsed


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0001_first_release"),
        ("clients", "0001_first_release"),
        ("projects", "0001_first_release"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexWhileUsed(
            model_name="authorization",
            index=models.Index(fields=["-created_at"], name="authorization_newest"),
        ),
    ]
