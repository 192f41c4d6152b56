"""EXR: layers, halves, parts, files of others."""

import numpy as np
import OpenEXR
import pytest
from image_files import picture, radiance, write_whole

from diffrt.errors import InputError
from diffrt.io.exr import read_exr_layers, read_exr_metadata, write_exr
from diffrt.io.images import read_image, write_image


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
