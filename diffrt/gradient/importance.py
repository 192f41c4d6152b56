"""How much a point of a surface matters to the picture: its share of the film, directly or after a random walk."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.sampler import INDEPENDENT, uniform_1d, uniform_2d
from diffrt.core.vector import frame_from_normal, max_component, to_local, to_world
from diffrt.core.warp import disk_concentric
from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import Surface, offset_along, surface_at
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.primary_edges import distortion_of
from diffrt.gradient.projection import to_camera, to_film, to_image_plane, turned_to_camera
from diffrt.render.path import SHADOW_END
from diffrt.render.visibility import visibility
from diffrt.shading.bsdf import dispatch as bsdf
from diffrt.shading.camera.dispatch import camera_ray
from diffrt.shading.material import shading_frame, values_at

_WALK_DIMENSION = 8
_LEAST_DEPTH = 1e-6


@ti.dataclass
class Connection:
    """A point as the camera sees it.

    Attributes:
        film: where on the film, pixels.
        wo: unit direction towards the camera, world space.
        share: film area (pixels) per area of the surface; 0 if the camera does not see it.
    """

    film: vec2
    wo: vec3
    share: ti.f32


@ti.func
def film_velocity(scene: ti.template(), features: ti.template(), p: vec3, d: vec3, lens: vec2) -> vec2:
    """Velocity on the film, in pixels, of a point before the camera that moves with velocity d, in its frame."""
    image_point = to_image_plane(scene, features, p, lens)
    moved = vec2(d.x, -d.y)
    if ti.static(features.camera != 2):
        about = vec2(p.x, -p.y)
        if ti.static(features.camera == 1):
            on_lens = disk_concentric(lens) * scene.camera_lens[None][0]
            about -= vec2(on_lens.x, -on_lens.y)
        moved = (moved - about * (d.z / p.z)) / -p.z
    return distortion_of(scene, features, image_point, moved)


@ti.func
def film_per_area(scene: ti.template(), features: ti.template(), surface: Surface, lens: vec2) -> ti.f32:
    """Film area (pixels) per area of a surface before the camera, as if nothing were in between."""
    p = to_camera(scene, surface.position)
    frame = frame_from_normal(surface.normal)
    a = film_velocity(scene, features, p, turned_to_camera(scene, frame.s), lens)
    b = film_velocity(scene, features, p, turned_to_camera(scene, frame.t), lens)
    return ti.abs(a.x * b.y - a.y * b.x)


@ti.func
def connect(
    scene: ti.template(), features: ti.template(), options: ti.template(), weights: ti.template(),
    surface: Surface, lens: vec2,
) -> Connection:  # fmt: skip
    """Connect a point with the camera, if it lies where some pixel's filter reaches."""
    result = Connection(vec2(0.0), vec3(0.0, 0.0, 1.0), 0.0)
    p = to_camera(scene, surface.position)
    before = True
    if ti.static(features.camera != 2):
        before = p.z < -_LEAST_DEPTH
    if before:
        film = to_film(scene, features, to_image_plane(scene, features, p, lens))
        adjoint = gathered(scene, options.filter, weights, film)
        if max_component(ti.abs(adjoint)) > 0.0:
            ray = camera_ray(scene, features, film, lens)
            towards = ray.origin - surface.position
            distance = towards.norm()
            if distance > ray.t_min and distance < ray.t_max:
                start = offset_along(surface.position, surface.normal, surface.error, towards)
                lit = visibility(scene, features, start, ray.origin - start, SHADOW_END)
                result = Connection(film, -ray.direction, lit * film_per_area(scene, features, surface, lens))
    return result


@ti.func
def bsdf_at(
    scene: ti.template(), features: ti.template(), surface: Surface, triangle: ti.i32, lobe: ti.f32, wo: vec3, wi: vec3
):
    """f_s(wo, wi) |wi . n| of a surface, world directions, n its shading normal, and the density per solid angle with
    which wi is drawn there; both 0 for perfectly smooth lobes. And the material that `lobe` chooses of a mix; -1 for
    one that lets all pass."""
    outer = scene.shape_material[surface.shape]
    material, _rest = bsdf.resolve_mix(scene, features, outer, surface.uv, lobe)
    result, density = vec3(0.0), 0.0
    if material >= 0:
        frame = shading_frame(scene, features, material, outer, triangle, surface)
        values = values_at(scene, features, material, surface.uv)
        f, found = bsdf.evaluate(scene, features, material, values, to_local(frame, wo), to_local(frame, wi))
        result, density = f, found
    return result, density, material


@ti.dataclass
class Walk:
    """Where a random walk has come to, of light from a surface on or against light from the camera on.

    Attributes:
        wi: where it came from, a world direction away from the surface.
        weight: what is left of the light.
        density: per solid angle, of the step that led here.
        distance: that it covered.
    """

    triangle: ti.i32
    u: ti.f32
    v: ti.f32
    wi: vec3
    weight: vec3
    density: ti.f32
    distance: ti.f32


@ti.func
def walk_from(triangle: ti.i32, u: ti.f32, v: ti.f32, wi: vec3) -> Walk:
    """A walk that starts at a surface."""
    return Walk(triangle, u, v, wi, vec3(1.0), 1.0, 1.0)


@ti.func
def lobe_of(key: ti.u32, number: ti.i32, step: ti.i32) -> ti.f32:
    """The number that chooses a lobe where a walk takes a step."""
    return uniform_1d(INDEPENDENT, key, number, _WALK_DIMENSION + 2 * step + 1)


@ti.func
def walk_on(
    scene: ti.template(), features: ti.template(), here: Walk, key: ti.u32, number: ti.i32, step: ti.i32,
    with_light: ti.i32,
) -> Walk:  # fmt: skip
    """The next surface that the walk meets. The weight is 0 if it meets none, or behind a perfectly smooth surface.

    Walks `with_light` go against the direction of paths from a camera: what bent normals and refraction do to them is
    corrected (Veach 1997, sections 5.2 and 5.3).
    """
    result = here
    result.weight = vec3(0.0)
    surface = surface_at(scene, features, here.triangle, here.u, here.v)
    outer = scene.shape_material[surface.shape]
    material, rest = bsdf.resolve_mix(scene, features, outer, surface.uv, lobe_of(key, number, step))
    if material >= 0:
        frame = shading_frame(scene, features, material, outer, here.triangle, surface)
        values = values_at(scene, features, material, surface.uv)
        wi = to_local(frame, here.wi)
        u = uniform_2d(INDEPENDENT, key, number, _WALK_DIMENSION + 2 * step)
        drawn = bsdf.sample(scene, features, material, values, wi, rest, u)
        if drawn.delta == 0 and max_component(drawn.weight) > 0.0:
            direction = to_world(frame, drawn.wi)
            start = offset_along(surface.position, surface.normal, surface.error, direction)
            hit = closest_hit(scene, features, start, direction, 0.0, FAR)
            if hit.triangle >= 0:
                weight = here.weight * drawn.weight
                if with_light != 0:
                    weight *= (drawn.eta * drawn.eta) * (
                        ti.abs(wi.z * direction.dot(surface.normal))
                        / ti.max(ti.abs(here.wi.dot(surface.normal) * drawn.wi.z), 1e-6)
                    )
                result = Walk(hit.triangle, hit.u, hit.v, -direction, weight, drawn.pdf, hit.t)
    return result
