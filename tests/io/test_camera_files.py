"""Poses from transforms.json and COLMAP: a point of the world is seen where the file's own convention says."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffrt.errors import InputError
from diffrt.io.cameras import PosedImage, read_transforms
from diffrt.io.colmap import read_colmap

ANGLE = 0.3
TURN = np.array([[np.cos(ANGLE), 0, np.sin(ANGLE)], [0, 1, 0], [-np.sin(ANGLE), 0, np.cos(ANGLE)]])
PLACE = np.array([0.5, 1.0, 4.0])
POINTS = np.array([[0.1, 0.2, -1.0], [-0.4, 0.9, 0.5], [1.0, 1.0, 0.0]])


def pose() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = TURN, PLACE
    return matrix


def seen(image: PosedImage, points: np.ndarray) -> np.ndarray:
    """Pixels (N, 2) of points, for a camera that looks along -Z with Y up, without distortion."""
    assert image.intrinsics is not None
    fx, fy, cx, cy = image.intrinsics
    local = (points - image.to_world[:3, 3]) @ image.to_world[:3, :3]
    return np.stack([cx - fx * local[:, 0] / local[:, 2], cy + fy * local[:, 1] / local[:, 2]], axis=1)


def write(folder: Path, data: dict[str, Any], images: tuple[str, ...] = ("a.png",)) -> Path:
    for name in images:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "transforms.json").write_text(json.dumps(data))
    return folder / "transforms.json"


def test_nerf_synthetic(tmp_path: Path) -> None:
    frame = {"file_path": "./train/r_0", "rotation": 0.1, "transform_matrix": pose().tolist()}
    path = write(tmp_path, {"camera_angle_x": 0.69, "frames": [frame]}, ("train/r_0.png",))
    (image,) = read_transforms(path)
    assert image.file == tmp_path / "train" / "r_0.png" and image.name == "r_0"
    assert image.angle == 0.69 and image.intrinsics is None and image.size is None
    assert image.to_world == pytest.approx(pose())


def test_instant_ngp_and_nerfstudio(tmp_path: Path) -> None:
    lens = {"fl_x": 500, "fl_y": 510, "cx": 320, "cy": 230, "w": 640.0, "h": 480.0}
    bend = {"k1": 0.1, "k2": -0.2, "p1": 0.01, "p2": 0.02, "camera_model": "OPENCV", "aabb_scale": 4}
    frames = [
        {"file_path": "a.png", "transform_matrix": pose().tolist()},
        {"file_path": "b.png", "transform_matrix": pose().tolist(), "fl_x": 600, "k1": 0.0},
    ]
    first, second = read_transforms(write(tmp_path, {**lens, **bend, "frames": frames}, ("a.png", "b.png")))
    assert first.intrinsics == pytest.approx([500, 510, 320, 230]) and first.size == (640, 480)
    assert first.distortion == pytest.approx([0.1, -0.2, 0.01, 0.02, 0.0])
    assert second.intrinsics == pytest.approx([600, 510, 320, 230]) and second.distortion[0] == 0.0


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"frames": []}, "frames"),
        ({"fl_x": -1}, "fl_x"),
        ({"fl_x": None}, "frames[0].fl_x"),
        ({"w": None}, "w"),
        ({"camera_model": "OPENCV_FISHEYE"}, "frames[0].camera_model"),
        ({"frames": [{"file_path": "a.png", "transform_matrix": [[1, 2], [3, 4]]}]}, "frames[0].transform_matrix"),
        ({"frames": [{"file_path": "a.png", "transform_matrix": "x"}]}, "frames[0].transform_matrix"),
        (
            {"frames": [{"file_path": "a.png", "transform_matrix": (2 * np.eye(4)).tolist()}]},
            "frames[0].transform_matrix",
        ),
        ({"frames": [{"file_path": 3, "transform_matrix": np.eye(4).tolist()}]}, "frames[0].file_path"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    frame = {"file_path": "a.png", "transform_matrix": pose().tolist()}
    data = {"fl_x": 500, "w": 64, "h": 48, "frames": [frame], **change}
    with pytest.raises(InputError) as caught:
        read_transforms(write(tmp_path, data))
    assert place in [item.field for item in caught.value.problems]


QUATERNION = np.array([0.8, 0.1, -0.5, 0.3]) / np.linalg.norm([0.8, 0.1, -0.5, 0.3])
SHIFT = np.array([0.3, -0.2, 5.0])


def as_colmap_sees(points: np.ndarray) -> np.ndarray:
    """COLMAP's own convention: q p q* + t, then x right, y down, z forward; pixels (fx x / z + cx, fy y / z + cy)."""
    w, v = QUATERNION[0], QUATERNION[1:]
    turned = points + 2.0 * np.cross(v, np.cross(v, points) + w * points)
    local = turned + SHIFT
    return np.stack([700 * local[:, 0] / local[:, 2] + 310, 710 * local[:, 1] / local[:, 2] + 250], axis=1)


def text_model(folder: Path) -> None:
    numbers = " ".join(map(str, [*QUATERNION, *SHIFT]))
    (folder / "cameras.txt").write_text("# one line a camera\n3 OPENCV 640 480 700 710 310 250 0.1 0.2 0.01 0.02\n")
    (folder / "images.txt").write_text(
        f"# two lines an image\n1 {numbers} 3 with space.jpg\n1.0 2.0 -1 3.0 4.0 7\n2 {numbers} 3 a.jpg\n\n"
    )


def binary_model(folder: Path) -> None:
    lens = struct.pack("<iiQQ8d", 3, 4, 640, 480, 700, 710, 310, 250, 0.1, 0.2, 0.01, 0.02)
    (folder / "cameras.bin").write_bytes(struct.pack("<Q", 1) + lens)

    def image(number: int, name: str, points: int) -> bytes:
        head = struct.pack("<i7di", number, *QUATERNION, *SHIFT, 3) + name.encode() + b"\0"
        return head + struct.pack("<Q", points) + struct.pack("<ddq", 1.0, 2.0, -1) * points

    (folder / "images.bin").write_bytes(struct.pack("<Q", 2) + image(1, "with space.jpg", 2) + image(2, "a.jpg", 0))


@pytest.mark.parametrize("make", [text_model, binary_model])
def test_colmap(tmp_path: Path, make: Any) -> None:
    make(tmp_path)
    images = read_colmap(tmp_path, tmp_path / "photos")
    assert [image.name for image in images] == ["a", "with space"]
    for image in images:
        assert image.file.parent == tmp_path / "photos"
        assert image.size == (640, 480)
        assert image.distortion == pytest.approx([0.1, 0.2, 0.01, 0.02, 0.0])
        assert np.linalg.det(image.to_world[:3, :3]) == pytest.approx(1.0)
        assert seen(image, POINTS) == pytest.approx(as_colmap_sees(POINTS))


def test_colmap_models_that_cannot_be(tmp_path: Path) -> None:
    text_model(tmp_path)
    (tmp_path / "cameras.txt").write_text("3 OPENCV_FISHEYE 640 480 700 710 310 250 0.1 0.2 0 0\n")
    with pytest.raises(InputError, match="OPENCV_FISHEYE"):
        read_colmap(tmp_path, tmp_path)
    (tmp_path / "cameras.txt").write_text("4 PINHOLE 640 480 700 710 310 250\n")
    with pytest.raises(InputError, match="no readable COLMAP model"):
        read_colmap(tmp_path, tmp_path)
    with pytest.raises(InputError, match=r"no images\.bin"):
        read_colmap(tmp_path / "nothing", tmp_path)


@pytest.mark.parametrize("cut", [4, 60, 100])
def test_colmap_cut_short(tmp_path: Path, cut: int) -> None:
    binary_model(tmp_path)
    file = tmp_path / "images.bin"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(InputError, match="no readable COLMAP model"):
        read_colmap(tmp_path, tmp_path)
