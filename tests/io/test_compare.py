import sys
import types

import numpy as np
import pytest

from diffrt.errors import InputError, MissingExtraError
from diffrt.io import compare as module
from diffrt.io.color import display, srgb_to_linear
from diffrt.io.compare import compare, difference_image, flip, ssim
from diffrt.io.denoise import denoise
from diffrt.io.images import read_image, write_image


def picture(seed=0, shape=(24, 20, 3)):
    return np.random.default_rng(seed).random(shape)


def test_errors_of_radiance_by_hand():
    a = np.array([[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]])
    b = np.array([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    result = compare(a, b)
    assert result.mean_difference == pytest.approx(4 / 6)
    assert result.mae == pytest.approx(6 / 6)
    assert result.rmse == pytest.approx(np.sqrt(14 / 6))


def test_psnr_is_of_displayed_values():
    a, b = np.full((16, 16, 3), 0.25), np.full((16, 16, 3), 0.5)
    expected = -20 * np.log10(abs(display(0.25) - display(0.5)))
    assert compare(a, b).psnr == pytest.approx(expected)
    assert compare(a + 5, b + 5).psnr == np.inf  # both are white on a screen
    assert compare(a + 5, b + 5).rmse == pytest.approx(0.25)


def test_equal_images():
    result = compare(picture(), picture())
    assert (result.mae, result.rmse, result.psnr) == (0, 0, np.inf)
    assert result.ssim == pytest.approx(1)


def slow_ssim(a, b):
    """The formula of the paper, window by window, for one channel."""
    offset = np.arange(11) - 5
    window = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row in range(a.shape[0] - 10):
        for column in range(a.shape[1] - 10):
            x, y = a[row : row + 11, column : column + 11], b[row : row + 11, column : column + 11]
            mx, my = np.sum(window * x), np.sum(window * y)
            vx, vy = np.sum(window * (x - mx) ** 2), np.sum(window * (y - my) ** 2)
            cxy = np.sum(window * (x - mx) * (y - my))
            values.append((2 * mx * my + 1e-4) * (2 * cxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))
    return np.mean(values)


def test_ssim_against_the_formula_window_by_window():
    a, b = picture(1), np.clip(picture(1) + 0.8 * (picture(2) - 0.5), 0, 1)
    expected = np.mean([slow_ssim(a[..., c], b[..., c]) for c in range(3)])
    assert 0.3 < expected < 0.95
    assert ssim(a, b) == pytest.approx(expected, abs=1e-9)


def test_ssim_falls_with_noise_and_works_on_tiny_images():
    a = picture(3, (32, 32, 3))
    levels = [ssim(a, a + s * (picture(4, a.shape) - 0.5)) for s in (0, 0.1, 0.5)]
    assert levels[0] == pytest.approx(1) and levels[0] > levels[1] > levels[2]
    assert ssim(a[:3, :4], a[:3, :4]) == pytest.approx(1)


def test_files_and_8_bit_arrays_are_decoded(tmp_path):
    codes = np.random.default_rng(5).integers(0, 256, (12, 13, 3), dtype=np.uint8)
    write_image(tmp_path / "a.png", codes)
    linear = srgb_to_linear(codes / 255)
    write_image(tmp_path / "a.exr", linear)
    assert compare(tmp_path / "a.png", tmp_path / "a.exr").rmse < 1e-6
    assert compare(codes, str(tmp_path / "a.exr")).rmse < 1e-6
    assert compare(read_image(tmp_path / "a.png"), linear).rmse < 1e-6


def test_alpha_is_left_out_and_grey_goes_with_colour():
    colour = picture()
    rgba = np.concatenate([colour, picture(9)[..., :1]], axis=2)
    assert compare(rgba, colour).rmse == 0
    grey = colour[..., 0]
    assert compare(grey, np.repeat(grey[..., None], 3, axis=2)).rmse == 0


def test_what_cannot_be_compared(tmp_path):
    with pytest.raises(InputError, match="20 x 24 pixels, the reference 24 x 20"):
        compare(picture(), picture().transpose(1, 0, 2))
    bad = picture()
    bad[3, 4] = np.nan
    with pytest.raises(InputError, match="reference: 1 pixels are NaN"):
        compare(picture(), bad)
    with pytest.raises(InputError, match=r"image: no such file: .*missing\.exr"):
        compare(tmp_path / "missing.exr", picture())


def test_difference_image_shows_darker_blue_and_brighter_red(tmp_path):
    reference = np.full((4, 6, 3), 0.5)
    image = reference.copy()
    image[:, :2] -= 0.1
    image[:, 4:] += 0.1
    colors = difference_image(image, reference)
    assert colors.shape == (4, 6, 3)
    assert (colors[:, :2, 2] > colors[:, :2, 0] + 0.2).all()
    assert (colors[:, 4:, 0] > colors[:, 4:, 2] + 0.2).all()
    assert (colors[:, 2:4] > 0.9).all()
    write_image(tmp_path / "d.png", colors, encoding="srgb")
    np.testing.assert_allclose(read_image(tmp_path / "d.png").data, colors, atol=0.5 / 255 + 1e-6)


def test_flip_is_none_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    assert flip(picture(), picture()) is None
    assert compare(picture(), picture()).flip is None


def test_flip_gets_the_reference_first_as_three_float_channels(monkeypatch):
    calls = []

    def evaluate(reference, test, kind, **options):
        calls.append((reference, test, kind, options))
        return np.zeros((24, 20, 1)), 0.25, {}

    monkeypatch.setitem(sys.modules, "flip_evaluator", types.SimpleNamespace(evaluate=evaluate))
    assert module.compare(np.ones((24, 20)), np.zeros((24, 20))).flip == 0.25
    reference, test, kind, options = calls[0]
    assert (reference.max(), test.min(), kind, options["inputsRGB"]) == (0, 1, "LDR", True)
    assert reference.shape == (24, 20, 3) and reference.dtype == np.float32 and reference.flags.c_contiguous


def test_real_flip_if_installed():
    pytest.importorskip("flip_evaluator")
    a = picture(shape=(64, 64, 3))
    assert flip(a, a) == pytest.approx(0, abs=1e-6)
    assert 0.01 < flip(a, 0.5 * a) <= 1


def test_denoise_names_the_extra_when_it_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyoidn", None)
    with pytest.raises(MissingExtraError, match=r"diffrt\[denoise\]"):
        denoise(picture())


def test_denoise_checks_its_input_first():
    with pytest.raises(InputError, match="radiance: an array of shape"):
        denoise(np.zeros((4, 4)))
    with pytest.raises(InputError, match="albedo: an array of shape"):
        denoise(picture(), albedo=np.zeros((4, 4, 3)))
    with pytest.raises(InputError, match="normal: given without an albedo"):
        denoise(picture(), normal=picture())
    with pytest.raises(InputError, match="radiance: 1 pixels are NaN"):
        denoise(np.where(np.arange(12).reshape(2, 2, 3) == 5, np.nan, 1.0))


def test_denoise_removes_noise_from_bright_pictures():
    pytest.importorskip("pyoidn")
    clean = np.linspace(0, 4, 128 * 128 * 3).reshape(128, 128, 3)
    noisy = clean * np.random.default_rng(0).exponential(1, clean.shape)
    albedo, normal = np.full(clean.shape, 0.5), np.zeros(clean.shape)
    for guides in ({}, {"albedo": albedo}, {"albedo": albedo, "normal": normal}):
        result = denoise(noisy, **guides)
        assert result.dtype == np.float32 and result.shape == clean.shape
        assert np.abs(result - clean).mean() < 0.2 * np.abs(noisy - clean).mean()
        assert result.max() > 2
