"""The contract of a BSDF.

A model is a file with `ti.func`s. Directions are unit vectors in the local frame, Z along the shading normal, both
pointing away from the surface: `wo` towards where the path came from, `wi` towards where it goes on.

    evaluate(features, values, wo, wi) -> (vec3, float)     f_s(wo, wi) |cos(wi)|, and the density per solid angle of
                                                            `sample` for wi; both without delta lobes
    sample(features, values, wo, lobe, u) -> BsdfSample     `lobe` in [0,1) chooses a lobe, u is a vec2
    delta(features, values, wo, wi) -> vec3                 only models with delta lobes: see `dispatch.delta`
    prepare(features, values, wo) -> anything               only where it pays: what both make of the material and wo.
                                                            `evaluate` and `sample` take it in place of `values`
    lobe(values, cosine) -> (float, float)                  only models with a glossy lobe about the mirrored direction:
                                                            its alpha, and about its share of what is reflected to wo at
                                                            this cosine, 0 if it is smooth. Lights are chosen by it

`values` holds the material's fields at the point, textures looked up: `field(values, slot("name", "field"))` is one of
them, a vec3 whose .x is the number of a scalar field.

Directions from behind arrive mirrored (dispatch.py) unless the model is one of `dispatch.SIDED`; a model that does not
transmit returns zero unless both lie above the surface. Radiance transport: a lobe that refracts from index n_o, on the
side of wo, to n_i scales radiance by (n_o / n_i)^2.

`prepare`, `evaluate` and `delta` must be differentiable by Taichi (no loops that break, guarded square roots); `sample`
need not.

To add a model: write its file, list its fields in `MATERIAL_FIELDS` and its pydantic model in the description, and add
it to the tables of `dispatch.py`. Add settings of it to tests/shading/bsdf/test_bsdf_contract.py, which checks: white
furnace, chi-square of `sample` against its density, f / density against the sample's weight, reciprocity, gradients.
"""

import taichi as ti
from taichi.math import vec3


@ti.dataclass
class BsdfSample:
    """A direction drawn from a BSDF.

    Attributes:
        wi: local unit direction.
        weight: f_s |cos| / pdf, or the reflectance of a delta lobe over its probability. Zero: the path ends here.
        pdf: density per solid angle of all lobes that are no delta; meaningless for a delta lobe.
        delta: 1 if the direction came from a perfectly smooth lobe.
        eta: refractive index on the side of wi over that on the side of wo; 1 unless the ray was refracted. Roulette
            multiplies the throughput with eta^2, which undoes the scaling of radiance.
    """

    wi: vec3
    weight: vec3
    pdf: ti.f32
    delta: ti.i32
    eta: ti.f32


@ti.func
def no_sample() -> BsdfSample:
    """The path ends."""
    return BsdfSample(vec3(0.0, 0.0, 1.0), vec3(0.0), 0.0, 0, 1.0)
