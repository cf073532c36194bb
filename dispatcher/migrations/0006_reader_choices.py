"""When a reader wants digests, what waits for them, and which links to their page hold."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0005_left_by"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriber",
            name="paused_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="link_version",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="digest_hour",
            field=models.PositiveSmallIntegerField(db_default=8, default=8),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="digest_weekday",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="urgent_at_once",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddConstraint(
            model_name="subscriber",
            constraint=models.CheckConstraint(
                condition=models.Q(digest_hour__lt=24, digest_weekday__lt=7),
                name="subscriber_digest_time_exists",
            ),
        ),
    ]
