"""What the reader's page keeps."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0007_joining"),
    ]

    operations: ClassVar = []
