from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("projects", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="apiscope",
            name="sensitive",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Marked on the consent page; whoever allows it gets a mail that says so.",
                verbose_name="sensitive",
            ),
        ),
    ]
