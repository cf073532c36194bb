"""Who did what to a dispatch, and what broke a batch. What was released before is entered in the acts."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

ENTER_RELEASES = """
INSERT INTO dispatcher_act (dispatch_id, at, by, what, note)
SELECT id, released_at, released_by, 'released', '' FROM dispatcher_dispatch
"""


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0002_following"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="fault",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddField(
            model_name="batch",
            name="faults",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name="Act",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("by", models.CharField(max_length=150)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("released", "Released"),
                            ("paused", "Paused"),
                            ("resumed", "Resumed"),
                            ("cancelled", "Cancelled"),
                            ("sent the rest", "Sent Rest"),
                            ("took as accepted", "Accepted"),
                        ],
                        max_length=20,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "dispatch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="acts", to="dispatcher.dispatch"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(ENTER_RELEASES, migrations.RunSQL.noop),
    ]
