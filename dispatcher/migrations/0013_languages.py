from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dispatcher', '0012_receipt_address'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(fields=['language'], name='subscriber_language'),
        ),
    ]
