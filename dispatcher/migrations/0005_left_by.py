"""Whose journal the next holder of a batch has to record."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0004_delivery_in_batch"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="left_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
    ]
