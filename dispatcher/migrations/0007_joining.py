"""What is kept of a sign-up that waits for its click, and the letters about it."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0006_reader_choices"),
    ]

    operations: ClassVar = []
