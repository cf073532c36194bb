"""What the law asks to be kept and to be forgotten."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0010_receipts"),
    ]

    operations: ClassVar = []
