"""What every test file may use."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled data beside the checkout; the test is counted as skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data beside the checkout (labelled data that is not part of the project)")
    return DATA
