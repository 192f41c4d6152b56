"""What all image formats have in common, and real files."""

import io
import os
import struct
import zlib

import imageio.v3 as imageio
import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
from image_files import asset, picture, radiance, write_whole

from diffrt.errors import InputError
from diffrt.io.images import Image, decode_image, read_image, write_image

# ---- every format


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("extension", [".exr", ".npy"])
def test_float_formats_keep_every_bit(tmp_path, extension, channels):
    values = radiance(channels=channels) * np.where(picture(channels, seed=5) < 0.3, -1, 1).astype(np.float32)
    write_image(tmp_path / f"a{extension}", values)
    image = read_image(tmp_path / f"a{extension}")
    assert image.encoding == "linear" and image.data.dtype == np.float32
    np.testing.assert_array_equal(image.data, values)


@pytest.mark.parametrize("extension", [".exr", ".hdr", ".npy", ".png"])
def test_arrays_without_a_channel_axis_and_with_strides(tmp_path, extension):
    path = tmp_path / "deep" / "folder" / f"a{extension}"
    values = picture(1)[..., 0].T[::-1]
    write_image(path, values, encoding="srgb")
    data = read_image(path).data
    assert data.shape[:2] == values.shape
    tolerance = {".png": 0.5 / 255 + 1e-6, ".hdr": 1 / 256}.get(extension, 0)
    np.testing.assert_allclose(data[..., 0], values, atol=tolerance)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("extension", [".exr", ".hdr", ".npy", ".png", ".jpg"])
@pytest.mark.parametrize("kept", [0, 1, 9, 0.1, 0.5, 0.97])
def test_truncated_files_are_input_errors(tmp_path, extension, kept):
    path = write_whole(tmp_path / f"cut{extension}")
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(InputError, match=rf"^textures\.wood\.file: cut{extension}"):
        read_image(path, field="textures.wood.file")


@pytest.mark.parametrize("extension", [".exr", ".hdr", ".npy", ".png", ".jpg"])
def test_damaged_files_never_raise_anything_else(tmp_path, extension):
    path = write_whole(tmp_path / f"a{extension}")
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for trial in range(60):
        damaged = bytearray(content)
        region = min(len(content), 200) if trial % 2 else len(content)
        for _ in range(rng.integers(1, 8)):
            damaged[rng.integers(region)] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_image(path, max_pixels=2**22)
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("extension", [".exr", ".hdr", ".npy", ".png", ".jpg"])
def test_too_many_pixels_are_refused_with_both_numbers(tmp_path, extension):
    path = write_whole(tmp_path / f"a{extension}")
    with pytest.raises(InputError, match=r"^sky: .* 64 x 48 = 3072 pixels; allowed: at most 3071 pixels"):
        read_image(path, field="sky", max_pixels=3071)
    assert read_image(path, max_pixels=3072).data.shape == (48, 64, 3)


def test_a_huge_size_is_refused_before_anything_is_decoded(tmp_path):
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    files = {
        "a.png": b"\x89PNG\r\n\x1a\n" + chunk,
        "a.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2147483647 +X 2147483647\n",
        "a.npy": npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 3), }"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="2147483647 x 2147483647 = 4611686014132420609 pixels"):
            read_image(tmp_path / name)


def npy_header(text):
    text = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def test_wrong_names_and_places(tmp_path):
    with pytest.raises(InputError, match=r"f: no such file: .*gone\.exr"):
        read_image(tmp_path / "gone.exr", field="f")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match=r"f: .*folder\.png"):
        read_image(tmp_path / "folder.png", field="f")
    with pytest.raises(InputError, match=r"'\.gif' is not a known image format \(a\.gif\); allowed: \.exr, \.hdr, "):
        read_image(tmp_path / "a.gif", field="f")
    with pytest.raises(InputError, match=r"'\.jpg' is not a known image format"):
        write_image(tmp_path / "a.jpg", picture())
    write_whole(tmp_path / "a.jpg").rename(tmp_path / "b.PNG")
    with pytest.raises(InputError, match=r"b\.PNG holds a picture of another format \(rename it to \.jpg\)"):
        read_image(tmp_path / "b.PNG")
    (tmp_path / "text.exr").write_text("hello, I am a text, longer than any header")
    with pytest.raises(InputError, match=r"text\.exr: not an OpenEXR picture"):
        read_image(tmp_path / "text.exr")


def test_writing_where_one_cannot_and_what_one_cannot(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"output: cannot write .*file.*a\.exr"):
        write_image(tmp_path / "file" / "a.exr", picture())
    (tmp_path / "b.exr").mkdir()
    with pytest.raises(InputError, match=r"output: cannot write .*b\.exr"):
        write_image(tmp_path / "b.exr", picture())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.exr", "file"]
    for array in (np.zeros((3, 3, 5)), np.zeros(3), np.zeros((0, 3)), np.zeros((2, 2), complex), np.array("x")):
        with pytest.raises(InputError, match="image: an array of"):
            write_image(tmp_path / "a.exr", array)
    with pytest.raises(InputError, match="bits: 12 bits for PNG; allowed: 8, 16"):
        write_image(tmp_path / "a.png", picture(), bits=12)


def test_an_old_file_survives_a_write_that_fails(tmp_path, monkeypatch):
    write_image(tmp_path / "a.exr", picture())
    before = (tmp_path / "a.exr").read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match=r"cannot write .*a\.exr: No space left on device"):
        write_image(tmp_path / "a.exr", picture(seed=3))
    assert (tmp_path / "a.exr").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("extension", [".exr", ".npy"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_finite_refuses_and_says_where(tmp_path, extension, bad):
    values = picture()
    values[5, 7, 1] = bad
    write_image(tmp_path / f"a{extension}", values)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{extension}").data, values)
    with pytest.raises(InputError, match=r"1 pixels of a\.\w+ are NaN or infinite, the first in row 5, column 7"):
        read_image(tmp_path / f"a{extension}", finite=True)


def test_embedded_images_are_told_by_their_first_bytes(tmp_path):
    for extension in (".exr", ".hdr", ".npy", ".png", ".jpg"):
        path = write_whole(tmp_path / f"a{extension}")
        np.testing.assert_array_equal(decode_image(path.read_bytes(), "image 0").data, read_image(path).data)
    for content in (b"", b"GIF89a and more"):
        with pytest.raises(InputError, match=r"images\[0\]: image 0: "):
            decode_image(content, "image 0", field="images[0]")


def test_colour_and_alpha_of_an_image():
    data = picture(4)
    assert Image(data, "srgb").color.shape[2] == 3
    np.testing.assert_array_equal(Image(data, "srgb").alpha, data[..., 3])
    assert Image(data[..., :3], "srgb").alpha is None


# ---- real files


@pytest.mark.parametrize("name", ["venice_sunset_1k.hdr", "studio_small_03_1k.hdr", "stage_latlong.exr"])
def test_real_environments(tmp_path, name):
    image = read_image(asset(f"environments/{name}"), finite=True)
    assert image.encoding == "linear"
    assert image.data.shape == ((500, 1000, 3) if name.endswith("exr") else (512, 1024, 3))
    assert image.data.min() >= 0 and image.data.max() > 1000
    if name.endswith(".hdr"):
        write_image(tmp_path / "a.hdr", image.data)
        np.testing.assert_array_equal(read_image(tmp_path / "a.hdr").data, image.data)


def test_real_texture_and_photo():
    texture = asset("meshes/spot/spot_texture.png")
    np.testing.assert_allclose(read_image(texture).data[..., :3], imageio.imread(texture)[..., :3] / 255, atol=1e-6)
    photo = asset("photos/fox/images/0110.jpg")
    with PIL.Image.open(io.BytesIO(photo.read_bytes())) as opened:
        expected = np.asarray(PIL.ImageOps.exif_transpose(opened)) / 255
    np.testing.assert_allclose(read_image(photo).data, expected, atol=1e-6)
