"""What all tests share."""

import pytest

import diffrt._taichi


@pytest.fixture(scope="session")
def taichi() -> str:
    """The Taichi runtime, started once for all tests; the name of its backend."""
    return diffrt._taichi.init("auto")
