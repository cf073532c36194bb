from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dispatcher', '0021_desk'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(fields=['language'], name='subscriber_language'),
        ),
    ]
