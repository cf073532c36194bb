"""Where the package and its templates lie on disk; no settings, no Django."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

# A checkout has templates beside the package, a wheel carries them inside it.
_BESIDE = PACKAGE.parent / "templates"
TEMPLATE_ROOT = _BESIDE if (_BESIDE / "email").is_dir() else PACKAGE / "templates"
