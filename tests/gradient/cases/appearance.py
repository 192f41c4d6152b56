"""Gradients by numbers and textures of materials and lights: their interior."""

from functools import partial

from tests.gradient import scenes
from tests.gradient.harness import ALONG, Case, random_direction
from tests.gradient.scenes import POINT, SPOT, TEXTURE, lit, shaded

METAL = partial(lit, "metal")
GOLD = {"type": "conductor", "eta": [0.2, 0.4, 1.3], "k": [3.9, 2.4, 1.8], "roughness": 0.4}
PAINT = {"type": "principled", "base_color": [0.5, 0.4, 0.3], "metallic": 0.4, "roughness": 0.5}
NUMBER = {"texture": "number"}

APPEARANCE = [
    Case("texture", lit, "textures.image", TEXTURE, 0.1),
    Case("emission", lit, "shapes.lamp.emission", ALONG, 0.3),
    Case("point intensity", partial(lit, lights=POINT), "lights.bulb.intensity", ALONG, 0.2),
    Case("spot intensity", partial(lit, lights=SPOT), "lights.bulb.intensity", ALONG, 0.2, slow=True),
    Case("sky radiance", scenes.reflected, "lights.sky.radiance", ALONG, 0.02),
    Case("sky radiance on a bumpy floor", scenes.bumpy, "lights.sky.radiance", ALONG, 0.02, slow=True),
    Case("sky texels", partial(shaded, "image"), "lights.light.image", scenes.sky() ** 0.5, 0.02, slow=True),
    Case("sky scale", partial(shaded, "image"), "lights.light.scale", 1.0, 0.1, slow=True),
    Case("sky turns", partial(shaded, "image"), "lights.light.rotation", ALONG, 0.01),
    Case("spot cutoff", partial(lit, lights=SPOT), "lights.bulb.cutoff", 1.0, 1.0),
    Case("spot falloff", partial(lit, lights=SPOT), "lights.bulb.falloff_start", 1.0, 1.0, slow=True),
    Case("reflectance", METAL, "materials.metal.reflectance", ALONG, 0.05),
    Case("roughness", METAL, "materials.metal.roughness", 1.0, 0.01, spp=128),
    Case("smooth glass ior", scenes.glass, "materials.glass.ior", 1.0, 0.01),
    Case("smooth glass exterior ior", scenes.glass, "materials.glass.exterior_ior", 1.0, 0.01, slow=True),
    Case("smooth glass ior texels", partial(scenes.glass, ior={"texture": "number"}), "textures.number",
         TEXTURE[:, :, 1:2], 0.02, slow=True),
    Case("mirror reflectance", scenes.mirror, "materials.floor.reflectance", ALONG, 0.05, slow=True),
    Case("metal eta", partial(lit, GOLD), "materials.floor.eta", ALONG, 0.02, spp=128),
    Case("metal k", partial(lit, GOLD), "materials.floor.k", ALONG, 0.02, spp=128, slow=True),
    Case("emission texels", scenes.screen, "textures.picture", TEXTURE, 0.3),
    Case("normal map", scenes.embossed, "textures.bumps", random_direction(8, 8, 3), 0.005, spp=128, slow=True),
    Case("normal map of a mirror", partial(scenes.mirror, normal_map="bumps"), "textures.bumps", TEXTURE - 0.4, 0.01,
         slow=True),
    Case("roughness texels", partial(scenes.textured, {**PAINT, "roughness": NUMBER}, 0.3, 0.6), "textures.number",
         TEXTURE[:, :, 1:2], 0.01, spp=128, slow=True),
    Case("metallic texels", partial(scenes.textured, {**PAINT, "metallic": NUMBER}, 0.2, 0.8), "textures.number",
         TEXTURE[:, :, 1:2], 0.05, spp=128, slow=True),
]  # fmt: skip
LAYERS = [
    Case(f"layer {field}", scenes.painted, f"materials.floor.{field}", ALONG if "color" in field else 1.0, 0.02,
         spp=128, slow=field not in ("base_color", "roughness"))
    for field in ("base_color", "metallic", "roughness", "ior", "specular", "specular_color", "transmission",
                  "clearcoat", "clearcoat_roughness", "sheen_color", "sheen_roughness")
] + [
    Case(f"plastic {field}", scenes.plastic, f"materials.floor.{field}", ALONG if field == "albedo" else 1.0,
         0.01, spp=128, slow=field != "roughness")
    for field in ("albedo", "ior", "roughness")
] + [
    Case(f"rough glass {field}", scenes.frosted, f"materials.glass.{field}", 1.0, 0.01, spp=128, slow=True)
    for field in ("ior", "roughness")
]  # fmt: skip
