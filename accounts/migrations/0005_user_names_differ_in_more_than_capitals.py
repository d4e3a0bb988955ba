from django.core.management.base import CommandError
from django.core.validators import MaxLengthValidator
from django.db import migrations, models
from django.db.models import Count
from django.db.models.functions import Lower

SHOWN = 20


def refuse_names_that_differ_in_capitals(apps, schema_editor):
    """Which of the two is renamed is for people to decide: apps and files may name them."""
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    lowered = users.annotate(lowered=Lower("username"))
    twice = lowered.values("lowered").annotate(number=Count("pk")).filter(number__gt=1).values("lowered")
    alike = lowered.filter(lowered__in=twice).values_list("lowered", "username")
    names = [name for _lowered, name in sorted(alike)]
    if names:
        told = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
        raise CommandError(
            f"Some user names differ only in capitals: {told}. Rename all but one of each in the console of the version "
            "that runs now (Users), then migrate again; nothing of this migration was applied."
        )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_names_have_plurals'),
    ]

    operations = [
        migrations.RunPython(refuse_names_that_differ_in_capitals, migrations.RunPython.noop, elidable=True),
        migrations.AlterModelManagers(
            name='user',
            managers=[
            ],
        ),
        migrations.AlterField(
            model_name='user',
            name='address',
            field=models.TextField(blank=True, max_length=500, validators=[MaxLengthValidator(500)], verbose_name='postal address'),
        ),
        migrations.AlterConstraint(
            model_name='user',
            name='one_account_per_email',
            constraint=models.UniqueConstraint(Lower('email'), condition=models.Q(('email', ''), _negated=True), name='one_account_per_email', violation_error_message='Another account has this e-mail address.'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(Lower('username'), name='one_account_per_username', violation_error_message='Another account has this user name in other capitals.'),
        ),
    ]
