from django.db import migrations

from clients import triggers


def create(apps, schema_editor):
    triggers.create(schema_editor.connection)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0005_client_knows_who_disabled_it"),
        ("projects", "0002_scopes_may_be_sensitive"),
    ]

    operations = [migrations.RunPython(create, drop)]
