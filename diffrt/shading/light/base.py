"""The contract of a light.

A light is a file with two `ti.func`s; which light a sample goes to is decided in `choice.py`, by what it may send
to the point.

    sample(scene, features, light, position, u) -> LightSample      a direction towards it, seen from `position`
    pdf(...)      density per solid angle with which `sample` finds a direction, without the probability of the choice;
                  lights that a ray cannot meet (point, spot, directional) have none

Radiance that a ray meets (surfaces, environment) is evaluated by `emitted` in their files. To add a light: write its
file, give it a number in `device/features.py`, fill its fields and bounds in `device/light_table.py`, add its line to
`dispatch.py`.
"""

import taichi as ti
from taichi.math import vec2, vec3


@ti.dataclass
class LightSample:
    """A direction towards a light.

    Attributes:
        wi: unit direction from the shaded point, world space.
        radiance: what arrives if nothing is in between: radiance for extended lights, with `pdf` per solid angle;
            irradiance on a surface facing the light for delta lights, with `pdf` a plain probability.
        pdf: density of the sample, with the probability of having chosen this light. Zero: no light from here.
        target: the point to test visibility to, off the light's surface. Ignored if `infinite`.
        infinite: 1 if the light is infinitely far away.
        delta: 1 if no ray can meet the light by chance.
        kind: of light, see device/features.py; -1: none.
        index: the triangle, or the number of a delta light.
        b: barycentrics on the triangle.
    """

    wi: vec3
    radiance: vec3
    pdf: ti.f32
    target: vec3
    infinite: ti.i32
    delta: ti.i32
    kind: ti.i32
    index: ti.i32
    b: vec2


@ti.func
def no_light() -> LightSample:
    return LightSample(vec3(0.0, 0.0, 1.0), vec3(0.0), 0.0, vec3(0.0), 0, 0, -1, -1, vec2(0.0))
