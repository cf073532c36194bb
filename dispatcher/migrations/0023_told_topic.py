"""Topics as the feeds know them, and what feeds are made as. The first sweep looks at all of it anew."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0022_languages")]

    operations = [
        migrations.CreateModel(
            name="ToldTopic",
            fields=[
                (
                    "topic",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="dispatcher.topic",
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("parent", models.BigIntegerField(null=True)),
                ("merged_into", models.BigIntegerField(null=True)),
                ("is_retired", models.BooleanField()),
            ],
        ),
        migrations.AddField(
            model_name="feedgeneration",
            name="made_as",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
