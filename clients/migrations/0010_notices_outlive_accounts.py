from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def copy_from_the_sign_in(apps, schema_editor):
    notice, sign_in = apps.get_model("clients", "LogoutNotice"), apps.get_model("accounts", "SignIn")
    sub = sign_in.objects.filter(pk=OuterRef("sign_in_id")).values("user__sub")[:1]
    notice.objects.update(sid=F("sign_in_id"), sub=Subquery(sub))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("clients", "0009_longest_lifetimes_are_indexed"),
    ]

    operations = [
        migrations.AddField("logoutnotice", "sid", models.UUIDField(null=True)),
        migrations.AddField("logoutnotice", "sub", models.UUIDField(null=True)),
        migrations.RunPython(copy_from_the_sign_in, migrations.RunPython.noop, elidable=True),
        migrations.RemoveConstraint("logoutnotice", "client_is_told_once_of_a_sign_in"),
        migrations.RemoveField("logoutnotice", "sign_in"),
        migrations.AlterField("logoutnotice", "sid", models.UUIDField()),
        migrations.AlterField("logoutnotice", "sub", models.UUIDField()),
        migrations.AddConstraint(
            "logoutnotice",
            models.UniqueConstraint(fields=["sid", "client"], name="client_is_told_once_of_a_sign_in"),
        ),
    ]
