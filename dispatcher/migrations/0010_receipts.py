"""What relays and servers said after a letter was accepted."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0009_digests"),
    ]

    operations: ClassVar = []
