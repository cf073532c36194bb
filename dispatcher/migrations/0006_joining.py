"""What is kept of a sign-up that waits for its click, and the letters about it."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0005_left_by"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=320)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("language", models.CharField(default="en", max_length=35)),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                ("match", models.CharField(choices=[("any", "Any"), ("all", "All")], max_length=3)),
                ("topics", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                ("except_topics", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                ("cadence", models.CharField(choices=[("at once", "At Once"), ("daily", "Daily"), ("weekly", "Weekly")], max_length=8)),
                ("source", models.CharField(max_length=80)),
                ("wording", models.CharField(max_length=40)),
                ("ip_hash", models.CharField(blank=True, max_length=64)),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("confirmed_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["asked_at"], name="sign_up_asked")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("match", "any"), ("topics", []), _negated=True),
                        name="sign_up_any_of_something",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("confirm", "Confirm"), ("welcome", "Welcome"), ("address", "Address"), ("moved", "Moved"), ("farewell", "Farewell")], max_length=10)),
                ("address", models.CharField(max_length=320)),
                ("language", models.CharField(default="en", max_length=35)),
                ("link", models.CharField(blank=True, max_length=900)),
                ("facts", models.JSONField(default=dict)),
                ("state", models.CharField(choices=[("waiting", "Waiting"), ("sending", "Sending"), ("accepted", "Accepted"), ("deferred", "Deferred"), ("failed", "Failed"), ("unknown", "Unknown")], default="waiting", max_length=8)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("posted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("lease_until", models.DateTimeField(null=True)),
                ("holder", models.CharField(blank=True, max_length=32)),
                ("relay", models.CharField(blank=True, max_length=120)),
                ("code", models.CharField(blank=True, max_length=12)),
                ("text", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("settled_at", models.DateTimeField(null=True)),
                ("reader", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="notices", to="dispatcher.subscriber")),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "sending", "deferred"])),
                        fields=["posted_at"],
                        name="notice_open",
                    )
                ],
            },
        ),
    ]
