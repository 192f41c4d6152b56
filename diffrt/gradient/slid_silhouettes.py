"""Lines on smooth-shaded shapes that slide, where the shading normal turns away from other surfaces.

What `shading_silhouettes.py` is for the camera, this is for the points x_S of all other surfaces: as seen from there,
radiance of a surface jumps where f = w . n is zero, n the shading normal at x_E and w the direction from there to x_S.
If points of the surface keep the directions in which they are met, and so slide over it, the line moves against them.
With m the geometric normal, L+ and L- the radiance on the sides of positive and negative f, the derivative is

    int int W(x_S) f_s(x_S) [L+ - L-] |m . w| delta(f) df/dt dw dA

over points and directions. The delta leaves the circle of directions normal to n. They are drawn from it evenly, and
where earlier ones found something: not in proportion to |m . w|, by which the motion of the line is divided.
"""

import numpy as np
import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, SOBOL, pixel_seed, uniform_1d, uniform_2d
from diffrt.core.vector import PI, frame_from_normal, is_finite, max_component, to_world
from diffrt.core.warp import triangle_uniform
from diffrt.device.features import LIGHT_ENVIRONMENT
from diffrt.device.geometry import Geometry
from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.device.work import Queue, first_turn, next_turn
from diffrt.gradient.edge_directions import along_circle, cell, draw, relative_density
from diffrt.gradient.edge_lights import from_surfaces
from diffrt.gradient.importance import walk_from
from diffrt.gradient.lens import lens_numbers
from diffrt.gradient.walk import arriving_at_film
from diffrt.gradient.way_points import MOST_POINTS, moves, way_moves

_STEP = 1e-3
"""Share of a triangle's size between the line and the points on both sides of it, at most."""


def bent_triangles(g: Geometry, slides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smooth-shaded triangles of shapes that slide, (K,), and their areas, (K,).

    Args:
        slides: (shapes,)
    """
    chosen = np.flatnonzero((g.triangle_normals >= 0).all(axis=1) & slides[g.triangle_shape])
    corners = g.positions.astype(np.float64)[g.triangles[chosen]]
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return chosen[area > 0.0], area[area > 0.0]


@ti.kernel
def sample_slid_silhouettes(
    scene: ti.template(), features: ti.template(), options: ti.template(), samples: ti.template(),
    queue: Queue, workers: ti.i32,
    weights: ti.types.ndarray(dtype=vec3, ndim=1), cdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
    triangles: ti.types.ndarray(dtype=ti.i32, ndim=1), groups: ti.types.ndarray(dtype=ti.i32, ndim=1),
    guide: ti.types.ndarray(dtype=ti.f32, ndim=1), lengths: ti.types.ndarray(dtype=ti.f32, ndim=1),
    film_cdf: ti.types.ndarray(dtype=ti.f32, ndim=1), number_of_triangles: ti.i32,
    first: ti.i32, count: ti.i32, run_first: ti.i32, run_count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32,
    rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`. They are part of a run that is evenly spread over the
    triangles.

    Args:
        groups: (K,) of the triangles, which share a histogram of directions and lengths of walks.
        cdf, guide: of the triangles, and of directions on the circle.
        lengths, film_cdf: of the walks to the camera, see walk.py.
    """
    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            number = first + i
            samples.active[i] = 0
            key = pixel_seed(0, seed)
            at = (ti.cast(number - run_first, ti.f32) + uniform_1d(INDEPENDENT, key, number, 0)) / ti.cast(
                run_count, ti.f32
            )
            at = ti.min(at, 0.99999994)
            chosen = search_cdf(cdf, 0, number_of_triangles, at)
            triangle = triangles[chosen]
            group = groups[chosen]
            turn = draw(guide, group, uniform_2d(SOBOL, key, number, 2))
            density = cdf_interval(cdf, 0, chosen).y * ti.cast(total, ti.f32) * relative_density(guide, group, turn)
            b = triangle_uniform(uniform_2d(SOBOL, key, number, 1))
            lens = lens_numbers(features, SOBOL, key, number, 3)
            corners, numbers = scene.triangles[triangle], scene.triangle_normals[triangle]
            p0, n0 = scene.positions[corners[0]], scene.normals[numbers[0]]
            e1, e2 = scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0
            k1, k2 = scene.normals[numbers[1]] - n0, scene.normals[numbers[2]] - n0
            cross = e1.cross(e2)
            m = cross.normalized(1e-20)
            bent = n0 + k1 * b.x + k2 * b.y
            n = bent.normalized(1e-20)
            angle = 2.0 * PI * along_circle(turn)
            w = to_world(frame_from_normal(n), vec3(ti.cos(angle), ti.sin(angle), 0.0))
            slope = vec2(w.dot(k1), w.dot(k2))
            squared = slope.dot(slope)
            surface = surface_at(scene, features, triangle, b.x, b.y)
            clear = offset_along(surface.position, surface.normal, surface.error, w)
            possible = squared > 0.0 and density > 0.0
            hit = closest_hit(scene, features, clear, w, 0.0, ti.select(possible, FAR, 0.0))
            if possible and hit.triangle >= 0:
                room = ti.min(max_depth - 3, MOST_POINTS - 2)
                shadow = walk_from(hit.triangle, hit.u, hit.v, -w)
                arriving, film, steps = arriving_at_film(
                    scene, features, options, samples.way, i, weights, lengths, group, film_cdf, shadow, room, lens,
                    key, number,
                )  # fmt: skip
                if max_component(arriving) > 0.0 and (
                    moves(scene, triangle) or way_moves(scene, samples.way, steps, i)
                ):
                    # Across the line, and not over the edges.
                    inside = ti.min(b.x, ti.min(b.y, 1.0 - b.x - b.y))
                    step = slope * (ti.min(_STEP, 0.5 * inside) / ti.max(ti.abs(slope.x) + ti.abs(slope.y), 1e-20))
                    size = ti.sqrt(cross.norm())
                    jump = vec3(0.0)
                    for k in range(2):
                        sign = 1.0 - 2.0 * ti.cast(k, ti.f32)
                        there = b + step * sign
                        start = p0 + e1 * there.x + e2 * there.y + w * (_STEP * size)
                        sent = from_surfaces(
                            scene, features, options, surface.position, start, -w, 0, key, number,
                            max_depth - steps - 1, rr_depth,
                        )  # fmt: skip
                        jump += sent.amount * (ti.cast(sent.index == triangle, ti.f32) * sign)
                    jump *= arriving * (0.5 * cross.norm() * 2.0 * PI * ti.abs(m.dot(w)) / (bent.norm() * density))
                    good = is_finite(jump.x) and is_finite(jump.y) and is_finite(jump.z)
                    samples.active[i] = ti.cast(good and jump.dot(jump) > 0.0, ti.i32)
                    samples.edge[i] = chosen
                    samples.cell[i] = cell(turn)
                    samples.far[i] = triangle
                    samples.far_kind[i] = LIGHT_ENVIRONMENT
                    samples.film[i] = film
                    samples.lens[i] = lens
                    samples.normal[i] = w
                    samples.steps[i] = steps
                    samples.jump[i] = jump
            i = next_turn(queue, i)
