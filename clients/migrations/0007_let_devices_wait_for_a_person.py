import common.clock
import django.db.models.deletion
from django.db import migrations, models


def leave_out_pattern_indexes(apps, schema_editor):
    """As in the first migration: nobody searches for half a digest."""
    schema_editor.deferred_sql = [
        one
        for one in schema_editor.deferred_sql
        if not ("_pattern_ops" in str(one) and one.references_table("clients_devicegrant"))
    ]


class Migration(migrations.Migration):

    dependencies = [
        ("clients", "0006_pushed_requests"),
    ]

    operations = [
        # Made anew: nothing was ever kept there.
        migrations.DeleteModel(name='DeviceGrant'),
        migrations.CreateModel(
            name='DeviceGrant',
            fields=[
                ('interval', models.IntegerField(default=5, verbose_name='interval')),
                ('expires', models.DateTimeField(verbose_name='expires')),
                ('status', models.CharField(blank=True, choices=[('authorized', 'Authorized'), ('authorization-pending', 'Authorization pending'), ('expired', 'Expired'), ('denied', 'Denied')], default='authorization-pending', max_length=64, verbose_name='status')),
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('user_digest', models.CharField(max_length=64, unique=True)),
                ('asked', models.TextField(blank=True)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('created', models.DateTimeField(default=common.clock.now, editable=False)),
                ('polled_at', models.DateTimeField(null=True)),
                ('hasty', models.BooleanField(default=False)),
                ('used_at', models.DateTimeField(null=True)),
                ('authorization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='device_grants', to='clients.authorization')),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='device_grants', to='clients.client')),
            ],
            options={
                'verbose_name': 'device code',
                'verbose_name_plural': 'device codes',
                'indexes': [models.Index(fields=['client', 'expires'], name='device_grant_of_client')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('authorization__isnull', False), ('status', 'authorized')), models.Q(('authorization__isnull', True), ('status__in', ['authorization-pending', 'denied']), ('used_at__isnull', True)), _connector='OR'), name='device_grant_has_what_was_allowed')],
            },
        ),
        migrations.RunPython(leave_out_pattern_indexes, migrations.RunPython.noop),
    ]
