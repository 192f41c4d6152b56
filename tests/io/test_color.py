import numpy as np
import pytest

from diffrt.io.color import display, linear_to_srgb, luminance, signed_colors, srgb_to_linear


def test_known_points_of_the_srgb_curve():
    # Values of IEC 61966-2-1; 0.21404 is the well-known linear value of sRGB 0.5.
    assert srgb_to_linear([0, 0.5, 1]) == pytest.approx([0, 0.21404114, 1], abs=1e-7)
    assert linear_to_srgb([0, 0.18, 1]) == pytest.approx([0, 0.46135613, 1], abs=1e-7)
    assert srgb_to_linear(0.04045) == pytest.approx(0.04045 / 12.92)


def test_the_curves_are_inverse_beyond_the_range_too():
    values = np.linspace(-0.5, 4, 1001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=2e-7)


def test_dtype_is_kept_for_floats_and_integers_become_double():
    assert srgb_to_linear(np.float32([0.2])).dtype == np.float32
    assert linear_to_srgb(np.float32([0.2])).dtype == np.float32
    assert srgb_to_linear([0, 1]).dtype == np.float64


def test_display_clips_then_encodes():
    assert display([-1.0, 0.18, 7.0]) == pytest.approx([0, 0.46135613, 1], abs=1e-7)


def test_luminance_of_white_and_of_primaries():
    rgb = np.array([[[1, 1, 1], [1, 0, 0]], [[0, 1, 0], [0, 0, 2]]], dtype=np.float32)
    assert luminance(rgb) == pytest.approx(np.array([[1, 0.2126], [0.7152, 0.1444]]), abs=1e-6)


def test_signed_colors_show_the_sign():
    colors = signed_colors(np.array([[-2.0, 0.0, 2.0, np.nan]]), limit=2)
    negative, zero, positive, missing = colors[0]
    assert negative[2] > 2 * negative[0]
    assert positive[0] > 2 * positive[2]
    assert zero.min() > 0.9
    assert missing.tolist() == [0, 0, 0]
    assert colors.dtype == np.float32


def test_signed_colors_find_their_own_limit_and_stand_zeros():
    ramp = np.linspace(-3, 3, 100).reshape(10, 10)
    np.testing.assert_allclose(signed_colors(ramp), signed_colors(ramp * 1e-5), atol=1e-5)
    assert signed_colors(np.zeros((2, 2, 3))).min() > 0.9
