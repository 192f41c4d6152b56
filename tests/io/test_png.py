"""PNG and JPEG: depths, curves, modes of others, orientation."""

import imageio.v3 as imageio
import numpy as np
import PIL.Image
import PIL.ImageOps
import png
import pytest
from image_files import picture

from diffrt.errors import InputError
from diffrt.io.images import read_image, write_image
from diffrt.log import DiffrtWarning


def test_png_16_bits_is_really_16_bits(tmp_path):
    codes = (np.arange(13 * 17 * 3, dtype=np.uint16).reshape(13, 17, 3) * 97 + 30000).astype(np.uint16)
    png.from_array(codes.reshape(13, -1), "RGB;16").save(str(tmp_path / "a.png"))
    image = read_image(tmp_path / "a.png")
    assert image.encoding == "srgb"
    np.testing.assert_allclose(image.data, codes / 65535, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_codes_are_kept_and_others_read_them(tmp_path, channels, bits):
    dtype = np.uint8 if bits == 8 else np.uint16
    rng = np.random.default_rng(channels)
    codes = rng.integers(0, 2**bits, (13, 17, channels)).astype(dtype)
    codes[4:9] = np.linspace(0, 2**bits - 1, 17).astype(dtype)[None, :, None]  # rows that favour other filters
    write_image(tmp_path / "a.png", codes, bits=bits, metadata={"scene": "Größe"})
    np.testing.assert_allclose(read_image(tmp_path / "a.png").data, codes / (2**bits - 1), atol=1e-7)
    _, _, rows, info = png.Reader(filename=str(tmp_path / "a.png")).read()
    assert (info["bitdepth"], info["planes"]) == (bits, channels)
    np.testing.assert_array_equal(np.vstack([np.asarray(row) for row in rows]).reshape(codes.shape), codes)
    with PIL.Image.open(tmp_path / "a.png") as opened:
        assert opened.text["scene"] == "Größe"
    if bits == 8:
        np.testing.assert_array_equal(imageio.imread(tmp_path / "a.png").reshape(codes.shape), codes)


@pytest.mark.parametrize(("bits", "levels"), [(8, 255), (16, 65535)])
def test_png_of_linear_light_gets_the_curve_and_is_clipped(tmp_path, bits, levels):
    values = np.array([[[0.18, -1, 2, 0.18]]], dtype=np.float32)
    write_image(tmp_path / "a.png", values, bits=bits)
    expected = [round(0.46135613 * levels), 0, levels, round(0.18 * levels)]  # alpha stays linear
    np.testing.assert_allclose(read_image(tmp_path / "a.png").data[0, 0] * levels, expected, atol=1e-2)
    write_image(tmp_path / "b.png", values, bits=bits, encoding="srgb")
    assert read_image(tmp_path / "b.png").data[0, 0, 0] * levels == pytest.approx(round(0.18 * levels), abs=1e-2)


def test_png_of_nan_and_of_wrong_integers(tmp_path):
    with pytest.warns(DiffrtWarning, match="1 NaN values are written as 0"):
        write_image(tmp_path / "a.png", np.array([[np.nan, np.inf]]))
    assert read_image(tmp_path / "a.png").data[0, :, 0].tolist() == [0, 1]
    with pytest.raises(InputError, match="uint16 for a PNG of 8 bits"):
        write_image(tmp_path / "a.png", np.zeros((2, 2), np.uint16))
    with pytest.raises(InputError, match="metadata: the key ''"):
        write_image(tmp_path / "a.png", picture(), metadata={"": "x"})


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_modes_of_others(tmp_path, mode):
    codes = np.random.default_rng(0).integers(0, 256, (9, 11, 4), dtype=np.uint8)
    if mode == "I;16":
        original = PIL.Image.fromarray(codes[..., 0].astype(np.uint16) * 200)
        expected = np.asarray(original)[..., None] / 65535
    else:
        original = PIL.Image.fromarray(codes, "RGBA").convert("RGB" if mode == "P" else "RGBA").convert(mode)
        shown = {"1": "L", "P": "RGB"}.get(mode, mode)
        expected = np.asarray(original.convert(shown)).reshape(9, 11, -1) / 255
    original.save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png").data, expected, atol=1e-6)


def test_png_transparent_colour_becomes_alpha(tmp_path):
    codes = np.zeros((2, 2, 3), np.uint8)
    codes[0, 0] = [10, 20, 30]
    PIL.Image.fromarray(codes).save(tmp_path / "a.png", transparency=(10, 20, 30))
    assert read_image(tmp_path / "a.png").alpha.tolist() == [[0, 1], [1, 1]]
    rows = (codes.astype(np.uint16) * 257).reshape(2, -1)
    with (tmp_path / "b.png").open("wb") as file:
        png.Writer(2, 2, greyscale=False, bitdepth=16, transparent=(2570, 5140, 7710)).write(file, rows)
    assert read_image(tmp_path / "b.png").alpha.tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_stands_upright_as_exif_says(tmp_path, orientation):
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :24], upright[:16, 24:], upright[16:, :24] = [255, 0, 0], [0, 255, 0], [0, 0, 255]
    turn = {  # how the sensor saw it: the inverse of what the orientation asks for
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    stored = PIL.Image.fromarray(np.ascontiguousarray(turn[orientation](upright)))
    stored.save(tmp_path / "a.jpg", quality=100, subsampling=0, exif=exif)
    image = read_image(tmp_path / "a.jpg")
    assert image.encoding == "srgb"
    np.testing.assert_allclose(image.data, upright / 255, atol=0.03)


def test_jpeg_grey_and_cmyk(tmp_path):
    grey = PIL.Image.fromarray(np.full((8, 8), 100, np.uint8))
    grey.save(tmp_path / "grey.jpg", quality=100)
    assert read_image(tmp_path / "grey.jpg").data == pytest.approx(np.full((8, 8, 1), 100 / 255), abs=0.01)
    grey.convert("RGB").convert("CMYK").save(tmp_path / "cmyk.jpeg", quality=100)
    assert read_image(tmp_path / "cmyk.jpeg").data == pytest.approx(np.full((8, 8, 3), 100 / 255), abs=0.02)
