"""The lights of a scene as the device holds them: first those at definite places, in a tree, then those far away."""

from dataclasses import dataclass

import numpy as np

from diffrt.description.values import TextureRef
from diffrt.device.features import (
    DELTA_LIGHTS,
    LIGHT_DIRECTIONAL,
    LIGHT_ENVIRONMENT,
    LIGHT_POINT,
    LIGHT_SPOT,
    LIGHT_TRIANGLES,
)
from diffrt.device.geometry import Geometry, wide_bounds
from diffrt.device.light_tree import LightBounds, build, tree_order
from diffrt.device.scene_fields import LIGHT_WIDTH
from diffrt.scene.elements import Light, Shape
from diffrt.scene.scene import Scene

_UNDIVIDED = 20
"""A shape that emits is one light if it has no more triangles; else its parts are lights of their own, so that fewer
samples fall on the side of a closed shape that is turned away."""
_GROUP_SIZE = 256
"""Most triangles of a part. Smaller ones have less noise, but each further level of the tree takes its time."""
_MOST_GROUPS = LIGHT_WIDTH**4
_LEAST_ABOVE = 0.01
"""Share of an environment's light above its mean that makes it worth telling apart."""
_POINT_STRENGTH = 4.0
"""Of a sphere is seen a quarter of its area: times an intensity, the strength of a sphere that is as bright."""
_LEAST_STRENGTH = 0.01
"""Of the brightest light's has a light that is found by samples alone: one that is off has a derivative, too."""


def colours(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 of an image with one to four channels, alpha dropped."""
    channels = image.shape[2]
    return np.repeat(image[..., :1], 3, axis=2) if channels < 3 else image[..., :3]


def light_table(
    scene: Scene, shapes: list[Shape], geometry: Geometry, environment: Light | None, environment_texture: int
) -> dict[str, np.ndarray]:
    """The fields of the lights by name; see `SceneFields`."""
    arrays: dict[str, np.ndarray] = {}
    emitters = _emitters(scene, shapes, geometry)
    arrays["emitter_triangles"], arrays["emitter_cdf"] = emitters.triangles, emitters.cdf
    arrays["emitter_guide"] = guide_table(emitters.cdf, emitters.sizes)
    arrays["emitter_bounds"] = emitters.bounds

    delta = [light for light in scene.lights.values() if light.type in DELTA_LIGHTS]
    kind = np.array([LIGHT_POINT + DELTA_LIGHTS.index(light.type) for light in delta], dtype=np.int64)
    position, direction, intensity, angles = _delta_arrays(delta)
    arrays["delta_position"], arrays["delta_direction"] = position, direction
    arrays["delta_intensity"], arrays["delta_angles"] = intensity, angles
    near, far = np.flatnonzero(kind != LIGHT_DIRECTIONAL), np.flatnonzero(kind == LIGHT_DIRECTIONAL)
    # The bounds let light reach 90 degrees beyond the cone.
    cosine = np.where(kind == LIGHT_SPOT, np.cos(np.maximum(angles[:, 0] - 0.5 * np.pi, 0.0)), -1.0)
    none = np.zeros(len(delta))
    strength = _POINT_STRENGTH * intensity.mean(axis=1)
    least = _LEAST_STRENGTH * np.append(emitters.groups.strength, strength[near]).max(initial=0.0)
    points = LightBounds(
        position, position, none, direction, cosine, none, np.maximum(strength, least)
    )[near]  # fmt: skip

    lights = emitters.groups.joined(points)
    order = tree_order(lights.middle)
    arrays["light_nodes"], levels = build(lights[order])
    arrays["light_levels"] = levels
    groups = len(emitters.first)
    entries = [
        np.stack([np.full(groups, LIGHT_TRIANGLES), emitters.first, emitters.sizes], axis=1),
        np.stack([kind[near], near, np.zeros(len(near))], axis=1),
    ]
    entries = [np.concatenate(entries)[order], np.stack([kind[far], far, np.zeros(len(far))], axis=1)]
    number = np.argsort(order)[:groups]  # of each group among the lights
    arrays["triangle_light"] = np.full(len(geometry.triangles), -1)
    arrays["triangle_light"][emitters.triangles] = np.repeat(number, emitters.sizes)
    arrays["light_density"] = np.append(emitters.density, np.zeros(len(near)))[order]

    importance = intensity[far].mean(axis=1)
    if environment is not None:
        scale = float(environment.fields.get("scale", np.float64(1.0)))
        rows, columns = np.ones(1), np.ones(1)
        if environment.image is not None:  # a constant one is for BSDF samples to find
            rows, columns, mean = environment_distribution(colours(environment.image))
            importance = np.append(importance, np.pi * mean * scale)
            entries.append(np.array([[LIGHT_ENVIRONMENT, 0, 0]]))
        arrays["environment_texture"] = np.array([environment_texture])
        arrays["environment_radiance"] = np.asarray(environment.fields.get("radiance", np.zeros(3)))
        arrays["environment_scale"] = np.array([scale])
        rotation = environment.world_matrix()[:3, :3]
        arrays["environment_to_local"] = np.linalg.inv(rotation / np.cbrt(abs(np.linalg.det(rotation))))
        arrays["environment_rows"], arrays["environment_columns"] = rows, columns
        arrays["environment_row_guide"] = guide_table(rows, np.array([len(rows)]))
        arrays["environment_column_guide"] = guide_table(columns, np.full(len(rows), len(columns) // len(rows)))
    arrays["lights"] = np.concatenate(entries)
    brightest = importance.max(initial=0.0)
    arrays["far_strength"] = np.maximum(importance, _LEAST_STRENGTH * brightest if brightest > 0.0 else 1.0)
    arrays["light_counts"] = np.array([len(order), len(importance), len(levels)])
    return arrays


def group_count(faces: int) -> int:
    """Most groups that a shape of so many triangles is cut into: 1 or, to fill nodes of the tree, a power of 8."""
    count = 1 if faces <= _UNDIVIDED else LIGHT_WIDTH
    while faces > count * _GROUP_SIZE and count < _MOST_GROUPS:
        count *= LIGHT_WIDTH
    return count


def _delta_arrays(delta: list[Light]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Positions, directions, intensities (or irradiances), and the angles of spots."""
    position, direction, intensity = np.zeros((len(delta), 3)), np.zeros((len(delta), 3)), np.zeros((len(delta), 3))
    angles = np.zeros((len(delta), 2))
    for i, light in enumerate(delta):
        if light.type == "directional":
            direction[i], intensity[i] = light.fields["direction"], light.fields["irradiance"]
        else:
            position[i], intensity[i] = light.fields["position"], light.fields["intensity"]
        if light.type == "spot":
            direction[i] = light.fields["direction"]
            angles[i] = np.deg2rad([float(light.fields["cutoff"]), float(light.fields["falloff_start"])])
    return position, direction, intensity, angles


@dataclass
class _Emitters:
    """Triangles that emit, in groups of neighbours of one shape."""

    triangles: np.ndarray  # (n,) numbers, group after group
    cdf: np.ndarray  # (n,) cumulative areas within the group
    first: np.ndarray  # (groups,) row of each group's first triangle
    sizes: np.ndarray  # (groups,)
    density: np.ndarray  # (groups,) one over the area, 0 without area
    groups: LightBounds
    bounds: np.ndarray  # (2, 3) of all, a little wider


def _emitters(scene: Scene, shapes: list[Shape], geometry: Geometry) -> _Emitters:
    radiance, emitting, two_sided = np.zeros(len(shapes)), np.zeros(len(shapes), bool), np.zeros(len(shapes), bool)
    for i, shape in enumerate(shapes):
        emitting[i], two_sided[i] = shape.emission is not None, shape.two_sided_emission
        if isinstance(shape.emission, TextureRef):
            radiance[i] = float(np.mean(colours(scene.textures[shape.emission.name].data)))
        elif shape.emission is not None:
            radiance[i] = float(np.mean(shape.emission))
    triangles = np.flatnonzero(emitting[geometry.triangle_shape])
    corners = geometry.positions[geometry.triangles[triangles]].astype(np.float64)
    if not len(triangles):
        none = np.zeros(0, dtype=np.int64)
        return _Emitters(none, none, none, none, none, LightBounds.none(), np.full((2, 3), 1e18))
    bounds = wide_bounds(corners)
    shape_of, middle = geometry.triangle_shape[triangles], corners.mean(axis=1)
    order, parts = [], []
    for own in np.split(np.arange(len(triangles)), np.flatnonzero(np.diff(shape_of)) + 1):
        size = -(-len(own) // group_count(len(own)))
        order.append(own[tree_order(middle[own], size)])
        parts.append(np.minimum(size, len(own) - np.arange(0, len(own), size)))
    triangles, corners = triangles[np.concatenate(order)], corners[np.concatenate(order)]
    shape_of, sizes = geometry.triangle_shape[triangles], np.concatenate(parts)
    first, group = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(sizes)), sizes)

    normal = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    total = np.maximum(np.add.reduceat(area, first), 1e-300)
    low, high = np.minimum.reduceat(corners.min(axis=1), first), np.maximum.reduceat(corners.max(axis=1), first)
    apart = np.linalg.norm(corners - (0.5 * (low + high))[group][:, None], axis=2).max(axis=1)
    axis = np.add.reduceat(normal, first)
    length = np.maximum(np.linalg.norm(axis, axis=1), 1e-300)
    axis /= length[:, None]
    sides = two_sided[shape_of[first]]
    flatness = np.where(sides, 0.0, length / total)
    unit = normal / np.maximum(area, 1e-300)[:, None]
    cosine = np.minimum.reduceat(np.where(area > 0, (unit * axis[group]).sum(axis=1), 1.0), first)
    # Rounding must not shut out a light that is seen at a grazing angle.
    cosine = np.cos(np.minimum(np.arccos(np.clip(cosine, -1.0, 1.0)) + 1e-3, np.pi))
    cosine = np.where(sides | (flatness < 1e-3), -1.0, cosine)
    strength = np.add.reduceat(area * radiance[shape_of], first)
    groups = LightBounds(low, high, np.maximum.reduceat(apart, first), axis, cosine, flatness, strength)

    summed = np.cumsum(area)
    cdf = (summed - (summed[first] - area[first])[group]) / total[group]
    density = np.where(total > 1e-300, 1.0 / total, 0.0)
    return _Emitters(triangles, cdf, first, sizes, density, groups, bounds)


def guide_table(cdf: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Where to begin the search of cumulative sums that lie one after another, each with `sizes` entries up to one.

    Entry k of n is the first index whose sum is above k/n, or a little before, for what rounding does to u n.
    """
    number = np.repeat(np.arange(len(sizes)), sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    steps = (np.arange(len(cdf)) - first) / np.repeat(sizes, sizes)
    found = np.searchsorted(number + cdf.astype(np.float32), number + steps * (1.0 - 1e-6), side="right")
    guide: np.ndarray = np.minimum(found - first, np.repeat(sizes, sizes) - 1)
    return guide


def environment_distribution(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Cumulative marginal of the rows (H,), cumulative conditionals (H, W) flat, and the mean radiance over the sphere.

    The weight of a texel is the mean of the bilinear interpolant over it, less the mean radiance of the sphere, times
    the sine of its polar angle. What is no brighter than the mean is left to BSDF samples, which find it well (Karlik
    et al. 2019, "MIS Compensation"). An image that has nothing much above its mean is sampled as it is.
    """
    value = image.astype(np.float64).mean(axis=2)
    across = (np.roll(value, 1, axis=1) + 6.0 * value + np.roll(value, -1, axis=1)) / 8.0
    padded = np.pad(across, ((1, 1), (0, 0)), mode="edge")
    smooth = (padded[:-2] + 6.0 * padded[1:-1] + padded[2:]) / 8.0
    sine = np.sin(np.pi * (np.arange(len(value)) + 0.5) / len(value))
    weights = smooth * sine[:, None]
    mean = float(weights.sum() / (sine.sum() * value.shape[1]))
    above = np.maximum(smooth - mean, 0.0) * sine[:, None]
    if above.sum() > _LEAST_ABOVE * weights.sum():
        weights = above
    row_sums = weights.sum(axis=1)
    safe = np.where(row_sums[:, None] > 0, weights, 1.0)
    columns = np.cumsum(safe, axis=1)
    columns /= columns[:, -1:]
    rows = np.cumsum(row_sums if row_sums.sum() > 0 else np.ones_like(row_sums))
    return rows / rows[-1], columns.reshape(-1), mean
