"""The wheel carries everything that the installed product needs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_carries_templates_static_files_and_samples(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    carried = {
        *(f"dispatcher/{path.relative_to(ROOT)}" for path in _files("templates")),
        *(str(path.relative_to(ROOT)) for path in _files("dispatcher", "workers")),
    }
    assert carried <= names, carried - names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


def _files(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    ]
