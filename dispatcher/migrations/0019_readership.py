"""Sums of feed readers by day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0018_feeds")]

    operations = [
        migrations.CreateModel(
            name="FeedReadership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.TextField()),
                ("day", models.DateField()),
                ("aggregated", models.PositiveIntegerField()),
                ("pollers", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("day", "channel"), name="feed_readership_unique")
                ],
            },
        ),
    ]
