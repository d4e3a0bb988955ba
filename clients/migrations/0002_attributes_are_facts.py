from django.db import migrations

from clients import triggers


def create_triggers(apps, schema_editor):
    triggers.create(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0001_first_release"),
        ("accounts", "0003_groups_and_attributes"),
    ]

    operations = [migrations.RunPython(create_triggers, migrations.RunPython.noop)]
