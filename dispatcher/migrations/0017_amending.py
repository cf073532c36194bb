"""When a brief was corrected and withdrawn, and what somebody did to a topic."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0012_receipt_address"),
    ]

    operations = [
        migrations.AddField(
            model_name="brief",
            name="amended_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="brief",
            name="withdrawn_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="TopicAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("by", models.CharField(max_length=150)),
                ("what", models.CharField(choices=[("merged", "Merged"), ("retired", "Retired"), ("reinstated", "Reinstated"), ("renamed", "Renamed")], max_length=10)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("topic", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="acts", to="dispatcher.topic")),
            ],
        ),
        migrations.AlterField(
            model_name="revision",
            name="change",
            field=models.CharField(choices=[("first", "First"), ("edit", "Edit"), ("correction", "Correction"), ("retagging", "Retagging"), ("retraction", "Retraction")], max_length=12),
        ),
        migrations.AlterField(
            model_name="act",
            name="what",
            field=models.CharField(choices=[("released", "Released"), ("paused", "Paused"), ("resumed", "Resumed"), ("cancelled", "Cancelled"), ("replaced", "Replaced"), ("sent the rest", "Sent Rest"), ("took as accepted", "Accepted")], max_length=20),
        ),
    ]
