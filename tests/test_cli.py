"""The command line, run in this process as a user would run it."""

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffrt.cli import main
from diffrt.io.images import read_exr_layers, read_exr_metadata, read_image, write_image

ROOT = Path(__file__).parents[1]
GOOD: dict[str, Any] = {
    "camera": {"to_world": {"look_at": {"origin": [0, 0, 4], "target": [0, 0, 0]}}, "width": 16, "height": 12},
    "materials": {"grey": {"type": "diffuse", "albedo": 0.5}},
    "shapes": [{"name": "ball", "type": "sphere", "subdivisions": 1, "material": "grey"}],
    "lights": [{"name": "sky", "type": "environment", "radiance": 1.0}],
}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of `diffrt ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["diffrt", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.json"
    path.write_text(json.dumps(GOOD))
    return path


def test_render_writes_the_default_pictures(good, tmp_path, monkeypatch, capsys, taichi):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "render", "good.json", "--spp", 4) == 0
    assert read_image("outputs/good.exr").data.shape == (12, 16, 3)
    assert read_image("outputs/good.png").data.shape == (12, 16, 3)
    metadata = read_exr_metadata("outputs/good.exr")
    assert metadata["samples"] == "4" and json.loads(metadata["scene"]) == GOOD
    out = capsys.readouterr().out
    assert "outputs/good.exr" in out and "4 spp" in out and out.count("\n") == 1


def test_render_options_reach_the_picture(good, tmp_path, monkeypatch, taichi):
    for name, options in {
        "a.npy": ["--seed", 1],
        "b.npy": ["--seed", 1],
        "c.npy": ["--seed", 2],
        "d.npy": ["--seed", 1, "--width", 8],
        "e.npy": ["--seed", 1, "--max-depth", 1],
    }.items():
        assert run(monkeypatch, "render", good, "-o", tmp_path / name, "--spp", 2, *options) == 0
    a, b, c, d, e = (np.load(tmp_path / f"{name}.npy") for name in "abcde")
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    assert d.shape == (6, 8, 3)
    assert e[6, 8].max() == 0.0 < a[6, 8].max(), "no light reaches the ball in one segment"


def test_render_layers_and_bits(good, tmp_path, monkeypatch, taichi):
    out = tmp_path / "layers.exr"
    code = run(monkeypatch, "render", good, "-o", out, "--spp", 2, "--buffers", "depth, normal,shape_id", "--bits", 16)
    assert code == 0
    layers = read_exr_layers(out)
    assert set(layers) == {"radiance", "depth", "normal", "shape_id"}
    radiance = layers["radiance"]
    assert np.array_equal(radiance, radiance.astype(np.float16)), "stored in 16 bits"
    assert 2.9 < layers["depth"][6, 8].item() < 3.2
    assert run(monkeypatch, "render", good, "-o", tmp_path / "deep.png", "--spp", 2, "--bits", 16) == 0
    assert (tmp_path / "deep.png").read_bytes()[24] == 16, "bit depth in the header"


def test_time_budget_ends_a_render(good, tmp_path, monkeypatch, capsys, taichi):
    out = tmp_path / "timed.npy"
    assert run(monkeypatch, "render", good, "-o", out, "--time-budget", 0.3) == 0
    assert "ended early" in capsys.readouterr().out
    assert np.isfinite(np.load(out)).all()


def test_info_schema_convert_compare(good, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "info", good, "--parameters") == 0
    out = capsys.readouterr().out
    assert "ball" in out and "materials.grey.albedo" in out
    assert run(monkeypatch, "schema") == 0
    assert json.loads(capsys.readouterr().out)["title"]
    assert run(monkeypatch, "convert", good, tmp_path / "copy.json") == 0
    assert run(monkeypatch, "info", tmp_path / "copy.json") == 0
    ramp = np.linspace(0, 1, 48 * 48 * 3, dtype=np.float32).reshape(48, 48, 3)
    write_image(tmp_path / "a.exr", ramp)
    assert run(monkeypatch, "convert", tmp_path / "a.exr", tmp_path / "b.npy") == 0
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), ramp)
    write_image(tmp_path / "c.npy", ramp + 0.25)
    capsys.readouterr()
    assert run(monkeypatch, "compare", tmp_path / "c.npy", tmp_path / "a.exr", "-d", tmp_path / "d.png") == 0
    out = capsys.readouterr().out
    values = dict(line.split() for line in out.splitlines() if len(line.split()) == 2)
    assert float(values["rmse"]) == pytest.approx(0.25, abs=1e-5)
    assert (tmp_path / "d.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["render", "good.json", "-o", "x.gif"], "--output"),
        (["render", "good.json", "-o", "x.png", "--buffers", "depth"], "--buffers"),
        (["render", "good.json", "-o", "x.exr", "--buffers", "dpeth"], "depth"),
        (["render", "good.json", "-o", "x.exr", "--spp", "0"], "spp"),
        (["render", "good.json", "-o", "x.exr", "--spp", "many"], "--spp"),
        (["render", "good.json", "-o", "x.exr", "--width", "0"], "width"),
        (["render", "good.json", "-o", "x.exr", "--width", "60000", "--height", "60000"], "pixels"),
        (["render", "good.json", "-o", "x.exr", "--max-depth", "0"], "max_depth"),
        (["render", "good.json", "-o", "x.exr", "--camera", "nobody"], "nobody"),
        (["render", "good.json", "-o", "x.exr", "--seed", "-1"], "seed"),
        (["render", "good.json", "-o", "x.exr", "--time-budget", "-2"], "time_budget"),
        (["render", "good.json", "-o", "x.exr", "--arch", "gpu"], "gpu"),
        (["render", "good.json", "-o", "x.png", "--bits", "12"], "bits"),
        (["render", "good.json", "-o", "x.hdr", "--bits", "8"], "bits"),
        (["render"], "SCENE"),
        (["rendr", "good.json"], "rendr"),
        (["compare", "good.json", "good.json"], "good.json"),
        (["convert", "good.json", "x.xyz"], "x.xyz"),
        (["info", "missing.json"], "missing.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_arguments(arguments, expected, good, monkeypatch, capsys, taichi):
    monkeypatch.chdir(good.parent)
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert expected in said and "Traceback" not in said
    assert sorted(path.name for path in good.parent.iterdir()) == ["good.json"], "nothing is written"


# ---------------------------------------------------------------------------------------------------------------------
# Broken files: each a function that writes them into a folder and returns the file to render.

PLY = b"""ply
format binary_little_endian 1.0
element vertex %d
property float x
property float y
property float z
element face %d
property list uchar int vertex_indices
end_header
"""
CORNERS = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)


def face(*indices: int) -> bytes:
    return struct.pack(f"<B{len(indices)}i", len(indices), *indices)


def scene_with(name: str, content: bytes | str, **changes: Any) -> Callable[[Path], Path]:
    """A scene with a mesh out of a file of this content."""

    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        shape = {"name": "mesh", "type": "mesh", "file": name}
        (folder / "scene.json").write_text(json.dumps({**GOOD, "shapes": [shape], **changes}))
        return folder / "scene.json"

    return write


def textured_with(name: str, content: bytes) -> Callable[[Path], Path]:
    changes = {
        "textures": {"picture": {"file": name}},
        "materials": {"grey": {"type": "diffuse", "albedo": {"texture": "picture"}}},
        "shapes": GOOD["shapes"],
    }
    return scene_with(name, content, **changes)


def lit_by(name: str, content: bytes) -> Callable[[Path], Path]:
    return scene_with(name, content, shapes=GOOD["shapes"], lights=[{"type": "environment", "file": name}])


def plain(name: str, content: bytes | str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return folder / name

    return write


def changed(*path: str | int, value: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        scene = json.loads(json.dumps(GOOD))
        at = scene
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        (folder / "scene.json").write_text(json.dumps(scene))
        return folder / "scene.json"

    return write


def gltf(**changes: Any) -> str:
    return json.dumps({
        "asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [{"byteLength": 36, "uri": "buffer.bin"}], **changes,
    })  # fmt: skip


def png(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not json": (plain("scene.json", "{]"), "scene.json"),
    "empty file": (plain("scene.json", ""), "scene.json"),
    "a list": (plain("scene.json", "[]"), "object"),
    "binary": (plain("scene.json", b"\xff\xfe\x00\x01"), "scene.json"),
    "deeply nested": (plain("scene.json", "[" * 100_000), "scene.json"),
    "unknown key": (changed("camra", value={}), "camera"),
    "wrong type": (changed("camera", "width", value="wide"), "camera.width"),
    "negative size": (changed("camera", "width", value=-4), "camera.width"),
    "huge size": (changed("camera", "width", value=10**9), "camera.width"),
    "fov": (changed("camera", "fov", value=180), "camera.fov"),
    "number not finite": (plain("scene.json", '{"camera": {"fov": NaN}}'), "camera.fov"),
    "misspelt material": (changed("shapes", 0, "material", value="gray"), "shapes[0].material"),
    "misspelt material type": (changed("materials", "grey", "type", value="difuse"), "diffuse"),
    "albedo above one": (changed("materials", "grey", "albedo", value=1.5), "materials.grey.albedo"),
    "unknown texture": (changed("materials", "grey", "albedo", value={"texture": "wood"}), "wood"),
    "negative radiance": (changed("lights", 0, "radiance", value=-1), "lights[0].radiance"),
    "singular transform": (changed("shapes", 0, "to_world", value={"scale": 0}), "shapes[0].to_world"),
    "mix of itself": (changed("materials", "grey", value={"type": "mix", "first": "grey", "second": "grey"}), "grey"),
    "name twice": (changed("shapes", value=GOOD["shapes"] * 2), "shapes[1]"),
    "missing mesh": (changed("shapes", 0, value={"type": "mesh", "file": "none.ply"}), "none.ply"),
    "missing environment": (changed("lights", 0, value={"type": "environment", "file": "none.hdr"}), "none.hdr"),
    "unknown mesh format": (scene_with("mesh.xyz", "1 2 3"), "mesh.xyz"),
    "inline mesh with NaN": (
        plain(
            "scene.json",
            json.dumps(
                {**GOOD, "shapes": [{"type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [0, 1]], "faces": [[0, 1, 2]]}]}
            ),
        ),
        "vertices",
    ),
    "inline index out of range": (
        plain(
            "scene.json",
            json.dumps(
                {
                    **GOOD,
                    "shapes": [{"type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [0, 1, 0]], "faces": [[0, 1, 3]]}],
                }
            ),
        ),
        "faces",
    ),
    "truncated ply": (scene_with("mesh.ply", PLY % (3, 1) + CORNERS[:20]), "mesh.ply"),
    "ply that promises too much": (scene_with("mesh.ply", PLY % (2**31 - 1, 1) + CORNERS), "mesh.ply"),
    "ply index out of range": (scene_with("mesh.ply", PLY % (3, 1) + CORNERS + face(0, 1, 7)), "mesh.ply"),
    "ply with nan": (
        scene_with("mesh.ply", PLY % (3, 1) + struct.pack("<f", float("nan")) + CORNERS[4:] + face(0, 1, 2)),
        "mesh.ply",
    ),
    "ply with infinity": (
        scene_with("mesh.ply", PLY % (3, 1) + struct.pack("<f", float("inf")) + CORNERS[4:] + face(0, 1, 2)),
        "mesh.ply",
    ),
    "ply without faces": (scene_with("mesh.ply", PLY % (3, 0) + CORNERS), "mesh.ply"),
    "ply of zero area": (scene_with("mesh.ply", PLY % (3, 1) + CORNERS + face(0, 0, 0)), "mesh.ply"),
    "ply without header": (scene_with("mesh.ply", b"plx\n"), "mesh.ply"),
    "obj index out of range": (scene_with("mesh.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n"), "mesh.obj"),
    "obj with words": (scene_with("mesh.obj", "v 0 zero 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), "mesh.obj"),
    "empty obj": (scene_with("mesh.obj", ""), "mesh.obj"),
    "truncated stl": (scene_with("mesh.stl", b"\0" * 80 + struct.pack("<I", 1000) + b"\0" * 50), "mesh.stl"),
    "truncated glb": (plain("scene.glb", b"glTF" + struct.pack("<II", 2, 4096)), "scene.glb"),
    "gltf that is no json": (plain("scene.gltf", "glTF"), "scene.gltf"),
    "gltf buffer above its folder": (
        plain("scene.gltf", gltf(buffers=[{"byteLength": 36, "uri": "../../secret.bin"}])),
        "..",
    ),
    "gltf buffer by absolute path": (
        plain("scene.gltf", gltf(buffers=[{"byteLength": 36, "uri": "/etc/passwd"}])),
        "/etc/passwd",
    ),
    "gltf node that is its own child": (plain("scene.gltf", gltf(nodes=[{"mesh": 0, "children": [0]}])), "scene.gltf"),
    "gltf accessor out of range": (
        plain("scene.gltf", gltf(buffers=[{"byteLength": 36, "uri": "data:application/octet-stream;base64,AAAA"}])),
        "scene.gltf",
    ),
    "xml with entities": (
        plain("scene.xml", '<!DOCTYPE a [<!ENTITY b "c">]><scene version="3.0.0">&b;</scene>'),
        "scene.xml",
    ),
    "xml cut short": (plain("scene.xml", '<scene version="3.0.0"><shape'), "scene.xml"),
    "truncated png": (textured_with("picture.png", png(64, 64)[:40]), "picture.png"),
    "png bomb": (textured_with("picture.png", png(100_000, 100_000)), "picture.png"),
    "jpg that is text": (textured_with("picture.jpg", b"hello"), "picture.jpg"),
    "npy with objects": (
        textured_with(
            "picture.npy",
            b"\x93NUMPY\x01\x00F\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust(80) + b"\n\x80\x04N.",
        ),
        "picture.npy",
    ),
    "truncated exr": (lit_by("sky.exr", b"\x76\x2f\x31\x01\x02\x00\x00\x00channels\0"), "sky.exr"),
    "truncated hdr": (lit_by("sky.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 64 +X 64\nab"), "sky.hdr"),
    "hdr bomb": (lit_by("sky.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 999999 +X 999999\n"), "sky.hdr"),
    "environment of nothing": (lit_by("sky.hdr", b""), "sky.hdr"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(case, tmp_path, monkeypatch, capsys):
    """One clear message that names the field or the file, exit code 2, no traceback, nothing written."""
    write, named = BROKEN[case]
    path = write(tmp_path)
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "render", path, "--spp", 1) == 2
    said = capsys.readouterr()
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert errors and len(errors) <= 3, said.err
    assert named in said.err
    assert "Traceback" not in said.err and said.out == ""
    assert sorted(tmp_path.iterdir()) == before


def test_compiled_kernels_are_kept(good, tmp_path):
    """The process ends without freeing things one by one, but not before the cache is written."""
    cache = tmp_path / "cache"
    cache.mkdir()
    environment = {**os.environ, "TI_OFFLINE_CACHE_FILE_PATH": str(cache), "DIFFRT_ARCH": "cpu"}
    command = [sys.executable, ROOT / "cli.py", "render", good, "-o", tmp_path / "out.exr", "--spp", "1"]
    kept = []
    for _ in range(2):
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0 and not done.stderr, done.stderr
        kept.append({file.name for file in cache.rglob("*.tic")})
    assert len(kept[0]) >= 3 and kept[1] == kept[0]
