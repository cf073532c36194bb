"""When the relays' words about the letters of a dispatch were no longer kept."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0010_law"),
    ]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="words_gone_at",
            field=models.DateTimeField(null=True),
        ),
    ]
