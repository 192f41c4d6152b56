"""Edges that the camera sees: where they lie on the film, and what jumps there (Li et al. 2018).

For a film point q on an edge with unit normal n in the film, and radiance L beside it,

    d/dt sum_j w_j I_j = int a(q) [L(q - e n) - L(q + e n)] (n . dq/dt) dl(q),      a(q) = sum_j w_j h_j(q)

over the edges, by their length on the film. An edge is straight in the ideal image plane, also seen through a point of
a lens; distortion bends it.
"""

import numpy as np
import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, pixel_seed, uniform_2d
from diffrt.device.geometry import Geometry
from diffrt.device.intersect import any_hit
from diffrt.gradient.edges import Edges, face_normals
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.projection import to_camera, to_film, to_image_plane
from diffrt.render.buffers import channels_along
from diffrt.render.path import trace_path
from diffrt.render.rendering import CHANNEL_COUNT, CHANNELS
from diffrt.scene.elements import Camera
from diffrt.shading.camera.dispatch import CameraRay, camera_ray
from diffrt.shading.camera.perspective import distortion_derivative

_BEFORE = 0.999
"""Share of the way to an edge in which something hides it."""
_LEAST_DEPTH = 1e-4
RADIANCE = -1
"""What may jump at an edge: radiance, or channels 3 k, 3 k + 1 and 3 k + 2 of the buffers."""
CHANNEL_GROUPS = CHANNEL_COUNT // 3
CHANNELS_OF_UV = CHANNELS["uv"][0] // 3


def visible_edges(edges: Edges, g: Geometry, camera: Camera, radius: float) -> tuple[np.ndarray, ...]:
    """Edges that the camera may see as such.

    Args:
        radius: of the filter, in pixels.

    Returns:
        numbers (K,) of edges, the part of each that lies before the camera and on the padded film as a range
        (K, 2) in [0, 1], and the length of that on the film in pixels (K,), all above zero.
    """
    matrix = camera.world_matrix()
    inverse = np.linalg.inv(matrix)
    points = g.positions.astype(np.float64)
    seen = edges.always.copy()
    candidates = np.flatnonzero(~edges.flat & (edges.faces[:, 1] >= 0))
    normals = face_normals(g)
    at = points[edges.vertices[candidates, 0]]
    sides = []
    for offset in camera_points(camera):
        towards = at - (matrix[:3, :3] @ offset + matrix[:3, 3])
        if camera.type == "orthographic":
            towards = np.broadcast_to(-matrix[:3, 2], at.shape)
        sides += [np.sum(normals[edges.faces[candidates, k]] * towards, axis=1) > 0.0 for k in (0, 1)]
    seen[candidates] |= ~np.all([side == sides[0] for side in sides], axis=0)
    numbers = np.flatnonzero(seen)

    local = points @ inverse[:3, :3].T + inverse[:3, 3]
    ends = local[edges.vertices[numbers]]
    if camera.type == "orthographic":
        focal = camera.width / (2.0 * camera.scale)
        fx, fy, cx, cy = focal, focal, 0.5 * camera.width, 0.5 * camera.height
        depth = np.ones(ends.shape[:2])
        limits = [(-ends[..., 2] - camera.near, 0.0)]
    else:
        fx, fy, cx, cy = camera.focal()
        depth = -ends[..., 2]
        limits = [(depth - max(camera.near, _LEAST_DEPTH * max(1.0, float(np.abs(local).max()))), 0.0)]
    if np.isfinite(camera.far):
        limits.append((camera.far + ends[..., 2], 0.0))
    # Inside is where all of these linear functions of the ends are positive (Liang and Barsky).
    if camera.type != "thin_lens" and not np.any(camera.distortion):
        x, y = fx * ends[..., 0] + cx * depth, -fy * ends[..., 1] + cy * depth
        limits += [(x + radius * depth, 0.0), ((camera.width + radius) * depth - x, 0.0)]
        limits += [(y + radius * depth, 0.0), ((camera.height + radius) * depth - y, 0.0)]
    low, high = np.zeros(len(numbers)), np.ones(len(numbers))
    for value, _ in limits:
        a, b = value[:, 0], value[:, 1]
        crossing = a / np.where(a == b, 1.0, a - b)
        low = np.where((a < 0.0) & (b >= 0.0), np.maximum(low, crossing), low)
        high = np.where((a >= 0.0) & (b < 0.0), np.minimum(high, crossing), high)
        high = np.where((a < 0.0) & (b < 0.0), -1.0, high)
    clipped = ends[:, :1] + np.stack([low, high], axis=1)[..., None] * (ends[:, 1:] - ends[:, :1])
    scale = 1.0 if camera.type == "orthographic" else np.maximum(-clipped[..., 2:], 1e-30)
    film = clipped[..., :2] / scale * [fx, fy]
    length = np.linalg.norm(film[:, 1] - film[:, 0], axis=1)
    kept = (high > low) & (length > 1e-6) & np.isfinite(length)
    return numbers[kept], np.stack([low, high], axis=1)[kept], length[kept]


def camera_points(camera: Camera) -> np.ndarray:
    """Points of the camera's frame that it sees from: its centre, and some of the rim of its lens."""
    r = camera.aperture_radius if camera.type == "thin_lens" else 0.0
    return np.array([[0, 0, 0], [r, 0, 0], [-r, 0, 0], [0, r, 0], [0, -r, 0]], dtype=np.float64)[: 5 if r else 1]


@ti.func
def distortion_of(scene: ti.template(), features: ti.template(), p: vec2, d: vec2) -> vec2:
    """Velocity on the film, in pixels, of an ideal image point p that moves with velocity d."""
    moved = d
    if ti.static(features.distorted):
        a, b, c = distortion_derivative(scene.camera_distortion[None], p)
        moved = vec2(a * d.x + b * d.y, b * d.x + c * d.y)
    f = scene.camera_intrinsics[None]
    return vec2(f[0] * moved.x, f[1] * moved.y)


@ti.func
def beside(scene: ti.template()) -> ti.f32:
    """Pixels between an edge and the points to its sides.

    Far above the rounding of film points and directions, and no further: other lines, as those of
    `shading_silhouettes.py`, may run close by.
    """
    return ti.max(6e-6 * ti.cast(scene.film_size[None][0], ti.f32), 2e-6 * scene.camera_intrinsics[None][0])


@ti.func
def third_corner(scene: ti.template(), triangle: ti.i32, ends) -> vec3:
    """The corner of a triangle that is not on its edge."""
    corners = scene.triangles[triangle]
    return scene.positions[corners[0] + corners[1] + corners[2] - ends[0] - ends[1]]


@ti.func
def _nearness(scene: ti.template(), triangle: ti.i32, point: vec3, origin: vec3, direction: vec3) -> ti.f32:
    """Inverse distance, along a ray, to the plane of a triangle with that point."""
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    normal = (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0)
    across = normal.dot(point - origin)
    return normal.dot(direction) / ti.select(across == 0.0, 1e-30, across)


@ti.func
def _beside(
    scene: ti.template(), features: ti.template(), triangle: ti.i32, ends, point: vec3, lens: vec2, image_point: vec2,
    normal: vec2, bent: vec2,
):  # fmt: skip
    """A step from an edge into a triangle beside it, in the image plane, and on which side of the edge that is.

    The step goes towards the opposite corner and no further than a quarter of the way, so that it stays inside however
    thin the triangle looks.
    """
    here = to_camera(scene, point)
    there = to_camera(scene, third_corner(scene, triangle, ends))
    if ti.static(features.camera != 2):
        # Only what lies well before the camera can be projected.
        if there.z > 0.5 * here.z:
            there = here + (there - here) * (0.5 * here.z / ti.min(here.z - there.z, -1e-20))
    step = to_image_plane(scene, features, there, lens) - image_point
    side = step.dot(normal)
    pixels = ti.abs(distortion_of(scene, features, image_point, step).dot(bent))
    return step * ti.min(beside(scene) / ti.max(pixels, 1e-20), 0.25), side


@ti.func
def _shown(
    scene: ti.template(), features: ti.template(), options: ti.template(), shown: ti.template(), ray: CameraRay,
    key: ti.u32, number: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
) -> vec3:  # fmt: skip
    """What is seen along a ray: RADIANCE, or a group of channels."""
    result = vec3(0.0)
    if ti.static(shown == RADIANCE):
        result = trace_path(scene, features, options, ray, key, number, max_depth, rr_depth)
    else:
        row = channels_along(scene, features, options, ray, key, number)
        for d in ti.static(range(3)):
            result[d] = row[3 * shown + d]
    return result


@ti.kernel
def sample_edges(
    scene: ti.template(), features: ti.template(), options: ti.template(), shown: ti.template(),
    samples: ti.template(),
    weights: ti.types.ndarray(dtype=vec3, ndim=1), cdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
    ends: ti.types.ndarray(dtype=ti.math.ivec2, ndim=1), faces: ti.types.ndarray(dtype=ti.math.ivec2, ndim=1),
    ranges: ti.types.ndarray(dtype=vec2, ndim=1),
    edges: ti.i32, first: ti.i32, count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`, evenly spread over the edges."""
    for i in range(count):
        number = first + i
        key = pixel_seed(number, seed)
        u = uniform_2d(INDEPENDENT, key, 0, 0)
        lens = uniform_2d(INDEPENDENT, key, 0, 1)
        place = ti.min((ti.cast(number, ti.f32) + u.x) / ti.cast(total, ti.f32), 0.99999994)
        edge = search_cdf(cdf, 0, edges, place)
        interval = cdf_interval(cdf, 0, edge)
        samples.active[i] = 0
        a, b = ends[edge][0], ends[edge][1]
        r = ranges[edge]
        start, end = scene.positions[a], scene.positions[b]
        p0 = to_camera(scene, start + (end - start) * r.x)
        p1 = to_camera(scene, start + (end - start) * r.y)
        q0, q1 = to_image_plane(scene, features, p0, lens), to_image_plane(scene, features, p1, lens)
        # Uniform in the image plane, where samples follow each other evenly; depth makes it uneven along the edge.
        s = ti.min(ti.max((place - interval.x) / ti.max(interval.y, 1e-30), 0.0), 1.0)
        t = s
        if ti.static(features.camera != 2):
            t = s * p0.z / (s * p0.z + (1.0 - s) * p1.z)
        image_point = q0 + (q1 - q0) * s
        tangent = distortion_of(scene, features, image_point, q1 - q0)
        length = tangent.norm()
        film = to_film(scene, features, image_point)
        adjoint = gathered(scene, options.filter, weights, film)
        if adjoint.dot(adjoint) > 0.0 and length > 0.0 and interval.y > 0.0:
            along = r.x + (r.y - r.x) * t
            point = start + (end - start) * along
            ray = camera_ray(scene, features, film, lens)
            distance = (point - ray.origin).norm()
            hidden = False
            if ti.static(not features.masked):
                hidden = any_hit(scene, features, ray.origin, ray.direction, ray.t_min, _BEFORE * distance) != 0
            if not hidden:
                normal = vec2(-tangent.y, tangent.x) / length
                # The two sides: in the nearer of the triangles that lie there, else free of both.
                across = vec2(-(q1 - q0).y, (q1 - q0).x).normalized()
                free = distortion_of(scene, features, image_point, across).norm()
                below, above = -across * (beside(scene) / free), across * (beside(scene) / free)
                nearest_below, nearest_above = -1e30, -1e30
                for k in ti.static(range(2)):
                    triangle = faces[edge][k]
                    if triangle >= 0:
                        step, side = _beside(
                            scene, features, triangle, ends[edge], point, lens, image_point, across, normal
                        )
                        aside = camera_ray(scene, features, to_film(scene, features, image_point + step), lens)
                        near = _nearness(scene, triangle, point, aside.origin, aside.direction)
                        if side < 0.0 and near > nearest_below:
                            below, nearest_below = step, near
                        if side > 0.0 and near > nearest_above:
                            above, nearest_above = step, near
                inner = camera_ray(scene, features, to_film(scene, features, image_point + below), lens)
                outer = camera_ray(scene, features, to_film(scene, features, image_point + above), lens)
                # The same random numbers on both sides: what does not jump cancels.
                before = _shown(scene, features, options, shown, inner, key, number, max_depth, rr_depth)
                behind = _shown(scene, features, options, shown, outer, key, number, max_depth, rr_depth)
                jump = before - behind
                samples.active[i] = ti.cast(jump.dot(jump) > 0.0, ti.i32)
                samples.vertices[i] = ends[edge]
                samples.along[i] = along
                samples.film[i] = film
                samples.lens[i] = lens
                samples.normal[i] = vec3(normal.x, normal.y, 0.0)
                samples.jump[i] = jump * (length / (interval.y * ti.cast(total, ti.f32)))
