"""What all tests share."""

import pytest

import diffrt


@pytest.fixture(scope="session")
def taichi() -> str:
    """The Taichi runtime on the CPU, started once for all tests; the name of its backend."""
    return diffrt.init("cpu")
