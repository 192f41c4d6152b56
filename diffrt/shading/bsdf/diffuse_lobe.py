"""Differentiated: directions for what reflects like cos(theta) / pi.

A picture draws them with that density. The derivative by a surface's normal or place is another matter: that of
cos(theta) does not vanish at the horizon, and over a density that does its square has no finite mean, as
int sin^2(theta) / cos(theta) dw. `wide_lobes` mixes in directions of equal density, a share s of them:

    p(cos(theta)) = 2 (1 - s) cos(theta) + s
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI
from diffrt.core.warp import disk_concentric, hemisphere_cosine, hemisphere_cosine_pdf

_UNIFORM = 0.25
"""The derivative has a finite square with any share; a quarter adds 3 per cent to the mean square of a weight."""
_SLOPE = 0.5 * _UNIFORM / (1.0 - _UNIFORM)


@ti.func
def diffuse_direction(features: ti.template(), u: vec2) -> vec3:
    """A direction about +Z."""
    wi = vec3(0.0)
    if ti.static(features.wide_lobes):
        # The squared radius of a point of the disk is uniform in [0, 1]: it goes through the inverse of the cosine's
        # distribution, counted from the pole.
        d = disk_concentric(u)
        radius2 = d.dot(d)
        z = ti.sqrt(_SLOPE * _SLOPE + (1.0 + 2.0 * _SLOPE) * ti.max(1.0 - radius2, 0.0)) - _SLOPE
        sine2 = ti.max(1.0 - z * z, 0.0)
        wi = vec3(d * ti.sqrt(sine2 / ti.max(radius2, 1e-12)), z)
    else:
        wi = hemisphere_cosine(u)
    return wi


@ti.func
def diffuse_density(features: ti.template(), cosine: ti.f32) -> ti.f32:
    """Of `diffuse_direction`, per solid angle, where the cosine is not negative."""
    result = hemisphere_cosine_pdf(cosine)
    if ti.static(features.wide_lobes):
        result = (1.0 - _UNIFORM) * result + 0.5 * _UNIFORM * INV_PI
    return result
