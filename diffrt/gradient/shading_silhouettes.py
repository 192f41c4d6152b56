"""Lines on smooth-shaded triangles where the shading normal turns away from the camera.

A BSDF sees its two sides by the shading normal n. Near silhouettes n is interpolated past the horizon before the
triangle ends, and what lies beyond is lit from the other side: radiance jumps where f = w . n is zero, w from the
surface to the camera. No edge of the mesh lies there. However fine the mesh, this line accompanies its silhouettes, and
the jump does not get smaller.

With F(q) that f at film point q, and L+ and L- the radiance on the sides of positive and negative F, the derivative is

    int a(q) [L+ - L-] delta(F(q)) dF/dt dq

over the film. On a triangle f is a quadratic function of barycentrics (u, v), and the film's area |dq/d(u, v)| du dv.
The delta is resolved along lines of constant u, where it is worth 1 / |f_v| at each root, and along lines of constant
v; the two are weighted by f_v^2 and f_u^2 over their sum, so that neither meets a root that it touches.
"""

import numpy as np
import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, pixel_seed, uniform_1d, uniform_2d
from diffrt.core.vector import max_component
from diffrt.core.warp import disk_concentric
from diffrt.device.features import CAMERA_TYPES
from diffrt.device.geometry import Geometry
from diffrt.device.intersect import any_hit
from diffrt.device.work import Queue, first_turn, next_turn
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.lens import lens_numbers
from diffrt.gradient.primary_edges import beside, distortion_of
from diffrt.gradient.projection import to_camera, to_film, to_image_plane, turned_to_camera
from diffrt.gradient.visible_lines import camera_points
from diffrt.render.path import trace_path
from diffrt.scene.elements import Camera
from diffrt.shading.camera.dispatch import camera_ray

_BEFORE = 0.999
"""Share of the way to a line in which something hides it."""
_EDGE_ON = 1e-4
"""Cosine at which triangles are left out: where a ray meets them, and how large they look, is rounding."""
_BESIDE = 20.0
"""Points to the sides of a line are so many times as far as beside edges: which side they are on shows in the last bits
of interpolated normals. They keep to their triangle anyway."""
_SIDES = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))


def turning_triangles(g: Geometry, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Triangles on which f may change its sign, (K,), and how large they look, (K,), above zero.

    f is a Bezier triangle of degree two: it has one sign if all its six coefficients have.
    """
    smooth = np.flatnonzero(g.triangle_normals[:, 0] >= 0)
    corners = np.moveaxis(g.positions[g.triangles[smooth]].astype(np.float64), 1, 0)  # (3, K, 3)
    normals = np.moveaxis(g.normals[g.triangle_normals[smooth]].astype(np.float64), 1, 0)
    matrix = camera.world_matrix()
    least, most = np.full(len(smooth), np.inf), np.full(len(smooth), -np.inf)
    for eye in camera_points(camera):
        towards = matrix[:3, :3] @ eye + matrix[:3, 3] - corners
        if camera.type == "orthographic":
            towards = np.broadcast_to(matrix[:3, 2], corners.shape)
        for a, b in _SIDES:
            f = np.einsum("ki,ki->k", towards[a], normals[b]) + np.einsum("ki,ki->k", towards[b], normals[a])
            least, most = np.minimum(least, f), np.maximum(most, f)
    kept = np.flatnonzero((least < 0.0) & (most > 0.0))
    corners = np.moveaxis(corners[:, kept], 0, 1)
    local = (corners - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
    before = np.any(-local[..., 2] > camera.near, axis=1) | (camera.type == "orthographic")
    kept, corners, local = kept[before], corners[before], local[before]
    size = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1, initial=0.0)
    if camera.type != "orthographic":
        distance = np.linalg.norm(local, axis=2).min(axis=1, initial=np.inf)
        size = size / np.maximum(distance, size)
    return smooth[kept], size


@ti.func
def _root(f0: ti.f32, middle: ti.f32, f1: ti.f32, u: ti.f32):
    """One of the roots in [0, 1], at random, of the quadratic function with these values at 0, 1/2, 1; their number."""
    a = 2.0 * (f0 + f1) - 4.0 * middle
    b = 4.0 * middle - 3.0 * f0 - f1
    squared = b * b - 4.0 * a * f0
    count, root = 0, 0.0
    if squared > 0.0:
        h = -0.5 * (b + ti.select(b < 0.0, -1.0, 1.0) * ti.sqrt(squared))
        first = h / ti.select(a == 0.0, 1e-30, a)
        second = f0 / ti.select(h == 0.0, 1e-30, h)
        in_first, in_second = 0.0 <= first <= 1.0, 0.0 <= second <= 1.0
        count = ti.cast(in_first, ti.i32) + ti.cast(in_second, ti.i32)
        root = ti.select(in_first and (not in_second or u < 0.5), first, second)
    return root, count


@ti.func
def _film_velocity(
    scene: ti.template(), features: ti.template(), p: vec3, lens: vec2, image_point: vec2, e: vec3
) -> vec2:
    """Velocity on the film, in pixels, of a point p in the camera's frame that moves with velocity e there."""
    d = vec2(e.x, -e.y)
    if ti.static(CAMERA_TYPES[features.camera] != "orthographic"):
        slope = vec2(p.x, -p.y)
        if ti.static(CAMERA_TYPES[features.camera] == "thin_lens"):
            on_lens = disk_concentric(lens) * scene.camera_lens[None][0]
            slope -= vec2(on_lens.x, -on_lens.y)
        d = (d + slope * (e.z / -p.z)) / -p.z
    return distortion_of(scene, features, image_point, d)


@ti.kernel
def sample_silhouettes(
    scene: ti.template(), features: ti.template(), options: ti.template(), samples: ti.template(),
    queue: Queue, workers: ti.i32,
    weights: ti.types.ndarray(dtype=vec3, ndim=1), cdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
    triangles: ti.types.ndarray(dtype=ti.i32, ndim=1),
    number_of_triangles: ti.i32, first: ti.i32, count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32,
    rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`, evenly spread over the triangles."""
    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            number = first + i
            samples.active[i] = 0
            key = pixel_seed(number, seed)
            place = uniform_2d(INDEPENDENT, key, 0, 0)
            lens = lens_numbers(features, INDEPENDENT, key, 0, 1)
            choice = uniform_1d(INDEPENDENT, key, 0, 2)
            at = ti.min((ti.cast(number, ti.f32) + place.x) / ti.cast(total, ti.f32), 0.99999994)
            chosen = search_cdf(cdf, 0, number_of_triangles, at)
            triangle = triangles[chosen]
            density = cdf_interval(cdf, 0, chosen).y * ti.cast(total, ti.f32)
            corners = scene.triangles[triangle]
            numbers = scene.triangle_normals[triangle]
            p0, n0 = scene.positions[corners[0]], scene.normals[numbers[0]]
            e1, e2 = scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0
            m1, m2 = scene.normals[numbers[1]] - n0, scene.normals[numbers[2]] - n0
            # Along lines of constant v half of the time: the two change places.
            swapped = choice >= 0.5
            choice = ti.select(swapped, 2.0 * choice - 1.0, 2.0 * choice)
            s1, s2 = ti.select(swapped, e2, e1), ti.select(swapped, e1, e2)
            k1, k2 = ti.select(swapped, m2, m1), ti.select(swapped, m1, m2)
            ray = camera_ray(scene, features, vec2(0.0), lens)
            constant = place.y
            values = vec3(0.0)
            for k in ti.static(range(3)):
                other = 0.5 * k * (1.0 - constant)
                towards = ray.origin - (p0 + s1 * constant + s2 * other)
                if ti.static(CAMERA_TYPES[features.camera] == "orthographic"):
                    towards = -ray.direction
                values[k] = towards.dot(n0 + k1 * constant + k2 * other)
            root, roots = _root(values[0], values[1], values[2], choice)
            if roots > 0 and density > 0.0:
                other = root * (1.0 - constant)
                point = p0 + s1 * constant + s2 * other
                normal = n0 + k1 * constant + k2 * other
                local = to_camera(scene, point)
                in_front = True
                if ti.static(CAMERA_TYPES[features.camera] != "orthographic"):
                    in_front = local.z < 0.0
                if in_front:
                    image_point = to_image_plane(scene, features, local, lens)
                    film = to_film(scene, features, image_point)
                    adjoint = gathered(scene, options.filter, weights, film)
                    if max_component(ti.abs(adjoint)) > 0.0:
                        ray = camera_ray(scene, features, film, lens)
                        towards = -ray.direction
                        distance = (point - ray.origin).norm()
                        f1, f2 = towards.dot(k1), towards.dot(k2)
                        if ti.static(CAMERA_TYPES[features.camera] != "orthographic"):
                            f1 -= s1.dot(normal) / distance
                            f2 -= s2.dot(normal) / distance
                        squared = f1 * f1 + f2 * f2
                        here = to_camera(scene, point)
                        d1, d2 = turned_to_camera(scene, s1), turned_to_camera(scene, s2)
                        v1 = _film_velocity(scene, features, here, lens, image_point, d1)
                        v2 = _film_velocity(scene, features, here, lens, image_point, d2)
                        area = ti.abs(v1.x * v2.y - v1.y * v2.x)
                        edge_on = ti.abs(e1.cross(e2).normalized(1e-20).dot(towards)) < _EDGE_ON
                        hidden = edge_on or not (squared > 0.0 and ray.t_min < distance < ray.t_max)
                        if ti.static(not features.masked):
                            if not hidden:
                                hidden = any_hit(
                                    scene, features, ray.origin, ray.direction, ray.t_min, _BEFORE * distance
                                ) != 0  # fmt: skip
                        if not hidden:
                            # A step across, that neither leaves the triangle nor goes far on the film.
                            step = _BESIDE * beside(scene) / ti.max((v1 * f1 + v2 * f2).norm(), 1e-20)
                            step = ti.min(step, 1.0 / ti.sqrt(squared))
                            inside = ti.min(constant, ti.min(other, 1.0 - constant - other))
                            step = ti.min(step, 0.5 * inside / (ti.abs(f1) + ti.abs(f2)))
                            across = (v1 * f1 + v2 * f2) * step
                            jump = vec3(0.0)
                            for side in range(2):
                                sign = 1.0 - 2.0 * ti.cast(side, ti.f32)
                                seen = camera_ray(scene, features, film + across * sign, lens)
                                jump += sign * trace_path(
                                    scene, features, options, seen, key, number, max_depth, rr_depth
                                )  # fmt: skip
                            samples.active[i] = ti.cast(jump.dot(jump) > 0.0, ti.i32)
                            samples.edge[i] = chosen
                            samples.receiver[i] = triangle
                            samples.film[i] = film
                            samples.lens[i] = lens
                            chance = 0.5 * density / ti.cast(roots, ti.f32)
                            samples.jump[i] = jump * (area * ti.abs(f2) / (squared * chance))
            i = next_turn(queue, i)
