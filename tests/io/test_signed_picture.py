"""Pictures of signed numbers with their scale."""

import numpy as np

from diffrt.io.color import signed_colors
from diffrt.io.signed_picture import signed_picture


def test_the_image_stands_as_it_is_beside_its_bar() -> None:
    values = np.random.default_rng(0).normal(size=(120, 40, 3))
    picture = signed_picture(values)
    assert picture.shape[0] == 120 and picture.shape[1] > 48
    assert np.abs(picture[:, :40] - signed_colors(values)).max() <= 0.5 / 255 + 1e-6
    bar = picture[:, 40:]
    red, blue = signed_colors(np.array([[1.0, -1.0]]), limit=1.0)[0]
    assert np.abs(bar[0] - red).max(axis=1).min() < 0.01 and np.abs(bar[-1] - blue).max(axis=1).min() < 0.01


def test_panels_share_the_scale_of_the_first() -> None:
    first = np.linspace(-1.0, 1.0, 100 * 50).reshape(100, 50)
    picture = signed_picture({"a": first, "b": 0.5 * first})
    top = len(picture) - 100
    right = picture[top:, 58:108]
    limit = float(np.percentile(np.abs(first), 99.5))
    assert np.abs(right - signed_colors(0.5 * first, limit=limit)).max() <= 0.5 / 255 + 1e-6


def test_small_and_black_pictures_have_a_bar() -> None:
    picture = signed_picture(np.zeros((4, 6, 3)))
    assert picture.shape[0] >= 96 and np.isfinite(picture).all()
