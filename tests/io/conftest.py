"""What tests of file formats share."""

import pytest


@pytest.fixture
def mitsuba():
    """Mitsuba 3, variant scalar_rgb."""
    module = pytest.importorskip("mitsuba")
    module.set_variant("scalar_rgb")
    module.set_log_level(module.LogLevel.Error)
    return module
