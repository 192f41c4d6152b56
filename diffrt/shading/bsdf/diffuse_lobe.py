"""Differentiated: directions for what reflects like cos(theta) / pi.

A picture draws them with that density. The derivative by a surface's normal or place is another matter: that of
cos(theta) does not vanish at the horizon, and over a density that does its square has no finite mean, as
int sin^2(theta) / cos(theta) dw. `wide_lobes` mixes in directions of equal density, a share s of them:

    p(cos(theta)) = 2 (1 - s) cos(theta) + s

The share belongs to the point: where the normal itself is differentiated many, elsewhere few, see `even_shares` in
gradient/changes.py.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI
from diffrt.core.warp import disk_concentric, hemisphere_cosine, hemisphere_cosine_pdf


@ti.func
def even_share(features: ti.template(), values: ti.template()) -> ti.f32:
    """The share of directions of equal density, which the last row of `values` holds."""
    result = 0.0
    if ti.static(features.wide_lobes):
        result = values[features.slots, 0]
    return result


@ti.func
def diffuse_direction(features: ti.template(), share: ti.f32, u: vec2) -> vec3:
    """A direction about +Z."""
    wi = vec3(0.0)
    if ti.static(features.wide_lobes):
        # The squared radius of a point of the disk is uniform in [0, 1]: it goes through the inverse of the cosine's
        # distribution, counted from the pole.
        d = disk_concentric(u)
        radius2 = d.dot(d)
        rest = ti.max(1.0 - radius2, 0.0)
        z = rest / ti.max(0.5 * share + ti.sqrt(0.25 * share * share + (1.0 - share) * rest), 1e-12)
        sine2 = ti.max(1.0 - z * z, 0.0)
        wi = vec3(d * ti.sqrt(sine2 / ti.max(radius2, 1e-12)), z)
    else:
        wi = hemisphere_cosine(u)
    return wi


@ti.func
def diffuse_density(features: ti.template(), share: ti.f32, cosine: ti.f32) -> ti.f32:
    """Of `diffuse_direction`, per solid angle, where the cosine is not negative."""
    result = hemisphere_cosine_pdf(cosine)
    if ti.static(features.wide_lobes):
        result = (1.0 - share) * result + 0.5 * share * INV_PI
    return result
