"""Rays of every camera against projections written in NumPy."""

from typing import Any

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec2

from diffrt.device.upload import upload
from diffrt.render.render import render_buffers
from diffrt.scene.scene import Scene
from diffrt.shading.camera.dispatch import camera_ray
from diffrt.shading.camera.perspective import distort, undistort

WIDTH, HEIGHT = 64, 40
POSE = {"look_at": {"origin": [1.0, 2.0, 3.0], "target": [-1.0, 0.5, -2.0], "up": [0.1, 1.0, 0.2]}}
WALL = {"name": "wall", "type": "rectangle"}
COEFFICIENTS = (
    (0.0, 0.0, 0.0, 0.0, 0.0),
    (-0.28, 0.07, 0.0012, -0.0008, -0.006),  # a usual wide-angle lens
    (0.15, 0.02, -0.01, 0.02, 0.01),  # a pincushion with a tilted sensor
)


def camera_scene(**camera: Any) -> Scene:
    return Scene.from_dict({"camera": {"width": WIDTH, "height": HEIGHT, **camera}, "shapes": [WALL]})


@ti.kernel
def _rays(
    scene: ti.template(), features: ti.template(),
    film: ti.types.ndarray(dtype=vec2, ndim=1), lens: ti.types.ndarray(dtype=vec2, ndim=1),
    out: ti.types.ndarray(dtype=ti.f32, ndim=2),
):  # fmt: skip
    for i in range(film.shape[0]):
        ray = camera_ray(scene, features, film[i], lens[i])
        for d in ti.static(range(3)):
            out[i, d] = ray.origin[d]
            out[i, 3 + d] = ray.direction[d]
        out[i, 6] = ray.t_min
        out[i, 7] = ray.t_max


def rays(scene: Scene, film: np.ndarray, lens: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Origins, directions, t_min, t_max of the rays through film points (N,2)."""
    device = upload(scene, scene.camera())
    film = np.ascontiguousarray(film, np.float32)
    lens = np.full_like(film, 0.5) if lens is None else np.ascontiguousarray(lens, np.float32)
    out = np.zeros((len(film), 8), np.float32)
    _rays(device.fields, device.features, film, lens, out)
    return out[:, :3].astype(float), out[:, 3:6].astype(float), out[:, 6], out[:, 7]


def project(scene: Scene, points: np.ndarray) -> np.ndarray:
    """World points to pixels: the pinhole model and lens distortion of OpenCV, y down, z forward."""
    camera = scene.camera()
    local = np.linalg.inv(camera.world_matrix()) @ np.column_stack([points, np.ones(len(points))]).T
    x, y = local[0] / -local[2], -local[1] / -local[2]
    k1, k2, p1, p2, k3 = camera.distortion
    r2 = x**2 + y**2
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    yd = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    fx, fy, cx, cy = camera.focal()
    return np.column_stack([fx * xd + cx, fy * yd + cy])


def film_points(count: int = 500) -> np.ndarray:
    """Points of the film, its corners among them."""
    inside = np.random.default_rng(0).uniform(0, 1, (count, 2)) * [WIDTH, HEIGHT]
    return np.vstack([inside, [[0, 0], [WIDTH, 0], [0, HEIGHT], [WIDTH, HEIGHT]]])


@pytest.mark.parametrize("k", COEFFICIENTS, ids=str)
def test_rays_project_back_to_their_pixels(taichi: str, k: tuple[float, ...]) -> None:
    names = ("k1", "k2", "p1", "p2", "k3")
    intrinsics = {"fx": 50.0, "fy": 57.0, "cx": 30.0, "cy": 22.5}
    scene = camera_scene(to_world=POSE, intrinsics=intrinsics, distortion=dict(zip(names, k, strict=True)))
    film = film_points()
    origin, direction, _, _ = rays(scene, film)
    assert np.allclose(np.linalg.norm(direction, axis=1), 1.0, atol=1e-5)
    assert np.allclose(project(scene, origin + 3.7 * direction), film, atol=2e-3)


@ti.kernel
def _round_trip(
    k: ti.types.vector(5, ti.f32), p: ti.types.ndarray(dtype=vec2, ndim=1), q: ti.types.ndarray(dtype=vec2, ndim=1),
    back: ti.types.ndarray(dtype=vec2, ndim=1),
):  # fmt: skip
    for i in range(p.shape[0]):
        q[i] = distort(k, p[i])
        back[i] = undistort(k, q[i])


@pytest.mark.parametrize("k", COEFFICIENTS, ids=str)
def test_undistortion_inverts_distortion(taichi: str, k: tuple[float, ...]) -> None:
    p = np.random.default_rng(1).uniform(-0.7, 0.7, (2000, 2)).astype(np.float32)
    q, back = np.zeros_like(p), np.zeros_like(p)
    _round_trip(ti.Vector(k), p, q, back)
    assert np.abs(back - p).max() < 2e-6
    assert (np.abs(q - p).max() > 0.01) == any(k)


@pytest.mark.parametrize("axis", ["x", "y", "smaller", "larger"])
def test_field_of_view(taichi: str, axis: str) -> None:
    """The rays through the middles of two opposite sides span the field of view."""
    scene = camera_scene(fov=50.0, fov_axis=axis)
    across = axis in ("x", "larger")
    middles = [[0, HEIGHT / 2], [WIDTH, HEIGHT / 2]] if across else [[WIDTH / 2, 0], [WIDTH / 2, HEIGHT]]
    _, direction, _, _ = rays(scene, np.array(middles))
    assert np.degrees(np.arccos(direction[0] @ direction[1])) == pytest.approx(50.0, abs=1e-3)


def test_axes(taichi: str) -> None:
    """Without a pose: looking along -Z, +X right, +Y up, row 0 at the top."""
    _, direction, _, _ = rays(camera_scene(), np.array([[WIDTH / 2, HEIGHT / 2], [WIDTH, HEIGHT / 2], [WIDTH / 2, 0]]))
    assert np.allclose(direction[0], [0, 0, -1], atol=1e-6)
    assert direction[1][0] > 0.1 and abs(direction[1][1]) < 1e-6
    assert direction[2][1] > 0.1 and abs(direction[2][0]) < 1e-6


def test_thin_lens_focuses(taichi: str) -> None:
    """All rays of a film point meet in the pinhole's point of the plane in focus, and start on the lens."""
    lens = {"type": "thin_lens", "aperture_radius": 0.3, "focus_distance": 4.0}
    scene = camera_scene(to_world=POSE, fov=50, **lens)
    sharp = camera_scene(to_world=POSE, fov=50)
    count = 400
    u = np.random.default_rng(2).uniform(0, 1, (count, 2))
    inverse = np.linalg.inv(scene.camera().world_matrix())
    for film in ([10.0, 5.0], [50.0, 33.0]):
        points = np.tile(film, (count, 1))
        origin, direction, _, _ = rays(scene, points, u)
        start, along, _, _ = rays(sharp, points[:1])
        axial = -(inverse[:3, :3] @ along[0])[2]
        target = start[0] + along[0] * 4.0 / axial
        distance = np.linalg.norm(np.cross(target - origin, direction), axis=1)
        assert distance.max() < 1e-4
        local = (inverse @ np.column_stack([origin, np.ones(count)]).T)[:3]
        radius = np.hypot(local[0], local[1])
        assert np.abs(local[2]).max() < 1e-5
        assert radius.max() <= 0.3 + 1e-5
        # Uniform on the disk: radius squared is uniform, mean half, variance a twelfth.
        assert np.mean((radius / 0.3) ** 2) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / count))


def test_orthographic_extent(taichi: str) -> None:
    """`scale` is half the width; pixels are square; all rays are parallel."""
    scene = camera_scene(to_world=POSE, type="orthographic", scale=2.5)
    origin, direction, _, _ = rays(scene, np.array([[0, 0], [WIDTH, 0], [0, HEIGHT], [WIDTH / 2, HEIGHT / 2]]))
    matrix = scene.camera().world_matrix()
    assert np.allclose(direction, -matrix[:3, 2], atol=1e-5)
    assert np.allclose(origin[1] - origin[0], 5.0 * matrix[:3, 0], atol=1e-5)
    assert np.allclose(origin[2] - origin[0], -5.0 * HEIGHT / WIDTH * matrix[:3, 1], atol=1e-5)
    assert np.allclose(origin[3], matrix[:3, 3], atol=1e-5)


@pytest.mark.parametrize("kind", ["perspective", "orthographic"])
def test_clip_planes_are_planes(taichi: str, kind: str) -> None:
    """near and far are depths along the viewing axis, in every corner of the film."""
    scene = camera_scene(to_world=POSE, type=kind, near=0.5, far=7.0)
    origin, direction, t_min, t_max = rays(scene, film_points(50))
    forward = -scene.camera().world_matrix()[:3, 2]
    position = scene.camera().world_matrix()[:3, 3]
    for t, depth in ((t_min, 0.5), (t_max, 7.0)):
        points = origin + direction * t[:, None]
        assert np.allclose((points - position) @ forward, depth, atol=1e-4)


def test_what_is_clipped_is_not_seen(taichi: str) -> None:
    walls = [
        {"name": f"wall{z}", "type": "rectangle", "to_world": [{"scale": 5}, {"translate": [0, 0, z]}]}
        for z in (-1.0, -3.0, -5.0)
    ]
    for near, far, seen in (
        (0.0, 10.0, -1.0),
        (1.5, 10.0, -3.0),
        (3.5, 10.0, -5.0),
        (0.0, 0.5, None),
        (3.5, 4.0, None),
    ):
        camera = {"width": 16, "height": 16, "fov": 60, "near": near, "far": far}
        buffers = render_buffers(Scene.from_dict({"camera": camera, "shapes": walls}), ["position", "mask"], spp=4)
        assert np.all(buffers["mask"] == (seen is not None))
        if seen is not None:
            assert np.allclose(buffers["position"][..., 2], seen, atol=1e-5)


def test_resizing_keeps_the_view(taichi: str) -> None:
    scene = camera_scene(to_world=POSE, intrinsics={"fx": 50.0, "fy": 57.0, "cx": 30.0, "cy": 22.5})
    camera = scene.camera()
    _, direction, _, _ = rays(scene, film_points(20))
    scene.cameras[camera.name] = camera.resized(width=2 * WIDTH)
    _, larger, _, _ = rays(scene, 2.0 * film_points(20))
    assert np.allclose(direction, larger, atol=1e-6)
