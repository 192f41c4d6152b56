"""Edges that block light: between a surface and a light, or between two surfaces.

For a point x_b on an edge of unit tangent t, a direction w from it to where light comes from, x_E there (or nowhere:
an environment), x_S where the shadow falls, n the normal of t and w that points away from what blocks the light, and
s = |x_S - x_b| / |x_S - x_E|, the derivative is the integral over edge points and directions of

    - a(u_S) W(x_S) f_s(x_S) L(x_E -> x_S) |t x w|  n . (x_b' - (1 - s) x_S' - s x_E')

W(x_S) is how much light from x_S arrives at the film: directly, and after a random walk. If the camera sees x_S
directly it is the hit of a fixed film ray; else, as x_E, a fixed point of its triangle. For a light without extent the
integral over directions becomes intensity over squared distance to x_b; one infinitely far away, in direction e, moves
the shadow by |x_S - x_b| e'. The light that blocked points themselves send out
does not enter: the interior, whose points keep their barycentrics, accounts for it.

Where triangles A and B pierce each other, each ends the part of the other that can be seen: B blocks what A sends out
from the line on. That is the same with x_E on A, at the line, and s = 1; and once more with A and B exchanged.
"""

import taichi as ti
from taichi.math import ivec2, ivec4, vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, SOBOL, pixel_seed, uniform_1d, uniform_2d
from diffrt.core.vector import is_finite, max_component
from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import surface_at, texture_coordinates
from diffrt.device.work import Queue, first_turn, next_turn
from diffrt.gradient.blockers import at_edge, at_own, at_piercing, normal_of
from diffrt.gradient.edge_directions import Wedges, cell, coordinates, density, direction, draw, wedges
from diffrt.gradient.edge_lights import (
    Arrival,
    beside,
    from_lights,
    from_pierced,
    from_surfaces,
    met_along,
    nothing,
    straight_from_lights,
)
from diffrt.gradient.importance import walk_from
from diffrt.gradient.lens import lens_numbers
from diffrt.gradient.shadow_lines import BENDS, ENDS, JOINS
from diffrt.gradient.smooth_edges import into_wedge, surface_on_edge
from diffrt.gradient.walk import arriving_at_film
from diffrt.gradient.way_points import MOST_POINTS, keep_nearness, keep_point, moves, way_moves
from diffrt.render.path import SHADOW_END
from diffrt.render.visibility import visibility
from diffrt.shading.bsdf.mix import presence

FEWEST_SEGMENTS = 2
"""Of a path from the camera by way of a shadow to a light; one more to another surface and on."""


@ti.func
def _uv_at(scene: ti.template(), triangle: ti.i32, x: vec3) -> vec2:
    """Texture coordinates of a triangle at a point of its plane."""
    n = normal_of(scene, triangle)
    b = met_along(scene, triangle, x, -n)
    return texture_coordinates(scene, triangle, b.x, b.y)


@ti.func
def _from_surfaces(
    scene: ti.template(), features: ti.template(), options: ti.template(), slides: ti.template(), x: vec3, clear: vec3,
    tangent: vec3, w: vec3, kind: ti.i32, faces, ends: ivec2, along: ti.f32, shown: vec3, second: vec3,
    key: ti.u32, number: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
) -> Arrival:  # fmt: skip
    """Radiance that an edge ends, from surfaces: from beyond it, or from its triangles themselves.

    Args:
        kind: see ShadowLines.pierced; a triangle for a line of piercing.
        shown, second: corners of the triangles `faces` on the sides that are seen.
    """
    result = nothing(x)
    lobe, u = uniform_1d(INDEPENDENT, key, number, 6), uniform_2d(INDEPENDENT, key, number, 7)
    amount = vec3(0.0)
    for part in range(ti.select(kind <= JOINS, 2, 1)):
        start, towards, factor, expected = clear, w, vec3(1.0 - 2.0 * ti.cast(part, ti.f32)), -1
        depth = max_depth
        if ti.static(slides):
            if kind == BENDS:
                fan = wedges(x, tangent, shown, second, 0)
                in_one = fan.u.dot(shown - x) > 0.0
                here = surface_on_edge(scene, features, faces[0], ends, along)
                there = surface_on_edge(scene, features, faces[1], ends, along)
                towards, factor = into_wedge(
                    scene, features, fan, here, there, faces[0], faces[1], in_one, lobe, -w, part, u
                )  # fmt: skip
                depth -= 1
        if kind != -1 and kind != BENDS:
            start = beside(x, w, ti.select(part == 0, shown, second))
            expected = faces[part]
        if factor.dot(factor) > 0.0:
            found = from_surfaces(
                scene, features, options, x, start, towards, kind == BENDS, key, number, depth, rr_depth
            )  # fmt: skip
            if expected < 0 or found.index == expected:
                amount += factor * found.amount
            if expected < 0:
                result = found
    if kind != -1:
        result = Arrival(w, amount, LIGHT_TRIANGLES, faces[0], met_along(scene, faces[0], x, w), x)
    return result


@ti.kernel
def sample_shadows(
    scene: ti.template(), features: ti.template(), options: ti.template(), delta: ti.template(),
    pierces: ti.template(), slides: ti.template(), samples: ti.template(),
    queue: Queue, workers: ti.i32,
    weights: ti.types.ndarray(dtype=vec3, ndim=1),
    starts: ti.types.ndarray(dtype=vec3, ndim=1), ends: ti.types.ndarray(dtype=vec3, ndim=1),
    vertices: ti.types.ndarray(dtype=ivec2, ndim=1), pierced: ti.types.ndarray(dtype=ivec2, ndim=1),
    triangles: ti.types.ndarray(dtype=ivec2, ndim=1), corners: ti.types.ndarray(dtype=ivec4, ndim=1),
    groups: ti.types.ndarray(dtype=ti.i32, ndim=1),
    cdf: ti.types.ndarray(dtype=ti.f32, ndim=1), guide: ti.types.ndarray(dtype=ti.f32, ndim=1),
    lengths: ti.types.ndarray(dtype=ti.f32, ndim=1), film_cdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
    edges: ti.i32, indirect: ti.i32, by_wedges: ti.f32, lights_move: ti.i32,
    first: ti.i32, count: ti.i32, run_first: ti.i32, run_count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32,
    rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`. They are part of a run that is evenly spread over the
    edges.

    Args:
        delta: light comes from lights that have no extent.
        indirect: it comes from other surfaces; if neither, from lights that have an extent.
        pierces: there are lines where triangles pierce each other among the edges.
        slides: there are edges of shapes that slide, as such.
        starts, ends, vertices, pierced, triangles, corners, groups, cdf, guide: see shadow_lines.py.
        lengths, film_cdf: of the walks from shadows to the camera, see walk.py.
        by_wedges: share of directions that are drawn from the wedges, whatever is there; the others are light samples.
        lights_move: what light comes from may move, and not only edges and shadows.
    """
    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            number = first + i
            key = pixel_seed(0, seed)
            samples.active[i] = 0
            place = ti.min(
                (ti.cast(number - run_first, ti.f32) + uniform_1d(INDEPENDENT, key, number, 0))
                / ti.cast(run_count, ti.f32),
                0.99999994,
            )
            edge = search_cdf(cdf, 0, edges, place)
            samples.edge[i] = edge
            interval = cdf_interval(cdf, 0, edge)
            a, b = starts[edge], ends[edge]
            length = (b - a).norm()
            along = ti.min(ti.max((place - interval.x) / ti.max(interval.y, 1e-30), 0.0), 1.0)
            x = a + (b - a) * along
            tangent = (b - a) / ti.max(length, 1e-30)
            faces, at = triangles[edge], corners[edge]
            edge_moves = moves(scene, faces[0])
            if faces[1] >= 0:
                edge_moves = edge_moves or moves(scene, faces[1])
            line = False
            if ti.static(pierces):
                line = pierced[edge][0] >= 0
            own, joins = False, 0
            if ti.static(slides):
                own = pierced[edge][0] <= ENDS
                joins = ti.cast(pierced[edge][0] <= JOINS, ti.i32)
            lens = lens_numbers(features, SOBOL, key, number, 2)
            u = uniform_2d(SOBOL, key, number, 1)
            fan = Wedges(tangent, tangent, tangent, 0.0)
            cell_drawn = -1
            share_of_wedges = 0.0
            light = nothing(x)
            light_density, wedge_density = 1.0, 0.0
            from_wedges = False
            if ti.static(not delta):
                border = ti.cast(line or joins != 0 or faces[1] < 0, ti.i32)
                other = ti.select(border != 0, at[0], at[1])
                fan = wedges(x, tangent, scene.positions[at[0]], scene.positions[other], border)
                share_of_wedges = ti.select(line, 1.0, by_wedges)
                # By one of the two numbers themselves: a third, independent one would undo that they are even.
                from_wedges = u.x < share_of_wedges
                low = ti.select(from_wedges, 0.0, share_of_wedges)
                part = ti.select(from_wedges, share_of_wedges, 1.0 - share_of_wedges)
                u.x = ti.min((u.x - low) / ti.max(part, 1e-20), 0.9999999)
            if from_wedges:
                drawn = draw(guide, groups[edge], u)
                light.w = direction(fan, drawn)
                wedge_density = density(fan, guide, groups[edge], drawn)
                cell_drawn = cell(drawn)
            elif ti.static(delta or features.area_lights or features.environment_image):
                light, light_density = from_lights(scene, features, delta, fan, x, u)
                if share_of_wedges > 0.0:
                    where = coordinates(fan, light.w)
                    wedge_density = density(fan, guide, groups[edge], where)
                    cell_drawn = ti.select(where.x >= 0.0, cell(where), -1)
            w = light.w
            blocker = at_edge(scene, features, x, tangent, w, faces, at)
            shown = x
            if ti.static(pierces):
                if line:
                    blocker, shown = at_piercing(scene, features, x, tangent, w, faces, at)
            second = x
            if ti.static(slides):
                if own:
                    blocker, swapped, shown, second = at_own(
                        scene, features, x, tangent, w, faces, at, joins, pierced[edge][0] == BENDS
                    )
                    if swapped:
                        faces = ivec2(faces[1], faces[0])
            clear = blocker.clear
            possible = blocker.normal.dot(blocker.normal) > 0.0 and interval.y > 0.0
            if not from_wedges:
                possible = possible and max_component(light.amount) > 0.0
            hit = closest_hit(scene, features, clear, -w, 0.0, ti.select(possible, FAR, 0.0))
            if possible and hit.triangle >= 0:
                room = max_depth - FEWEST_SEGMENTS - indirect
                shadow = walk_from(hit.triangle, hit.u, hit.v, w)
                arriving, film, steps = arriving_at_film(
                    scene, features, options, samples.way, i, weights, lengths, groups[edge], film_cdf, shadow,
                    room, lens, key, number,
                )  # fmt: skip
                depth = steps + 1  # of the shadow
                shadow_moves = edge_moves or moves(scene, hit.triangle)
                if steps < MOST_POINTS:
                    shadow_moves = shadow_moves or way_moves(scene, samples.way, steps, i)
                if max_component(arriving) > 0.0 and (shadow_moves or lights_move != 0):
                    if line and indirect == 0:
                        light = from_pierced(scene, features, x, w, faces[0])
                        light_density = 0.0
                    elif from_wedges and indirect == 0:
                        light, light_density = straight_from_lights(scene, features, fan, x, clear, w)
                    elif indirect == 0:
                        towards, end = w, FAR
                        if light.kind != LIGHT_ENVIRONMENT and light.kind != LIGHT_DIRECTIONAL:
                            towards, end = light.place - clear, SHADOW_END
                        light.amount *= visibility(scene, features, clear, towards, end)
                    elif ti.static(not delta):
                        light = _from_surfaces(
                            scene, features, options, slides, x, clear, tangent, w, pierced[edge][0], faces,
                            vertices[edge], along, shown, second, key, number, max_depth - depth, rr_depth,
                        )  # fmt: skip
                        light_density = 0.0
                    if ti.static(features.masked and not delta):
                        # Light samples alone see lamps through surfaces that let light pass.
                        if indirect == 0 and light.kind == LIGHT_TRIANGLES and not line:
                            wedge_density = 0.0
                    both = (1.0 - share_of_wedges) * light_density + share_of_wedges * wedge_density
                    light.amount /= ti.max(both, 1e-30)
                    if ti.static(features.masked):
                        if not own:
                            shape = scene.triangle_shape[blocker.triangle]
                            uv = _uv_at(scene, blocker.triangle, x)
                            light.amount *= presence(scene, features, scene.shape_material[shape], uv)
                    jump = arriving * light.amount * (-blocker.sine * length / (interval.y * ti.cast(total, ti.f32)))
                    good = is_finite(jump.x) and is_finite(jump.y) and is_finite(jump.z)
                    if good and jump.dot(jump) > 0.0:
                        position = surface_at(scene, features, hit.triangle, hit.u, hit.v).position
                        distance = (position - x).norm()
                        share = 0.0
                        if light.kind == LIGHT_DIRECTIONAL:
                            share = distance
                        elif light.kind != LIGHT_ENVIRONMENT:
                            share = distance / ti.max((light.place - x).norm() + distance, 1e-20)
                        samples.cell[i] = cell_drawn
                        samples.vertices[i] = vertices[edge]
                        samples.pierced[i] = pierced[edge]
                        samples.point[i] = x
                        samples.along[i] = along
                        samples.film[i] = film
                        samples.lens[i] = lens
                        samples.jump[i] = jump
                        samples.normal[i] = blocker.normal
                        samples.receiver[i] = hit.triangle
                        samples.receiver_barycentrics[i] = vec2(hit.u, hit.v)
                        samples.steps[i] = steps
                        changes = shadow_moves
                        if light.kind == LIGHT_TRIANGLES:
                            keep_point(scene, features, samples.way, steps + 1, i, light.index, light.b.x, light.b.y)
                            keep_nearness(scene, samples.way, steps + 1, i)
                            changes = changes or moves(scene, light.index)
                        samples.active[i] = ti.cast(changes, ti.i32)
                        samples.far[i] = light.index
                        samples.far_kind[i] = light.kind
                        samples.far_barycentrics[i] = light.b
                        samples.share[i] = share
            i = next_turn(queue, i)
