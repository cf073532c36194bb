"""Digests: when readers want them, which briefs they are still to get in one, and what each one held."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

_KEY = django.db.models.deletion


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0008_receipts"),
    ]

    operations = [
        migrations.AddField("subscriber", "digest_hour", models.PositiveSmallIntegerField(db_default=8, default=8)),
        migrations.AddField("subscriber", "digest_weekday", models.PositiveSmallIntegerField(db_default=0, default=0)),
        migrations.AddField("subscriber", "urgent_at_once", models.BooleanField(db_default=True, default=True)),
        migrations.AddConstraint(
            "subscriber",
            models.CheckConstraint(
                condition=models.Q(("digest_hour__lte", 23), ("digest_weekday__lte", 6)),
                name="subscriber_digest_time",
            ),
        ),
        migrations.AddIndex(
            "subscription",
            models.Index(
                condition=models.Q(("ended_at", None), models.Q(("cadence", "at once"), _negated=True)),
                fields=["subscriber"],
                include=("match", "topics", "except_topics"),
                name="subscription_of_digest",
            ),
        ),
        migrations.AddIndex(
            "subscription",
            models.Index(
                condition=models.Q(
                    models.Q(("ended_at", None), _negated=True), models.Q(("cadence", "at once"), _negated=True)
                ),
                fields=["ended_at"],
                name="subscription_digest_ended",
            ),
        ),
        migrations.CreateModel(
            name="DigestRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cadence", models.CharField(choices=[("daily", "Daily"), ("weekly", "Weekly")], max_length=8)),
                ("window", models.DateTimeField()),
                ("since", models.DateTimeField()),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("holder", models.CharField(blank=True, max_length=32)),
                ("lease_until", models.DateTimeField(null=True)),
                ("letters", models.PositiveIntegerField(default=0)),
                ("readers", models.PositiveIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("cadence", "window"), name="digest_run_once"),
                ],
            },
        ),
        migrations.AlterField(
            "dispatch", "brief",
            models.ForeignKey(null=True, on_delete=_KEY.PROTECT, related_name="dispatches", to="dispatcher.brief"),
        ),
        migrations.AlterField(
            "dispatch", "revision",
            models.ForeignKey(null=True, on_delete=_KEY.PROTECT, related_name="+", to="dispatcher.revision"),
        ),
        migrations.AddField(
            "dispatch", "run",
            models.ForeignKey(null=True, on_delete=_KEY.PROTECT, related_name="dispatches", to="dispatcher.digestrun"),
        ),
        migrations.AddField(
            "dispatch", "title", models.CharField(blank=True, db_default="", default="", max_length=300)
        ),
        migrations.AddConstraint(
            "dispatch",
            models.CheckConstraint(
                condition=models.Q(kind="digest", brief=None, revision=None, run__isnull=False)
                | (~models.Q(kind="digest") & models.Q(brief__isnull=False, revision__isnull=False)),
                name="dispatch_of_what",
            ),
        ),
        migrations.CreateModel(
            name="DigestBrief",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("topics", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("brief", models.ForeignKey(on_delete=_KEY.PROTECT, related_name="digests", to="dispatcher.brief")),
                ("dispatch", models.ForeignKey(on_delete=_KEY.CASCADE, related_name="contents", to="dispatcher.dispatch")),
                ("revision", models.ForeignKey(on_delete=_KEY.PROTECT, related_name="+", to="dispatcher.revision")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("dispatch", "brief"), name="digest_brief_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Owed",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "subscriber_id", "brief_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("brief", models.ForeignKey(on_delete=_KEY.CASCADE, related_name="+", to="dispatcher.brief")),
                (
                    "dispatch",
                    models.ForeignKey(
                        db_index=False, on_delete=_KEY.CASCADE, related_name="owed", to="dispatcher.dispatch"
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_index=False, on_delete=_KEY.CASCADE, related_name="owed", to="dispatcher.subscriber"
                    ),
                ),
            ],
        ),
    ]
