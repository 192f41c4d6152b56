"""What a photograph says: sRGB, orientation, alpha, saturation; and what a view makes of it at other sizes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from diffrt.fit.photo import Photo, read_mask, read_photo
from diffrt.fit.views import View
from diffrt.io.color import srgb_to_linear
from diffrt.io.images import write_image

HERE = Path(".")
STORED = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def test_eight_bits_are_srgb(tmp_path: Path) -> None:
    PillowImage.fromarray(STORED).save(tmp_path / "a.png")
    for source in ("a.png", STORED):
        photo = read_photo(source, tmp_path, "target")
        assert photo.color == pytest.approx(srgb_to_linear(STORED / 255.0), abs=1e-6)
        assert photo.alpha is None
        assert photo.clipped is not None and np.array_equal(photo.clipped, STORED >= 254)


def test_orientation_is_applied(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # the camera was held upright: row 0 is the right side
    PillowImage.fromarray(STORED).save(tmp_path / "a.png", exif=exif)
    assert read_photo("a.png", tmp_path, "target").color == pytest.approx(
        srgb_to_linear(np.rot90(STORED, -1) / 255.0), abs=1e-6
    )


@pytest.mark.parametrize("ending", ["exr", "hdr", "npy"])
def test_radiance_is_linear_and_never_saturated(tmp_path: Path, ending: str) -> None:
    write_image(tmp_path / f"a.{ending}", np.full((2, 3, 3), 4.0, dtype=np.float32))
    photo = read_photo(f"a.{ending}", tmp_path, "target")
    assert photo.color == pytest.approx(4.0)
    assert photo.clipped is None


def test_alpha_is_the_mask(tmp_path: Path) -> None:
    alpha = np.array([[0, 255, 51, 255, 0, 255]] * 4, dtype=np.uint8)
    PillowImage.fromarray(np.dstack([STORED, alpha])).save(tmp_path / "a.png")
    assert read_photo("a.png", tmp_path, "target").alpha == pytest.approx(alpha / 255.0)
    assert read_mask("a.png", tmp_path, "mask") == pytest.approx(alpha / 255.0)
    PillowImage.fromarray(alpha).save(tmp_path / "m.png")
    assert read_mask("m.png", tmp_path, "mask") == pytest.approx(alpha / 255.0)


def view(color: np.ndarray, mask: np.ndarray | None = None, clipped: np.ndarray | None = None) -> View:
    height, width = color.shape[:2]
    photo = Photo(color.astype(np.float32), None, clipped)
    return View("v", "c", False, width, height, photo, None if mask is None else mask.astype(np.float32))


def test_smaller_targets_are_means() -> None:
    color = np.random.default_rng(1).uniform(size=(4, 6, 3))
    target = view(color).at(0.5)
    assert (target.height, target.width) == (2, 3)
    assert target.color == pytest.approx(color.reshape(2, 2, 3, 2, 3).mean(axis=(1, 3)), abs=1e-6)
    assert (target.weight == 1.0).all() and target.mask is None


def test_smaller_targets_are_means_under_the_mask() -> None:
    color, mask = np.full((4, 4, 3), 9.0), np.zeros((4, 4))
    color[:2, 0], mask[:2, 0] = 1.0, 1.0
    target = view(color, mask).at(0.5)
    assert target.weight == pytest.approx(np.array([[0.5, 0.0], [0.0, 0.0]]))
    assert target.color[0, 0] == pytest.approx(1.0)
    assert target.mask == pytest.approx(target.weight)


def test_a_mean_with_a_saturated_pixel_is_a_lower_bound() -> None:
    clipped = np.zeros((4, 4, 3), dtype=bool)
    clipped[0, 0, 1] = True
    below = view(np.ones((4, 4, 3)), None, clipped).at(0.5).clipped
    assert below is not None and below.sum() == 1 and below[0, 0, 1]
