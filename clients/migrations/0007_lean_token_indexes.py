import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLES = ("clients_accesstoken", "clients_grant", "clients_refreshtoken", "clients_revokedtoken")


def drop_pattern_indexes(apps, schema_editor):
    """Django gives every text that is a key a second index for LIKE; nobody searches for half a digest."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s)"
            r" AND indexname LIKE '%%\_like'",
            [list(TABLES)],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0006_facts_have_a_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="authorization",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="authorizations",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(model_name="revokedtoken", name="expires", field=models.DateTimeField()),
        migrations.RunPython(drop_pattern_indexes, migrations.RunPython.noop),
    ]
