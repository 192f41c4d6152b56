"""Files that are not the project's own; tests that want them are skipped where they are missing."""

import os
from pathlib import Path

import pytest

ASSETS = Path(os.environ.get("DIFFRT_ASSETS") or Path(__file__).resolve().parents[3] / "shared" / "assets")
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="no assets (set DIFFRT_ASSETS)")
