"""Directions to lamps along the wedges of an edge: they meet the lamps, with the density that is stated."""

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec2, vec3

import diffrt
from diffrt.device.upload import upload
from diffrt.gradient.edge_directions import coordinates, direction, wedges
from diffrt.gradient.edge_lights import from_lights, met_along
from diffrt.gradient.lamp_directions import lamp_density
from tests.gradient import scenes

COUNT = 2**18
SIDE = {"name": "side", "type": "rectangle", "emission": 2, "to_world": [
    {"rotate": {"axis": [0, 1, 0], "degrees": 90}}, {"translate": [-1.5, 1, 0]}]}  # fmt: skip


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize(
    ("tangent", "corner", "other", "border", "every"),
    [
        ((0.6, 0.0, 0.8), (0.0, 0.1, 0.5), (0.2, 0.5, -0.9), 0, False),
        ((0.6, 0.0, 0.8), (-0.3, -0.4, 0.6), (0.2, 0.5, -0.9), 0, False),
        ((0.6, 0.0, 0.8), (0.5, 0.2, -0.2), (0.2, 0.5, -0.9), 1, True),
        ((0.3, 0.9, -1.1), (0.5, 0.2, -0.2), (0.2, 0.5, -0.9), 1, True),  # its line meets the lamp
        ((0.3, 0.9, -1.1), (0.5, 0.2, -0.2), (-0.4, 0.1, -0.3), 0, False),
        ((-1.6, 0.3, 0.4), (0.1, 0.5, 0.3), (0.2, -0.5, 0.4), 0, False),  # the other one
        ((0.0, 0.0, 1.0), (0.3, 0.02, 0.0), (-0.3, 0.01, 0.1), 0, False),  # nearly flat
    ],
)
def test_density(
    tangent: tuple[float, float, float], corner: tuple[float, float, float], other: tuple[float, float, float],
    border: int, every: bool,
) -> None:  # fmt: skip
    """Over even directions of the wedges that meet the lamps it sums to the share of samples that find something; first
    and second moments are those of drawn directions.

    Args:
        every: all samples find a lamp.
    """
    scene = diffrt.Scene.from_dict(scenes.lit(shapes=[SIDE]))
    device = upload(scene, scene.camera(), gradients=True)
    fields, features = device.fields, device.features
    lamps = [shape.emission is not None for shape in scene.shapes.values()]
    triangles = np.flatnonzero(np.array(lamps)[device.geometry.triangle_shape])
    first, end = int(triangles.min()), int(triangles.max()) + 1
    even = ti.Vector.field(5, ti.f32, shape=COUNT)
    drawn = ti.Vector.field(5, ti.f32, shape=COUNT)
    ratio = ti.field(ti.f32, shape=COUNT)
    found = ti.field(ti.i32, shape=COUNT)
    in_wedges = ti.field(ti.f32, shape=COUNT)
    x, t = vec3(0.1, 0.6, -0.2), vec3(*np.array(tangent) / np.linalg.norm(tangent))

    @ti.kernel
    def sample(a: vec3, b: vec3, alone: ti.i32):
        for i in range(COUNT):
            fan = wedges(x, t, a, b, alone)
            u = vec2((i + 0.5) / COUNT, ((i * 160541) % COUNT + 0.5) / COUNT)
            w = direction(fan, u)
            for triangle in range(first, end):
                if fields.shape_emits[fields.triangle_shape[triangle]] != 0:
                    at = met_along(fields, triangle, x, w)
                    corners = fields.triangles[triangle]
                    p0 = fields.positions[corners[0]]
                    e1, e2 = fields.positions[corners[1]] - p0, fields.positions[corners[2]] - p0
                    ahead = (p0 + e1 * at.x + e2 * at.y - x).dot(w) > 0.0
                    if ahead and at.x >= 0.0 and at.y >= 0.0 and at.x + at.y <= 1.0:
                        weight = lamp_density(fields, features, fan, x, triangle, w) * 4.0 * fan.angle
                        even[i] += ti.Vector([1.0, w.x, w.y, w.z, w.x * w.z]) * weight
            light, density = from_lights(fields, features, False, fan, x, u)
            if density > 0.0:
                w = light.w
                drawn[i] = ti.Vector([1.0, w.x, w.y, w.z, w.x * w.z])
                ratio[i] = lamp_density(fields, features, fan, x, light.index, w) / density
                inside = ti.min(light.b.x, light.b.y, 1.0 - light.b.x - light.b.y) > -1e-3
                met = inside and (light.place - x).dot(w) > 0.0
                found[i] = ti.select(met, 1, -1)
                in_wedges[i] = ti.cast(coordinates(fan, w).x >= 0.0, ti.f32)

    sample(x + vec3(*corner), x + vec3(*other), border)
    meets = found.to_numpy()
    assert (meets >= 0).all() and (meets == 1).mean() > 0.01
    assert not every or (meets == 1).mean() > 0.9999
    assert in_wedges.to_numpy()[meets == 1].mean() > 0.999  # but for rounding
    ratios = ratio.to_numpy()[meets == 1]
    assert abs(np.median(ratios) - 1.0) < 1e-5 and np.abs(ratios - 1.0).mean() < 0.01  # steep near the edge's line
    assert np.allclose(even.to_numpy().mean(axis=0), drawn.to_numpy().mean(axis=0), atol=0.02)
