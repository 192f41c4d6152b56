"""Radiance HDR: runs, orientations, extremes."""

import numpy as np
import pytest
from image_files import picture, radiance

from diffrt.errors import InputError
from diffrt.io.images import decode_image, read_image, write_image
from diffrt.log import DiffrtWarning

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
