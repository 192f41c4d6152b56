import io
import os
import struct
import zlib
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import OpenEXR
import PIL.Image
import PIL.ImageOps
import png
import pytest

from diffrt.errors import InputError
from diffrt.io.exr import read_exr_layers, read_exr_metadata, write_exr
from diffrt.io.images import Image, decode_image, read_image, write_image
from diffrt.log import DiffrtWarning

ASSETS = Path(os.environ.get("DIFFRT_ASSETS", Path(__file__).parents[2].parent / "shared" / "assets"))


def asset(name):
    path = ASSETS / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return path


def picture(channels=3, height=13, width=17, seed=0):
    return np.random.default_rng(seed).random((height, width, channels)).astype(np.float32)


def radiance(**kwargs):
    values = picture(**kwargs)
    return values * np.float32(10) ** (8 * picture(1, *values.shape[:2], seed=99) - 4)


def write_whole(path):
    """A valid file of the format of the extension, made by others where diffrt does not write it."""
    if path.suffix == ".jpg":
        smooth = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
        PIL.Image.fromarray(smooth).save(path, quality=95)
    else:
        write_image(path, picture(height=48, width=64))
    return path


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


# ---- EXR


def test_exr_layers_names_and_metadata(tmp_path):
    layers = {
        "radiance": radiance(),
        "normal": picture(seed=1) * 2 - 1,
        "depth": picture(1, seed=2)[..., 0] * 100,
        "albedo": picture(seed=3),
        "uv": picture(2, seed=4),
        "mask": picture(1, seed=5)[..., 0] > 0.5,
        "shape_id": np.arange(13 * 17).reshape(13, 17) - 1,
    }
    write_exr(tmp_path / "a.exr", layers, {"scene": "cbox.json", "note": "Größe"})
    found = read_exr_layers(tmp_path / "a.exr")
    assert found.keys() == layers.keys()
    for name, array in layers.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)
    np.testing.assert_array_equal(read_image(tmp_path / "a.exr").data, layers["radiance"])
    with OpenEXR.File(str(tmp_path / "a.exr"), separate_channels=True) as file:
        names = set(file.channels())
        assert {"R", "G", "B", "normal.X", "normal.Z", "depth.Z", "albedo.R", "uv.U", "mask.Y"} <= names
        np.testing.assert_array_equal(file.channels()["normal.Y"].pixels, layers["normal"][..., 1])
        assert file.header()["scene"] == "cbox.json"
    assert read_exr_metadata(tmp_path / "a.exr") == {"scene": "cbox.json", "note": "Größe"}


def test_exr_half_clamps_instead_of_overflowing(tmp_path):
    values = np.array([[[1e6, -1e6, 65504], [65519.9, 1 / 3, 0], [np.inf, -np.inf, np.nan]]], dtype=np.float32)
    write_exr(tmp_path / "a.exr", {"radiance": values, "shape_id": np.array([[70000, 2, 3]])}, half=True)
    data = read_image(tmp_path / "a.exr").data
    np.testing.assert_array_equal(data[0, 0], [65504, -65504, 65504])
    assert data[0, 1] == pytest.approx([65504, 1 / 3, 0], rel=1e-3)
    np.testing.assert_array_equal(data[0, 2], [65504, -65504, np.nan])
    np.testing.assert_array_equal(read_exr_layers(tmp_path / "a.exr")["shape_id"], [[70000, 2, 3]])
    write_image(tmp_path / "b.exr", values, bits=16)
    np.testing.assert_array_equal(read_image(tmp_path / "b.exr").data, data)
    assert OpenEXR.File(str(tmp_path / "b.exr"), separate_channels=True).channels()["R"].pixels.dtype == np.float16


def test_exr_of_others(tmp_path):
    r, g, b = np.moveaxis(picture(), 2, 0).copy()
    scanline = {"type": OpenEXR.scanlineimage}

    def written(name, channels, header=scanline):
        OpenEXR.File(header, channels).write(str(tmp_path / name))
        return tmp_path / name

    depth_beside = written("depth.exr", {"R": r, "G": g, "B": b.astype(np.float16), "Z": g})
    assert read_exr_layers(depth_beside)["Z"].shape == (13, 17)
    np.testing.assert_array_equal(read_image(depth_beside).data[..., :2], np.stack([r, g], axis=2))
    only = written("only.exr", {"diffuse.R": r, "diffuse.G": g, "diffuse.B": b})
    np.testing.assert_array_equal(read_image(only).data, np.stack([r, g, b], axis=2))
    ids = written("ids.exr", {"id": np.arange(221, dtype=np.uint32).reshape(13, 17)})
    assert read_image(ids).data.max() == 220
    several = written("several.exr", {"a.Z": r, "b.Z": g})
    with pytest.raises(InputError, match=r"several\.exr has no R, G, B channels but the layers a, b"):
        read_image(several)
    window = {**scanline, "dataWindow": (np.array([-3, 2], np.int32), np.array([13, 14], np.int32))}
    np.testing.assert_array_equal(read_image(written("window.exr", {"Y": r}, window)).data[..., 0], r)
    for channels, message in (({"Y": OpenEXR.Channel(r[::2, ::2].copy(), 2, 2)}, "subsampled"),):
        header = {**scanline, "dataWindow": (np.array([0, 0], np.int32), np.array([17, 13], np.int32))}
        with pytest.raises(InputError, match=message):
            read_image(written("bad.exr", channels, header))


def test_exr_parts_are_layers(tmp_path):
    r, g, b = np.moveaxis(picture(), 2, 0).copy()
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"R": r, "G": g, "B": b}, "beauty"),
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"Z": g}, "depth"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "a.exr"))
    layers = read_exr_layers(tmp_path / "a.exr")
    assert set(layers) == {"radiance", "depth"}
    np.testing.assert_array_equal(layers["depth"], g)


def test_exr_layers_that_do_not_fit(tmp_path):
    with pytest.raises(InputError, match="several sizes: a 3 x 2, b 3 x 3"):
        write_exr(tmp_path / "a.exr", {"a": np.zeros((2, 3)), "b": np.zeros((3, 3))})
    with pytest.raises(InputError, match="nothing to write"):
        write_exr(tmp_path / "a.exr", {})
    with pytest.raises(InputError, match="the key 'compression'"):
        write_exr(tmp_path / "a.exr", {"a": np.zeros((2, 3))}, {"compression": "none"})
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_exr_prints_nothing_on_stdout(tmp_path, capsys):
    path = write_whole(tmp_path / "a.exr")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError):
        read_image(path)
    assert capsys.readouterr().out == ""


# ---- HDR

HDR_HEADER = b"#?RADIANCE\n# by hand\nEXPOSURE=1.0\nFORMAT=32-bit_rle_rgbe\n\n"


def decode(content):
    return decode_image(content, "a.hdr").data


def test_hdr_flat_file_by_hand():
    pixels = bytes([128, 64, 0, 129, 255, 1, 2, 136, 0, 0, 0, 0, 200, 100, 50, 0])
    data = decode(HDR_HEADER + b"-Y 2 +X 2\n" + pixels)
    np.testing.assert_array_equal(data, [[[1, 0.5, 0], [255, 1, 2]], [[0, 0, 0], [0, 0, 0]]])


def test_hdr_old_runs_by_hand():
    # (1, 1, 1, 2) repeats twice; (1, 1, 1, 1) after (1, 1, 1, 4) repeats 256 + 4 times in all.
    a, b = bytes([10, 20, 30, 136]), bytes([40, 50, 60, 136])
    pixels = a + bytes([1, 1, 1, 2]) + b + bytes([1, 1, 1, 4, 1, 1, 1, 1])
    data = decode(HDR_HEADER + b"-Y 2 +X 132\n" + pixels).reshape(-1, 3)
    assert len(data) == 264
    assert (data[:3] == [10, 20, 30]).all() and (data[3:] == [40, 50, 60]).all()
    with pytest.raises(InputError, match="cut short"):
        decode(HDR_HEADER + b"-Y 2 +X 133\n" + pixels)


def test_hdr_new_runs_by_hand():
    row = bytes([2, 2, 0, 9])
    row += bytes([128 + 9, 128])  # red: a run of 9
    row += bytes([9, *range(9)])  # green: a literal
    row += bytes([4, 7, 7, 7, 7, 128 + 5, 64])  # blue: a literal and a run
    row += bytes([128 + 9, 136])
    data = decode(HDR_HEADER + b"-Y 1 +X 9\n" + row)
    np.testing.assert_array_equal(data[0, :, 0], [128] * 9)
    np.testing.assert_array_equal(data[0, :, 1], range(9))
    np.testing.assert_array_equal(data[0, :, 2], [7] * 4 + [64] * 5)
    too_long = row.replace(bytes([128 + 9, 128]), bytes([128 + 10, 128]))
    with pytest.raises(InputError, match="cut short or damaged"):
        decode(HDR_HEADER + b"-Y 1 +X 9\n" + too_long)


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        (b"-Y 2 +X 3", [[0, 1, 2], [3, 4, 5]]),
        (b"+Y 2 +X 3", [[3, 4, 5], [0, 1, 2]]),
        (b"-Y 2 -X 3", [[2, 1, 0], [5, 4, 3]]),
        (b"+X 2 -Y 3", [[0, 3], [1, 4], [2, 5]]),
        (b"-X 2 +Y 3", [[5, 2], [4, 1], [3, 0]]),
    ],
)
def test_hdr_orientations(axes, expected):
    pixels = b"".join(bytes([value, 0, 0, 136]) for value in range(6))
    np.testing.assert_array_equal(decode(HDR_HEADER + axes + b"\n" + pixels)[..., 0], expected)


@pytest.mark.parametrize("width", [5, 8, 300])
def test_hdr_round_trip(tmp_path, width):
    values = radiance(width=width)
    values[3:6] = values[3, 0]  # long runs
    values[7, :4] = 0
    write_image(tmp_path / "a.hdr", values, metadata={"scene": "two\nlines"})
    data = read_image(tmp_path / "a.hdr", finite=True).data
    # Half a step of the shared exponent, whose mantissas lie between 128 and 255.
    assert (np.abs(data - values).max(axis=2) <= values.max(axis=2) * (0.5 / 128) * 1.0001).all()
    assert np.abs((data - values) / values.max(axis=2, keepdims=True).clip(1e-30)).mean() < 0.002
    write_image(tmp_path / "b.hdr", data)
    np.testing.assert_array_equal(read_image(tmp_path / "b.hdr").data, data)
    flat = 4 * width * 13
    assert (tmp_path / "a.hdr").stat().st_size < flat + 13 * 20 + 100


def test_hdr_extremes(tmp_path):
    values = np.zeros((1, 9, 3), np.float32)
    values[0, :7, 0] = [-1, 1e-45, 1e-36, 0.9999, 255.9, 3e38, np.inf]
    write_image(tmp_path / "a.hdr", values)
    data = read_image(tmp_path / "a.hdr", finite=True).data[0, :, 0]
    assert data[[0, 1]].tolist() == [0, 0]
    assert data[2:5] == pytest.approx([1e-36, 0.9999, 255.9], rel=0.004)
    assert data[5] == data[6] == pytest.approx(1.7e38, rel=0.01)
    with pytest.warns(DiffrtWarning, match="1 NaN values are written as 0"):
        write_image(tmp_path / "a.hdr", np.full((1, 1), np.nan))
    with pytest.raises(InputError, match="4 channels for HDR"):
        write_image(tmp_path / "a.hdr", picture(4))


def test_hdr_is_read_alike_by_an_independent_decoder(tmp_path):
    mitsuba = pytest.importorskip("mitsuba")
    mitsuba.set_variant("scalar_rgb")
    values = radiance(width=200)
    values[4] = 3
    write_image(tmp_path / "a.hdr", values)
    np.testing.assert_array_equal(
        np.array(mitsuba.Bitmap(str(tmp_path / "a.hdr"))), read_image(tmp_path / "a.hdr").data
    )


def test_hdr_headers_that_are_not_taken():
    pixel = bytes([1, 2, 3, 128])
    with pytest.raises(InputError, match="32-bit_rle_xyze"):
        decode(b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 1 +X 1\n" + pixel)
    for header in (b"#?RADIANCE\n-Y 1 +X 1\n", b"#?RADIANCE\n\n-Y 1 +Y 1\n", b"#?RADIANCE\n\nsize 1\n"):
        with pytest.raises(InputError, match=r"a\.hdr: the header"):
            decode(header + pixel)
    with pytest.warns(DiffrtWarning, match=r"EXPOSURE=2\.5 of the header is not applied"):
        decode(b"#?RADIANCE\nEXPOSURE=2.5\n\n-Y 1 +X 1\n" + pixel)


# ---- PNG and JPEG


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


# ---- NPY


def test_npy_of_others(tmp_path):
    values = np.asfortranarray(picture().astype(">f8"))
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read_image(tmp_path / "a.npy").data, values.astype(np.float32))
    np.save(tmp_path / "mask.npy", values[..., 0] > 0.5)
    assert set(np.unique(read_image(tmp_path / "mask.npy").data)) == {0, 1}
    write_image(tmp_path / "half.npy", np.array([[1e6, 0.5]]), bits=16)
    assert np.load(tmp_path / "half.npy").dtype == np.float16
    assert read_image(tmp_path / "half.npy").data[..., 0].tolist() == [[65504, 0.5]]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2), complex),
        np.zeros(4),
        np.zeros((2, 2, 5)),
        np.zeros((0, 2)),
        np.array([[object()]], dtype=object),
    ],
)
def test_npy_that_is_no_picture(tmp_path, array):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=r"f: a\.npy .*; allowed: "):
        read_image(tmp_path / "a.npy", field="f")


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
