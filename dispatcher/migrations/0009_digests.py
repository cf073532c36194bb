"""Digests."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0008_readers_page"),
    ]

    operations: ClassVar = []
