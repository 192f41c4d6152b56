"""Edges that the camera sees: where they lie on the film, and what jumps there (Li et al. 2018).

For a film point q on an edge with unit normal n in the film, and radiance L beside it,

    d/dt sum_j w_j I_j = int a(q) [L(q - e n) - L(q + e n)] (n . dq/dt) dl(q),      a(q) = sum_j w_j h_j(q)

over the edges, by their length on the film. An edge is straight in the ideal image plane, also seen through a point of
a lens; distortion bends it. In a flat mirror the camera sees the mirror images of edges, and likewise the lines where
triangles pierce each other: q is where the image of the point is seen.
"""

import taichi as ti
from taichi.math import ivec2, ivec4, vec2, vec3, vec4

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, pixel_seed, uniform_2d
from diffrt.core.vector import max_component
from diffrt.device.hit import Hit, nowhere
from diffrt.device.intersect import any_hit, closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.device.work import Queue, first_turn, next_turn
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.lens import lens_numbers
from diffrt.gradient.projection import to_camera, to_film, to_image_plane
from diffrt.render.buffers import channels_along
from diffrt.render.path import trace_path_from
from diffrt.render.rendering import CHANNEL_COUNT, CHANNELS
from diffrt.shading.camera.dispatch import CameraRay, camera_ray
from diffrt.shading.camera.perspective import distortion_derivative

_BEFORE = 0.99999
"""Share of the way to an edge in which something hides it."""
_INSIDE = 3e-6
"""How far inside a triangle it is met at its edges, over the size of its coordinates."""
_MOST_LAYERS = 8
"""Through so many surfaces that let light pass a mirror is looked for."""
RADIANCE = -1
"""What may jump at an edge: radiance, or channels 3 k, 3 k + 1 and 3 k + 2 of the buffers."""
CHANNEL_GROUPS = CHANNEL_COUNT // 3
CHANNELS_OF_UV = CHANNELS["uv"][0] // 3


@ti.func
def distortion_of(scene: ti.template(), features: ti.template(), p: vec2, d: vec2) -> vec2:
    """Velocity on the film, in pixels, of an ideal image point p that moves with velocity d."""
    moved = d
    if ti.static(features.distorted):
        a, b, c = distortion_derivative(scene.camera_distortion[None], p)
        moved = vec2(a * d.x + b * d.y, b * d.x + c * d.y)
    f = scene.camera_intrinsics[None]
    return vec2(f[0] * moved.x, f[1] * moved.y)


@ti.dataclass
class OnLine:
    """A point of a line as the camera sees it.

    Attributes:
        along: where on the line, 0 at its start and 1 at its end.
        image_point, film: where it is seen, in the image plane and in pixels.
        line, tangent: from one end to the other of what is sampled of the line, in the image plane and in pixels.
    """

    along: ti.f32
    image_point: vec2
    film: vec2
    line: vec2
    tangent: vec2


@ti.func
def place_on_line(
    scene: ti.template(), features: ti.template(), start: vec3, end: vec3, part: vec2, s: ti.f32, lens: vec2
) -> OnLine:
    """The point that lies at s in [0, 1] between the images of the ends of a part of a line.

    Uniform in the image plane, where samples follow each other evenly; depth makes it uneven along the line.
    """
    p0 = to_camera(scene, start + (end - start) * part.x)
    p1 = to_camera(scene, start + (end - start) * part.y)
    q0, q1 = to_image_plane(scene, features, p0, lens), to_image_plane(scene, features, p1, lens)
    t = s
    if ti.static(features.camera != 2):
        t = s * p0.z / (s * p0.z + (1.0 - s) * p1.z)
    image_point = q0 + (q1 - q0) * s
    tangent = distortion_of(scene, features, image_point, q1 - q0)
    return OnLine(part.x + (part.y - part.x) * t, image_point, to_film(scene, features, image_point), q1 - q0, tangent)


@ti.func
def third_corner(scene: ti.template(), triangle: ti.i32, ends) -> vec3:
    """The corner of a triangle that is not on its edge."""
    corners = scene.triangles[triangle]
    return scene.positions[corners[0] + corners[1] + corners[2] - ends[0] - ends[1]]


@ti.func
def beside(scene: ti.template()) -> ti.f32:
    """Pixels between an edge and the points to its sides.

    Far above the rounding of film points and directions, and no further: other lines, as those of
    `shading_silhouettes.py`, may run close by.
    """
    return ti.max(3e-6 * ti.cast(scene.film_size[None][0], ti.f32), 1e-6 * scene.camera_intrinsics[None][0])


@ti.func
def _image(mirrored: ti.template(), planes: ti.template(), mirror: ti.i32, x: vec3) -> vec3:
    """Where the camera sees x: in a mirror, unless that is negative."""
    result = x
    if ti.static(mirrored):
        if mirror >= 0:
            plane = planes[mirror]
            result -= plane.xyz * (2.0 * (plane.xyz.dot(x) - plane.w))
    return result


@ti.func
def _way_to_mirror(
    scene: ti.template(), features: ti.template(), mirror_of: ti.template(), ray: CameraRay, mirror: ti.i32, x: vec3
):
    """The triangle of a mirror in which x is seen along a ray, or -1; the ray from there to x, of length 1 in units of
    its direction."""
    triangle = -1
    origin, towards = ray.origin, ray.direction
    t_min = ray.t_min
    for _ in range(ti.static(_MOST_LAYERS if features.masked else 1)):
        hit = closest_hit(scene, features, ray.origin, ray.direction, t_min, ray.t_max)
        t_min = ray.t_max
        if hit.triangle >= 0 and triangle < 0:
            t_min = hit.t * 1.00001
            if mirror_of[hit.triangle] == mirror:
                triangle = hit.triangle
                surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
                origin = offset_along(surface.position, surface.normal, surface.error, x - surface.position)
                towards = x - origin
    return triangle, origin, towards


@ti.func
def _hidden(
    scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32, own
):
    """Whether something hides a point of a line at t_max. Its own triangles do not: that is rounding."""
    result = any_hit(scene, features, origin, direction, t_min, 0.999 * t_max) != 0
    if not result:
        hit = closest_hit(scene, features, origin, direction, 0.999 * t_max, _BEFORE * t_max)
        result = hit.triangle >= 0
        for k in ti.static(range(4)):
            result = result and hit.triangle != own[k]
    return result


@ti.func
def _nearness(normal: vec3, point: vec3, ray: CameraRay) -> ti.f32:
    """Inverse distance, along a ray, to the plane through a point with that normal."""
    across = normal.dot(point - ray.origin)
    return normal.dot(ray.direction) / ti.select(across == 0.0, 1e-30, across)


@ti.func
def step_into(
    scene: ti.template(), features: ti.template(), point: vec3, corner: vec3, lens: vec2, image_point: vec2,
    normal: vec2, bent: vec2,
):  # fmt: skip
    """A step from a line into a triangle beside it, in the image plane, and on which side of the line that is.

    The step goes towards a corner and no further than a quarter of the way, so that it stays inside however thin the
    triangle looks.
    """
    here = to_camera(scene, point)
    there = to_camera(scene, corner)
    if ti.static(features.camera != 2):
        # Only what lies well before the camera can be projected.
        if there.z > 0.5 * here.z:
            there = here + (there - here) * (0.5 * here.z / ti.min(here.z - there.z, -1e-20))
    step = to_image_plane(scene, features, there, lens) - image_point
    side = step.dot(normal)
    pixels = ti.abs(distortion_of(scene, features, image_point, step).dot(bent))
    return step * ti.min(beside(scene) / ti.max(pixels, 1e-20), 0.25), side


@ti.func
def hit_beside(scene: ti.template(), triangle: ti.i32, corner: vec3, x: vec3, along: vec3, t: ti.f32) -> Hit:
    """A triangle met beside a point x of a line on it, at distance t.

    It is beside by a few rounding errors, towards a corner, and no more than a quarter of the way: on the line itself
    it would lie in the surface that the triangle stands on.
    """
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    e1 = scene.positions[corners[1]] - p0
    e2 = scene.positions[corners[2]] - p0
    normal = e1.cross(e2)
    size = ti.abs(x).max() + ti.abs(e1).max() + ti.abs(e2).max()
    height = (corner - x).cross(along.normalized(1e-30)).norm()
    inside = x + (corner - x) * ti.min(_INSIDE * size / ti.max(height, 1e-30), 0.25) - p0
    normal /= ti.max(normal.dot(normal), 1e-37)
    u = ti.min(ti.max(normal.dot(inside.cross(e2)), 0.0), 1.0)
    v = ti.min(ti.max(normal.dot(e1.cross(inside)), 0.0), 1.0 - u)
    return Hit(triangle, t, u, v)


@ti.func
def _shown(
    scene: ti.template(), features: ti.template(), options: ti.template(), shown: ti.template(),
    known: ti.template(), first: Hit, ray: CameraRay, key: ti.u32, number: ti.i32, max_depth: ti.i32,
    rr_depth: ti.i32,
) -> vec3:  # fmt: skip
    """What is seen along a ray, RADIANCE or a group of channels; `known` and `first` as in `trace_path_from`."""
    result = vec3(0.0)
    if ti.static(shown == RADIANCE):
        result = trace_path_from(
            scene, features, options, known, first, ray, key, number, max_depth, rr_depth
        )  # fmt: skip
    else:
        row = channels_along(scene, features, options, known, first, ray, key, number)
        for d in ti.static(range(3)):
            result[d] = row[3 * shown + d]
    return result


@ti.kernel
def sample_edges(
    scene: ti.template(), features: ti.template(), options: ti.template(), shown: ti.template(),
    mirrored: ti.template(), samples: ti.template(),
    queue: Queue, workers: ti.i32,
    weights: ti.types.ndarray(dtype=vec3, ndim=1), cdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
    starts: ti.types.ndarray(dtype=vec3, ndim=1), ends: ti.types.ndarray(dtype=vec3, ndim=1),
    ranges: ti.types.ndarray(dtype=vec2, ndim=1),
    vertices: ti.types.ndarray(dtype=ivec2, ndim=1), pierced: ti.types.ndarray(dtype=ivec2, ndim=1),
    triangles: ti.types.ndarray(dtype=ivec4, ndim=1), corners: ti.types.ndarray(dtype=ivec4, ndim=1),
    mirrors: ti.types.ndarray(dtype=ti.i32, ndim=1), planes: ti.types.ndarray(dtype=vec4, ndim=1),
    mirror_of: ti.types.ndarray(dtype=ti.i32, ndim=1),
    lines: ti.i32, first: ti.i32, count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`, evenly spread over the lines.

    Args:
        mirrored: some lines are seen in mirrors.
        starts, ends, ranges, vertices, pierced, triangles, corners: of lines, see visible_lines.py.
        mirrors: number of the mirror in which each line is seen, or -1.
        planes: normal and offset of each mirror; mirror_of: the mirror that each triangle of the scene belongs to.
    """
    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            number = first + i
            key = pixel_seed(number, seed)
            u = uniform_2d(INDEPENDENT, key, 0, 0)
            lens = lens_numbers(features, INDEPENDENT, key, 0, 1)
            place = ti.min((ti.cast(number, ti.f32) + u.x) / ti.cast(total, ti.f32), 0.99999994)
            line = search_cdf(cdf, 0, lines, place)
            interval = cdf_interval(cdf, 0, line)
            samples.active[i] = 0
            r = ranges[line]
            start, end = starts[line], ends[line]
            mirror = -1
            if ti.static(mirrored):
                mirror = mirrors[line]
            first_end, last_end = _image(mirrored, planes, mirror, start), _image(mirrored, planes, mirror, end)
            s = ti.min(ti.max((place - interval.x) / ti.max(interval.y, 1e-30), 0.0), 1.0)
            at = place_on_line(scene, features, first_end, last_end, r, s, lens)
            image_point, tangent, film = at.image_point, at.tangent, at.film
            length = tangent.norm()
            adjoint = gathered(scene, options.filter, weights, film)
            if max_component(ti.abs(adjoint)) > 0.0 and length > 0.0 and interval.y > 0.0:
                x = start + (end - start) * at.along
                point = _image(mirrored, planes, mirror, x)
                ray = camera_ray(scene, features, film, lens)
                origin, direction, t_min, t_max = ray.origin, ray.direction, ray.t_min, (point - ray.origin).norm()
                possible = True
                triangle = -1
                if ti.static(mirrored):
                    if mirror >= 0:
                        triangle, origin, direction = _way_to_mirror(scene, features, mirror_of, ray, mirror, x)
                        t_min, t_max = 0.0, 1.0
                        possible = triangle >= 0
                if ti.static(not features.masked):
                    if possible:
                        possible = not _hidden(scene, features, origin, direction, t_min, t_max, triangles[line])
                if possible:
                    normal = vec2(-tangent.y, tangent.x) / length
                    # The two sides: in the nearer of the triangles that lie there, else free of both.
                    across = vec2(-at.line.y, at.line.x).normalized()
                    free = distortion_of(scene, features, image_point, across).norm()
                    below, above = -across * (beside(scene) / free), across * (beside(scene) / free)
                    nearest_below, nearest_above = -1e30, -1e30
                    met_below, met_above = -1, -1
                    corner_below, corner_above = vec3(0.0), vec3(0.0)
                    for k in range(4):
                        number_beside, corner_beside = -1, -1
                        for c in ti.static(range(4)):
                            if c == k:
                                number_beside, corner_beside = triangles[line][c], corners[line][c]
                        if number_beside >= 0:
                            corner = _image(mirrored, planes, mirror, scene.positions[corner_beside])
                            step, side = step_into(scene, features, point, corner, lens, image_point, across, normal)
                            # Which plane is the nearer one is the same all over a side: a pixel away it shows well.
                            away = across * (ti.select(side < 0.0, -1.0, 1.0) / free)
                            aside = camera_ray(scene, features, to_film(scene, features, image_point + away), lens)
                            of = scene.triangles[number_beside]
                            a = _image(mirrored, planes, mirror, scene.positions[of[0]])
                            b = _image(mirrored, planes, mirror, scene.positions[of[1]])
                            c = _image(mirrored, planes, mirror, scene.positions[of[2]])
                            near = _nearness((b - a).cross(c - a), point, aside)
                            if side < 0.0 and near > nearest_below:
                                below, nearest_below, met_below, corner_below = step, near, number_beside, corner
                            if side > 0.0 and near > nearest_above:
                                above, nearest_above, met_above, corner_above = step, near, number_beside, corner
                    # The same random numbers on both sides: what does not jump cancels.
                    jump = vec3(0.0)
                    for side in range(2):
                        step = ti.select(side == 0, below, above)
                        met = ti.select(side == 0, met_below, met_above)
                        meets = nowhere()
                        if ti.static(not features.masked):
                            if mirror < 0 and met >= 0:
                                towards = ti.select(side == 0, corner_below, corner_above)
                                meets = hit_beside(scene, met, towards, x, end - start, t_max)
                                step = vec2(0.0)
                        seen = camera_ray(scene, features, to_film(scene, features, image_point + step), lens)
                        value = _shown(
                            scene, features, options, shown, not features.masked, meets, seen, key, number, max_depth,
                            rr_depth,
                        )  # fmt: skip
                        jump += ti.select(side == 0, value, -value)
                    samples.active[i] = ti.cast(jump.dot(jump) > 0.0, ti.i32)
                    samples.vertices[i] = vertices[line]
                    samples.pierced[i] = pierced[line]
                    samples.point[i] = x
                    samples.mirror[i] = triangle
                    samples.along[i] = at.along
                    samples.film[i] = film
                    samples.lens[i] = lens
                    samples.normal[i] = vec3(normal.x, normal.y, 0.0)
                    samples.jump[i] = jump * (length / (interval.y * ti.cast(total, ti.f32)))
            i = next_turn(queue, i)
