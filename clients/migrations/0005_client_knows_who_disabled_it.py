from typing import Any

from django.db import migrations, models


def keep_disabled(apps: Any, _schema_editor: Any) -> None:
    """Who disabled these is not known for sure: a superuser looks at them before they work again."""
    apps.get_model("clients", "Client").objects.filter(enabled=False).update(disabled_by_superuser=True)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0004_logout_notices"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="disabled_by_superuser",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.RunPython(keep_disabled, migrations.RunPython.noop, elidable=True),
    ]
