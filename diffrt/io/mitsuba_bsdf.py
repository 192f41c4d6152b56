"""BSDFs and textures of Mitsuba as diffrt's materials.

Mitsuba's `alpha` is the GGX (or Beckmann) width; diffrt's roughness is its square root. Beckmann becomes GGX. Mitsuba's
opaque BSDFs are black from behind unless wrapped in `twosided`, and so they are here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.io.mitsuba_objects import Object
from diffrt.io.mitsuba_tables import CONDUCTORS, INDICES
from diffrt.io.names import Names
from diffrt.io.texture_data import Pixels, read_linear, rgb

_MAX_NESTING = 32
_WRAPS = {"repeat": "repeat", "mirror": "mirror", "clamp": "clamp", "zero": "clamp", "one": "clamp"}


@dataclass(frozen=True)
class Wrapping:
    """What the BSDFs around one add to it."""

    two_sided: bool = False
    opacity: Any = None  # a number, or the name of a texture
    normal_map: str | None = None


class Bsdfs:
    """Fills `materials` and `textures` of a scene with the BSDFs that its shapes ask for.

    Args:
        folder: where the names of image files start.
    """

    def __init__(self, folder: Path) -> None:
        self.materials: dict[str, dict[str, Any]] = {}
        self.textures: dict[str, dict[str, Any]] = {}
        self._folder = folder
        self._names, self._texture_names = Names(), Names()
        self._done: dict[tuple[int, Wrapping], str] = {}
        self._texture_done: dict[tuple[int, bool], str] = {}

    def of(self, bsdf: Object, wrapping: Wrapping | None = None, depth: int = 0) -> str:
        """The name of the material made, once, from a BSDF and what is wrapped around it."""
        wrapping = wrapping or Wrapping()
        key = (id(bsdf), wrapping)
        if key not in self._done:
            if depth > _MAX_NESTING:
                bsdf.fail("nested too deeply", f"at most {_MAX_NESTING} levels")
            self._done[key] = self._unwrapped(bsdf, wrapping, depth)
        return self._done[key]

    def value(self, owner: Object, name: str, default: float | None, *, is_color: bool = True) -> Any:
        """A property as a value of the scene file: a number, a colour, or a texture; None if absent without default."""
        texture = owner.named(name)
        if texture is not None and texture.tag == "texture":
            made = self.texture(texture, is_color)
            return made if made is not None else 0.5
        if name not in owner.values and default is None:
            return None
        if is_color:
            return owner.color(name, default or 0.0).tolist()
        return owner.number(name, default or 0.0)

    def texture(self, texture: Object, is_color: bool) -> dict[str, str] | None:
        """A texture of the scene, made once for colours and once for data; None, with a warning, if it is unknown."""
        key = (id(texture), is_color)
        if key not in self._texture_done:
            pixels = self._pixels(texture, is_color)
            if pixels is None:
                return None
            name = self._texture_names.free(texture.id, "texture")
            wrap = texture.text("wrap_mode", "repeat")
            nearest = texture.text("filter_type", "bilinear") == "nearest" or texture.type == "checkerboard"
            filter_ = "nearest" if nearest else "bilinear"
            entry = {"data": pixels, "encoding": "linear", "wrap": _WRAPS.get(wrap, "repeat"), "filter": filter_}
            self.textures[name] = entry
            self._texture_done[key] = name
        return {"texture": self._texture_done[key]}

    def _pixels(self, texture: Object, is_color: bool) -> Pixels | None:
        if texture.type == "bitmap":
            path = self._folder / texture.text("filename", "")
            raw = texture.flag("raw") or texture.number("gamma", 0.0) == 1.0
            pixels = read_linear(path, field=f"{texture.place}: filename", as_color=is_color and not raw)
            return np.ascontiguousarray(rgb(pixels) if is_color else pixels[:, :, :1])
        if texture.type == "checkerboard":
            dark, light = texture.color("color0", 0.4), texture.color("color1", 0.2)
            board = np.array([[dark, light], [light, dark]], dtype=np.float32)
            return board if is_color else board[:, :, :1].copy()
        texture.note("this texture is not read; grey 0.5 is used")
        return None

    def _unwrapped(self, bsdf: Object, wrapping: Wrapping, depth: int) -> str:
        inner = bsdf.all("bsdf")
        match bsdf.type:
            case "twosided" if inner:
                if len(inner) > 1:
                    bsdf.note("the second side is left out; both look like the first")
                return self.of(inner[0], Wrapping(True, wrapping.opacity, wrapping.normal_map), depth + 1)
            case "mask" if inner:
                opacity = self.value(bsdf, "opacity", 0.5, is_color=False)
                opacity = opacity["texture"] if isinstance(opacity, dict) else opacity
                return self.of(inner[0], Wrapping(wrapping.two_sided, opacity, wrapping.normal_map), depth + 1)
            case "normalmap" if inner:
                image = bsdf.named("normalmap") or next(iter(bsdf.all("texture")), None)
                made = None if image is None else self.texture(image, False)
                normals = None if made is None or image is None else self._normal_map(image, made["texture"])
                return self.of(inner[0], Wrapping(wrapping.two_sided, wrapping.opacity, normals), depth + 1)
            case "bumpmap" | "coating" | "roughcoating" if inner:
                bsdf.note("left out; what is inside is used")
                return self.of(inner[0], wrapping, depth + 1)
        material = self._blend(bsdf, wrapping, depth) if bsdf.type == "blendbsdf" else self._convert(bsdf)
        if material["type"] in ("diffuse", "conductor", "plastic", "principled") and not material.get("transmission"):
            material["two_sided"] = wrapping.two_sided
        if wrapping.opacity is not None:
            is_texture = isinstance(wrapping.opacity, str)
            material["opacity"] = {"texture": wrapping.opacity} if is_texture else min(max(wrapping.opacity, 0.0), 1.0)
        if wrapping.normal_map is not None:
            material["normal_map"] = wrapping.normal_map
        name = self._names.free(bsdf.id, bsdf.type)
        self.materials[name] = material
        return name

    def _normal_map(self, image: Object, name: str) -> str:
        """Normal maps need all three channels; the texture made for data holds one."""
        pixels = read_linear(
            self._folder / image.text("filename", ""), field=f"{image.place}: filename", as_color=False
        )
        self.textures[name]["data"] = np.ascontiguousarray(rgb(pixels))
        return name

    def _blend(self, bsdf: Object, wrapping: Wrapping, depth: int) -> dict[str, Any]:
        inner = bsdf.all("bsdf")
        if len(inner) != 2:
            bsdf.fail(f"{len(inner)} BSDFs", "two")
        sides = Wrapping(two_sided=wrapping.two_sided)
        first, second = (self.of(part, sides, depth + 1) for part in inner)
        weight = self.value(bsdf, "weight", 0.5, is_color=False)
        return {"type": "mix", "first": first, "second": second, "weight": weight}

    def _convert(self, bsdf: Object) -> dict[str, Any]:
        kind = bsdf.type
        if kind in ("diffuse", "lambertian", "roughdiffuse"):
            return {"type": "diffuse", "albedo": self._reflectance(bsdf, "reflectance", 0.5)}
        if kind in ("dielectric", "roughdielectric"):
            inside, outside = _index(bsdf, "int_ior", "bk7"), _index(bsdf, "ext_ior", "air")
            return {"type": "dielectric", "ior": inside, "exterior_ior": outside, "roughness": self._roughness(bsdf)}
        if kind == "thindielectric":
            ratio = _index(bsdf, "int_ior", "bk7") / _index(bsdf, "ext_ior", "air")
            once = ((ratio - 1.0) / (ratio + 1.0)) ** 2
            bsdf.note("its reflection does not grow towards grazing angles")
            mirror = {"type": "conductor", "reflectance": 1.0, "roughness": 0.0, "two_sided": True}
            return {"type": "mix", "first": {"type": "null"}, "second": mirror, "weight": 2.0 * once / (1.0 + once)}
        if kind in ("conductor", "roughconductor"):
            return self._conductor(bsdf)
        if kind in ("plastic", "roughplastic"):
            ior = _index(bsdf, "int_ior", "polypropylene") / _index(bsdf, "ext_ior", "air")
            albedo = self._reflectance(bsdf, "diffuse_reflectance", 0.5)
            return {"type": "plastic", "albedo": albedo, "ior": ior, "roughness": self._roughness(bsdf)}
        if kind in ("principled", "principledthin"):
            return self._principled(bsdf)
        if kind == "null":
            return {"type": "null"}
        name = "reflectance" if "reflectance" in bsdf.values or bsdf.named("reflectance") else "diffuse_reflectance"
        bsdf.note("this BSDF is not read; its diffuse part is used, or grey 0.5")
        return {"type": "diffuse", "albedo": self._reflectance(bsdf, name, 0.5)}

    def _reflectance(self, bsdf: Object, name: str, default: float) -> Any:
        value = self.value(bsdf, name, default)
        return value if isinstance(value, dict) else np.clip(value, 0.0, 1.0).tolist()

    def _roughness(self, bsdf: Object) -> Any:
        """sqrt(alpha); 0 for the smooth kinds."""
        if not bsdf.type.startswith("rough"):
            return 0.0
        if bsdf.named("alpha") is not None:
            bsdf.note("a texture for alpha is not read; 0.1 is used")
        along = bsdf.number("alpha_u", bsdf.number("alpha", 0.1) if bsdf.named("alpha") is None else 0.1)
        across = bsdf.number("alpha_v", along)
        if along != across:
            bsdf.note("the same in all directions here: alpha is the mean of alpha_u and alpha_v")
        return float(np.sqrt(np.clip(0.5 * (along + across), 0.0, 1.0)))

    def _conductor(self, bsdf: Object) -> dict[str, Any]:
        material: dict[str, Any] = {
            "type": "conductor",
            "reflectance": self._reflectance(bsdf, "specular_reflectance", 1.0),
            "roughness": self._roughness(bsdf),
        }
        name = bsdf.text("material", "none")
        if "eta" in bsdf.values and "k" in bsdf.values:
            eta, k = bsdf.color("eta", 1.0), bsdf.color("k", 0.0)
        elif name in CONDUCTORS:
            eta, k = (np.array(part) for part in CONDUCTORS[name])
        else:
            if name != "none":
                bsdf.note(f"the metal {name!r} is not known ({', '.join(CONDUCTORS)}); it becomes a mirror")
            return material
        outside = _index(bsdf, "ext_eta", "air") if "ext_eta" in bsdf.values else 1.0
        return material | {"eta": (eta / outside).tolist(), "k": (k / outside).tolist()}

    def _principled(self, bsdf: Object) -> dict[str, Any]:
        for name in ("anisotropic", "sheen_tint", "spec_tint", "flatness", "diff_trans"):
            if name in bsdf.values and bsdf.number(name, 0.0) != 0.0:
                bsdf.note(f"{name} is left out")
        if "eta" in bsdf.values:
            ior = _index(bsdf, "eta", "bk7")
        else:
            root = np.sqrt(0.08 * np.clip(bsdf.number("specular", 0.5), 0.0, 1.0))
            ior = float((1.0 + root) / (1.0 - root))
        gloss = float(np.clip(bsdf.number("clearcoat_gloss", 0.0), 0.0, 1.0))
        material: dict[str, Any] = {
            "type": "principled",
            "base_color": self._reflectance(bsdf, "base_color", 0.5),
            "metallic": self._fraction(bsdf, "metallic", 0.0),
            "roughness": self._fraction(bsdf, "roughness", 0.5),
            "ior": ior,
            "transmission": self._fraction(bsdf, "spec_trans", 0.0),
        }
        coat, sheen = bsdf.number("clearcoat", 0.0), bsdf.number("sheen", 0.0)
        if coat > 0.0:  # Burley 2012: a quarter of its strength, alpha from 0.1 to 0.001
            width = 0.1 + gloss * (0.001 - 0.1)
            material |= {"clearcoat": min(0.25 * coat, 1.0), "clearcoat_roughness": float(np.sqrt(width))}
        if sheen > 0.0:
            material |= {"sheen_color": [min(sheen, 1.0)] * 3, "sheen_roughness": 0.5}
        return material

    def _fraction(self, bsdf: Object, name: str, default: float) -> Any:
        value = self.value(bsdf, name, default, is_color=False)
        return value if isinstance(value, dict) else min(max(value, 0.0), 1.0)


def _index(bsdf: Object, name: str, default: str) -> float:
    """An index of refraction, by number or by the name of a material."""
    value = bsdf.values.get(name, default)
    if isinstance(value, str):
        if value.lower() not in INDICES:
            bsdf.fail(f"{name} {value!r} is not known", ", ".join(INDICES))
        return INDICES[value.lower()]
    number = bsdf.number(name, 1.5)
    if not number > 0.0:
        bsdf.fail(f"{name} is {number:g}", "greater than 0")
    return number


def uv_transform(bsdf: Object) -> NDArray[np.float64]:
    """The matrix (3, 3) that the textures of a BSDF put on uvs; differing ones are a warning, the first counts."""
    found: list[NDArray[np.float64]] = []
    pending, seen = [bsdf], set[int]()
    while pending:
        part = pending.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        pending += [inner for _, inner in part.parts]
        if part.tag == "texture":
            given = part.matrix("to_uv")
            matrix = np.eye(3)
            matrix[:2, :2], matrix[:2, 2] = given[:2, :2], given[:2, 3]
            factor = part.number("uvscale", 1.0)
            tile = [part.number("uscale", factor), part.number("vscale", factor)]
            offset = [part.number("uoffset", 0.0), part.number("voffset", 0.0)]
            found.append(matrix @ np.array([[tile[0], 0.0, offset[0]], [0.0, tile[1], offset[1]], [0.0, 0.0, 1.0]]))
    if any(not np.allclose(matrix, found[0]) for matrix in found[1:]):
        bsdf.note("its textures have different uv transforms; one of them is used for all")
    return found[0] if found else np.eye(3)


def has_texture(bsdf: Object) -> bool:
    """Whether a BSDF reads a texture anywhere."""
    pending, seen = [bsdf], set[int]()
    while pending:
        part = pending.pop()
        if part.tag == "texture":
            return True
        if id(part) not in seen:
            seen.add(id(part))
            pending += [inner for _, inner in part.parts]
    return False
