"""Whose request to the hub it is, hashed, so that each visitor gets a turn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0023_told_topic")]

    operations = [
        migrations.AddField(
            model_name="hubrequest",
            name="visitor",
            field=models.CharField(blank=True, default="", max_length=24),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="hubrequest",
            index=models.Index(fields=["visitor"], name="hub_request_visitor"),
        ),
    ]
