"""Differentiated: the metallic-roughness model of glTF 2.0, appendix B, with its KHR extensions.

    f = coat + s_coat (sheen + s_sheen (specular + s_specular base))
    base = (1 - metallic) base_color [(1 - transmission) / pi + transmission D G / (4 cos cos)]
    specular = F D G / (4 cos cos)

F is Schlick's. Its F0 is a mix by `metallic` of the dielectric's, specular min(((ior-1)/(ior+1))^2 specular_color, 1),
with base_color; its F90 a mix of `specular` with 1.

- What a layer leaves to those below is s = 1 - max(E(wo), E(wi)), E being its albedo seen from one direction:
  KHR_materials_sheen does so, and it is reciprocal and makes no energy. The specification's samples scale the base by
  1 - F(wo.h) and the coat's by 1 - F(wo.n) instead, which makes energy at grazing angles or is not reciprocal.
- Transmission is that of KHR_materials_transmission without a volume: a thin wall. Light passes without being
  refracted, blurred by the microfacets as if mirrored in the surface: h is that of wo and wi mirrored. No side is
  inside, so radiance is not scaled; glass with an inside is `dielectric`.
- Clearcoat: F0 = 0.04. Sheen: Charlie (Estevez and Kulla 2017); below roughness 0.2 it would reflect more than it
  receives, so it starts there.
- alpha = roughness^2 is at least 0.001: there are no delta lobes.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI, luminance, max_component, reflect
from diffrt.device.features import slot
from diffrt.shading.bsdf import albedo, sheen
from diffrt.shading.bsdf.base import BsdfSample, no_sample
from diffrt.shading.bsdf.diffuse_lobe import diffuse_density, diffuse_direction, even_share
from diffrt.shading.bsdf.fresnel import schlick_rise
from diffrt.shading.bsdf.microfacet import (
    alpha_of,
    density,
    half_vector,
    masking,
    masking_over_cosine,
    sample_visible,
)
from diffrt.shading.material import field

BASE_COLOR = slot("principled", "base_color")
METALLIC = slot("principled", "metallic")
ROUGHNESS = slot("principled", "roughness")
IOR = slot("principled", "ior")
SPECULAR = slot("principled", "specular")
SPECULAR_COLOR = slot("principled", "specular_color")
TRANSMISSION = slot("principled", "transmission")
CLEARCOAT = slot("principled", "clearcoat")
CLEARCOAT_ROUGHNESS = slot("principled", "clearcoat_roughness")
SHEEN_COLOR = slot("principled", "sheen_color")
SHEEN_ROUGHNESS = slot("principled", "sheen_roughness")
COAT_F0 = 0.04


@ti.dataclass
class Albedos:
    """Seen from one direction: what each layer reflects.

    Attributes:
        coat, sheen, specular: albedos of these layers and of the dielectric's specular lobe, for a clearcoat, sheen
            colour and `specular` of one. Kept apart from these factors, so that the larger of two albedos stays the
            larger, and has a derivative, where a factor is zero. The sheen's may be above one; its lobe is then divided
            by it.
        lossless, rise: the specular lobe's albedo without its Fresnel term, and how far that has risen to F90.
    """

    coat: ti.f32
    sheen: ti.f32
    specular: ti.f32
    lossless: ti.f32
    rise: ti.f32


@ti.dataclass
class Layers:
    """A material at a point, as its layers need it, seen from wo.

    Attributes:
        base: colour of the base, without the metal's share.
        f0, f90: Schlick's ends of the specular lobe, metal and dielectric mixed.
        shade0: F0 of the dielectric, brightest channel, before the factor `specular`.
        fit, coat_fit: of the specular lobe's and the coat's albedo; zero if there is nothing for them to dim.
        layered: 1 if there is anything but the specular lobe.
        from_o: the albedos seen from wo.
        pick_coat, pick_specular, pick_through, pick_cosine: probabilities of the lobes of `sample`, sum 1, or all 0 for
            a black surface.
        even: share of even directions in the lobe of `pick_cosine`.
    """

    base: vec3
    transmission: ti.f32
    f0: vec3
    f90: ti.f32
    shade0: ti.f32
    specular: ti.f32
    roughness: ti.f32
    fit: albedo.GgxFit
    coat: ti.f32
    coat_roughness: ti.f32
    coat_fit: albedo.GgxFit
    sheen: vec3
    sheen_roughness: ti.f32
    layered: ti.i32
    from_o: Albedos
    pick_coat: ti.f32
    pick_specular: ti.f32
    pick_through: ti.f32
    pick_cosine: ti.f32
    even: ti.f32


@ti.func
def _present(features: ti.template(), amount: ti.f32) -> ti.i32:
    """Whether a layer must be computed. Always where gradients are: absent layers have derivatives, too."""
    result = 1
    if ti.static(not features.gradients):
        result = ti.cast(amount > 0.0, ti.i32)
    return result


@ti.func
def _layers(features: ti.template(), values: ti.template()) -> Layers:
    color = field(values, BASE_COLOR)
    metallic = field(values, METALLIC).x
    ior = field(values, IOR).x
    strength = field(values, SPECULAR).x
    amplitude = (ior - 1.0) / (ior + 1.0)
    f0 = ti.min(amplitude * amplitude * field(values, SPECULAR_COLOR), 1.0)
    base = color * (1.0 - metallic)
    coat = field(values, CLEARCOAT).x
    sheen_color = field(values, SHEEN_COLOR)
    layered = _present(features, ti.max(max_component(base), coat, max_component(sheen_color)))
    roughness, coat_roughness = field(values, ROUGHNESS).x, field(values, CLEARCOAT_ROUGHNESS).x
    fit, coat_fit = albedo.no_fit(), albedo.no_fit()
    if layered:
        fit = albedo.ggx_fit(roughness)
        if _present(features, coat):
            coat_fit = albedo.ggx_fit(coat_roughness)
    return Layers(
        base,
        field(values, TRANSMISSION).x,
        f0 * (strength * (1.0 - metallic)) + color * metallic,
        strength * (1.0 - metallic) + metallic,
        max_component(f0),
        strength,
        roughness,
        fit,
        coat,
        coat_roughness,
        coat_fit,
        sheen_color,
        field(values, SHEEN_ROUGHNESS).x,
        layered,
        Albedos(0.0, 0.0, 0.0, 0.0, 0.0),
        0.0,
        1.0,
        0.0,
        0.0,
        even_share(features, values),
    )


@ti.func
def _albedos(features: ti.template(), m: ti.template(), mu: ti.f32) -> Albedos:
    """Of the layers at cosine mu; zero if there is nothing for them to dim."""
    result = Albedos(0.0, 0.0, 0.0, 0.0, 0.0)
    if m.layered:
        if _present(features, m.coat):
            e, c = albedo.ggx(m.coat_fit, mu)
            result.coat = e * (COAT_F0 + (1.0 - COAT_F0) * schlick_rise(c))
        if _present(features, max_component(m.sheen)):
            result.sheen = albedo.sheen(mu, sheen.clamped(m.sheen_roughness))
        e, c = albedo.ggx(m.fit, mu)
        result.lossless, result.rise = e, schlick_rise(c)
        result.specular = e * (m.shade0 + (1.0 - m.shade0) * result.rise)
    return result


@ti.func
def prepare(features: ti.template(), values: ti.template(), wo: vec3) -> Layers:
    m = _layers(features, values)
    if m.layered:
        m.from_o = _albedos(features, m, ti.max(wo.z, 0.0))
        coat = m.coat * m.from_o.coat
        sheen_albedo = max_component(m.sheen) * ti.min(m.from_o.sheen, 1.0)
        below_sheen = (1.0 - coat) * (1.0 - sheen_albedo)
        base = below_sheen * (1.0 - m.specular * m.from_o.specular) * luminance(m.base)
        f0 = luminance(m.f0)
        specular = below_sheen * m.from_o.lossless * (f0 + (m.f90 - f0) * m.from_o.rise)
        through = base * m.transmission
        cosine = base * (1.0 - m.transmission) + (1.0 - coat) * sheen_albedo
        total = coat + specular + through + cosine
        scale = ti.select(total > 1e-12, 1.0 / ti.max(total, 1e-12), 0.0)
        m.pick_coat = coat * scale
        m.pick_specular = specular * scale
        m.pick_through = through * scale
        m.pick_cosine = cosine * scale
    return m


@ti.func
def evaluate(features: ti.template(), m: ti.template(), wo: vec3, wi: vec3):
    result = vec3(0.0)
    density_of_wi = 0.0
    if wo.z > 0.0 and (wi.z > 0.0 or (wi.z < 0.0 and _present(features, m.transmission))):
        above = ti.select(wi.z > 0.0, 1.0, 0.0)
        up = vec3(wi.x, wi.y, ti.abs(wi.z))
        cosine_lobe = above * INV_PI * up.z
        alpha = alpha_of(m.roughness)
        h = half_vector(wo, up)
        rise = schlick_rise(ti.min(wo.dot(h), 1.0))
        visible = 0.25 * density(h, alpha) * masking_over_cosine(wo, alpha)
        lobe = visible * masking(up, alpha)
        result = (m.f0 + (m.f90 - m.f0) * rise) * (above * lobe)
        density_of_wi = ti.select(wi.z > 0.0, m.pick_specular, m.pick_through) * visible
        density_of_wi += m.pick_cosine * above * diffuse_density(features, m.even, up.z)
        if m.layered:
            a = _albedos(features, m, up.z)
            base = m.base * (1.0 - m.specular * ti.max(m.from_o.specular, a.specular))
            result += base * ((1.0 - m.transmission) * cosine_lobe + (1.0 - above) * m.transmission * lobe)
            brightest = max_component(m.sheen)
            if _present(features, brightest):
                sheen_albedo = ti.max(m.from_o.sheen, a.sheen)
                result *= 1.0 - brightest * ti.min(sheen_albedo, 1.0)
                result += m.sheen * (above * sheen.lobe(wo, up, h, m.sheen_roughness) / ti.max(sheen_albedo, 1.0))
            if _present(features, m.coat):
                coat_alpha = alpha_of(m.coat_roughness)
                coat_visible = above * 0.25 * density(h, coat_alpha) * masking_over_cosine(wo, coat_alpha)
                f = COAT_F0 + (1.0 - COAT_F0) * rise
                result *= 1.0 - m.coat * ti.max(m.from_o.coat, a.coat)
                result += m.coat * f * coat_visible * masking(up, coat_alpha)
                density_of_wi += m.pick_coat * coat_visible
    return result, density_of_wi


@ti.func
def sample(features: ti.template(), m: ti.template(), wo: vec3, lobe: ti.f32, u: vec2) -> BsdfSample:
    result = no_sample()
    if wo.z > 0.0:
        wi = diffuse_direction(features, m.even, u)
        possible = wi.z > 0.0
        if lobe >= m.pick_cosine:
            coat = lobe >= 1.0 - m.pick_coat
            through = lobe < m.pick_cosine + m.pick_through
            roughness = ti.select(coat, m.coat_roughness, m.roughness)
            wi = reflect(wo, sample_visible(wo, alpha_of(roughness), u))
            possible = wi.z > 0.0
            if through:
                wi.z = -wi.z
        if possible:
            f, density_of_wi = evaluate(features, m, wo, wi)
            if density_of_wi > 0.0:
                result = BsdfSample(wi, f / density_of_wi, density_of_wi, 0, 1.0)
    return result


@ti.func
def lobe(values: ti.template(), cosine: ti.f32):
    """Of the specular layer, as if it were the uppermost."""
    color = luminance(field(values, BASE_COLOR))
    metallic = field(values, METALLIC).x
    ior = field(values, IOR).x
    f90 = field(values, SPECULAR).x * (1.0 - metallic) + metallic
    amplitude = (ior - 1.0) / (ior + 1.0)
    f0 = luminance(ti.min(amplitude * amplitude * field(values, SPECULAR_COLOR), 1.0))
    f0 = f0 * (f90 - metallic) + color * metallic
    specular = f0 + (f90 - f0) * schlick_rise(cosine)
    return alpha_of(field(values, ROUGHNESS).x), specular / ti.max(specular + color * (1.0 - metallic), 1e-12)
