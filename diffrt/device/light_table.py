"""The light table: everything that a light sample can choose, by power, and with what probability."""

import numpy as np

from diffrt.description.values import TextureRef
from diffrt.device.features import DELTA_LIGHTS, LIGHT_ENVIRONMENT, LIGHT_POINT, LIGHT_TRIANGLE
from diffrt.device.geometry import Geometry
from diffrt.scene.elements import Light, Shape
from diffrt.scene.scene import Scene

UNIFORM_SHARE = 0.25
_LEAST_ABOVE = 0.01
"""Share of an environment's light above its mean that makes it worth telling apart."""


def colours(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 of an image with one to four channels, alpha dropped."""
    channels = image.shape[2]
    return np.repeat(image[..., :1], 3, axis=2) if channels < 3 else image[..., :3]


def light_table(
    scene: Scene, shapes: list[Shape], geometry: Geometry, environment: Light | None, environment_texture: int
) -> dict[str, np.ndarray]:
    """The fields of the light table by name; see `SceneFields`."""
    arrays: dict[str, np.ndarray] = {}
    kinds: list[np.ndarray] = []
    indices: list[np.ndarray] = []
    powers: list[np.ndarray] = []

    def add(kind: int, index: np.ndarray, power: np.ndarray) -> None:
        kinds.append(np.full(len(index), kind))
        indices.append(index)
        powers.append(power)

    radiosity = np.zeros(len(shapes))
    for i, shape in enumerate(shapes):
        if shape.emission is None:
            continue
        if isinstance(shape.emission, TextureRef):
            mean = float(np.mean(colours(scene.textures[shape.emission.name].data)))
        else:
            mean = float(np.mean(shape.emission))
        radiosity[i] = np.pi * mean * (2 if shape.two_sided_emission else 1)
        first, end = geometry.first_triangle[i : i + 2]
        corners = geometry.positions[geometry.triangles[first:end]].astype(np.float64)
        areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        add(LIGHT_TRIANGLE, np.arange(first, end), radiosity[i] * areas)

    emitting = np.flatnonzero([shape.emission is not None for shape in shapes])
    corners = geometry.positions[geometry.triangles[np.isin(geometry.triangle_shape, emitting)]].reshape(-1, 3)
    # Without emitters a point; otherwise larger than they are by more than rays' rounding errors.
    bounds = np.stack([corners.min(axis=0), corners.max(axis=0)]) if len(corners) else np.full((2, 3), 1e18)
    pad = 1e-5 * (np.abs(bounds).max() + np.ptp(bounds, axis=0).max())
    arrays["emitter_bounds"] = bounds + [[-pad], [pad]]

    if len(geometry.positions):
        radius = 0.5 * float(np.linalg.norm(np.ptp(geometry.positions.astype(np.float64), axis=0)))
    else:
        radius = 1.0
    delta = [light for light in scene.lights.values() if light.type in DELTA_LIGHTS]
    position, direction, intensity = np.zeros((len(delta), 3)), np.zeros((len(delta), 3)), np.zeros((len(delta), 3))
    angles = np.zeros((len(delta), 2))
    for i, light in enumerate(delta):
        if light.type == "directional":
            direction[i], intensity[i] = light.fields["direction"], light.fields["irradiance"]
            solid = np.pi * radius**2
        else:
            position[i], intensity[i] = light.fields["position"], light.fields["intensity"]
            solid = 4 * np.pi
        if light.type == "spot":
            direction[i] = light.fields["direction"]
            angles[i] = np.deg2rad([float(light.fields["cutoff"]), float(light.fields["falloff_start"])])
            solid = 2 * np.pi * (1 - np.cos(angles[i].mean()))
        kind = LIGHT_POINT + DELTA_LIGHTS.index(light.type)
        add(kind, np.array([i]), np.array([solid * np.mean(intensity[i])]))
    arrays["delta_position"], arrays["delta_direction"], arrays["delta_intensity"] = position, direction, intensity
    arrays["delta_angles"] = angles

    if environment is not None:
        image = environment.image
        scale = float(environment.fields.get("scale", np.float64(1.0)))
        rows, columns = np.ones(1), np.ones(1)
        if image is None:
            mean = float(np.mean(environment.fields["radiance"]))
        else:
            rows, columns, mean = environment_distribution(colours(image))
        add(LIGHT_ENVIRONMENT, np.array([0]), np.array([4 * np.pi**2 * radius**2 * mean * scale]))
        arrays["environment_texture"] = np.array([environment_texture])
        arrays["environment_radiance"] = np.asarray(environment.fields.get("radiance", np.zeros(3)))
        arrays["environment_scale"] = np.array([scale])
        rotation = environment.to_world[:3, :3]
        arrays["environment_to_local"] = np.linalg.inv(rotation / np.cbrt(abs(np.linalg.det(rotation))))
        arrays["environment_rows"], arrays["environment_columns"] = rows, columns

    shares = _shares([float(power.sum()) for power in powers])
    probability = np.concatenate([power * share for power, share in zip(powers, shares, strict=True)] or [np.zeros(0)])
    count = len(probability) if probability.sum() > 0 else 0
    cdf = np.cumsum(probability)[:count] / max(float(probability.sum()), 1e-300)
    density = np.zeros(len(shapes))
    emitters = [i for i, shape in enumerate(shapes) if shape.emission is not None]
    density[emitters] = radiosity[emitters] * shares[: len(emitters)]
    arrays["light_count"] = np.array([count])
    arrays["light_kind"] = np.concatenate(kinds)[:count] if count else np.zeros(0)
    arrays["light_index"] = np.concatenate(indices)[:count] if count else np.zeros(0)
    arrays["light_cdf"] = cdf
    arrays["shape_light_density"] = density
    arrays["environment_probability"] = np.array([probability[-1] if count and environment is not None else 0.0])
    return arrays


def _shares(powers: list[float]) -> np.ndarray:
    """Probability per unit of power of each light (an emitting shape, a point, the environment), zero for a dark one.

    Chosen by power, but for UNIFORM_SHARE of the samples, which every light gets its part of: a lamp that is weak but
    near may be all the light there is at a point.
    """
    power = np.array(powers, dtype=np.float64)
    shining = power > 0.0
    shares = np.zeros(len(power))
    if shining.any():
        shares[shining] = (1.0 - UNIFORM_SHARE) / power.sum() + UNIFORM_SHARE / (shining.sum() * power[shining])
    return shares


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
