"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real recordings; skips where they are absent."""
    named = os.environ.get("MATPOSE_DATA")
    places = [Path(named)] if named else [_ROOT.parent / "shared" / "data", _ROOT / "shared" / "data"]
    for place in places:
        if (place / "pmatdata").is_dir():
            return place
    pytest.skip(f"no real recordings at {' or '.join(map(str, places))}; set MATPOSE_DATA to their folder")
