from django.db import migrations

from clients import triggers


def create_triggers(apps, schema_editor):
    triggers.create(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0002_access_tokens_without_a_constraint"),
        ("accounts", "0003_groups_and_attributes"),
    ]

    operations = [migrations.RunPython(create_triggers, migrations.RunPython.noop)]
