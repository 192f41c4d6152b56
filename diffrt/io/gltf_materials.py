"""Materials and textures of glTF 2.0 as diffrt's principled materials.

A factor times a texture becomes one texture: diffrt's values are either a number or a texture. The red, green, blue
and alpha channels that glTF packs into one image become textures of one channel.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffrt.errors import InputError, Problem
from diffrt.io.gltf_file import GltfFile
from diffrt.io.images import decode_image
from diffrt.io.json_values import JsonValue
from diffrt.io.names import Names
from diffrt.io.texture_data import Pixels, alpha, rgb, to_linear
from diffrt.log import warn

_WRAPS = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
_NEAREST = 9728
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff")
_NOT_READ = {
    "KHR_materials_volume": "absorption inside is left out",
    "KHR_materials_iridescence": "left out",
    "KHR_materials_anisotropy": "left out: highlights are isotropic",
    "KHR_materials_dispersion": "left out",
    "KHR_materials_pbrSpecularGlossiness": "left out: its metallic-roughness fallback is used",
}


@dataclass
class UvMapping:
    """Which TEXCOORD set a material reads, and the matrix (3, 3) that KHR_texture_transform puts on it."""

    texcoord: int = 0
    matrix: np.ndarray = field(default_factory=lambda: np.eye(3))


@dataclass
class ImportedMaterial:
    """A material of the scene, what its surface emits (None: nothing), and how its uvs are found."""

    name: str
    emission: Any
    two_sided_emission: bool
    mapping: UvMapping


class Materials:
    """Fills `materials` and `textures` of a scene with what the primitives of a glTF file ask for."""

    def __init__(self, file: GltfFile) -> None:
        self.materials: dict[str, dict[str, Any]] = {}
        self.textures: dict[str, dict[str, Any]] = {}
        self._file = file
        self._names = Names()
        self._texture_names = Names()
        self._done: dict[int | None, ImportedMaterial] = {}
        self._images: dict[int, Pixels | None] = {}
        self._baked: dict[tuple[Any, ...], str] = {}

    def of(self, primitive: JsonValue) -> ImportedMaterial:
        """The material of a primitive; glTF's default one if it names none."""
        index = primitive.integer("material") if "material" in primitive else None
        if index not in self._done:
            if index is None:
                source = JsonValue({"name": "default_material"}, f"{self._file.name}: default material")
            else:
                source = primitive.pick("material", self._file.table("materials"))
            self._done[index] = self._convert(source)
        return self._done[index]

    def _convert(self, source: JsonValue) -> ImportedMaterial:
        name = self._names.free(source.text("name"), "material")
        extensions = source.child("extensions")
        for extension in extensions.value.keys() & _NOT_READ.keys():
            warn(f"{source.path}: {extension}: {_NOT_READ[extension]}")
        reader = _Reader(self, source, name)
        pbr = source.child("pbrMetallicRoughness")
        color = pbr.numbers("baseColorFactor", [1.0] * 4)
        base_color = reader.color(pbr, "baseColorTexture", "base_color", color[:3])
        two_sided = source.boolean("doubleSided")
        if "KHR_materials_unlit" in extensions:
            material: dict[str, Any] = {"type": "diffuse", "albedo": 0.0}
            emission: Any = base_color
        else:
            material = self._principled(pbr, extensions, reader, base_color)
            emission = self._emission(source, extensions, reader)
        opacity = self._opacity(source, pbr, color[3], reader)
        if opacity is not None:
            material["opacity"] = opacity
        normals = reader.normals(source, "normalTexture")
        if normals is not None:
            material["normal_map"] = normals
        if two_sided and material.get("transmission", 0.0) == 0.0:
            material["two_sided"] = True
        self.materials[name] = material
        return ImportedMaterial(name, emission, two_sided, reader.mapping)

    def _principled(self, pbr: JsonValue, extensions: JsonValue, reader: "_Reader", base_color: Any) -> dict[str, Any]:
        packed = "metallicRoughnessTexture"
        material = {
            "type": "principled",
            "base_color": base_color,
            "metallic": reader.channel(pbr, packed, "metallic", 2, pbr.number("metallicFactor", 1.0)),
            "roughness": reader.channel(pbr, packed, "roughness", 1, pbr.number("roughnessFactor", 1.0)),
        }
        if "KHR_materials_ior" in extensions:
            ior = extensions.child("KHR_materials_ior")
            material["ior"] = ior.number("ior", 1.5)
            if material["ior"] < 1.0:
                warn(f"{ior.at('ior')}: {material['ior']:g} is not physical; 1.5 is used")
                material["ior"] = 1.5
        if "KHR_materials_specular" in extensions:
            part = extensions.child("KHR_materials_specular")
            strength = part.number("specularFactor", 1.0)
            tint = part.numbers("specularColorFactor", [1.0] * 3)
            material["specular"] = reader.channel(part, "specularTexture", "specular", 3, strength)
            material["specular_color"] = reader.color(part, "specularColorTexture", "specular_color", tint, None)
        if "KHR_materials_transmission" in extensions:
            part = extensions.child("KHR_materials_transmission")
            amount = part.number("transmissionFactor", 0.0)
            material["transmission"] = reader.channel(part, "transmissionTexture", "transmission", 0, amount)
        if "KHR_materials_clearcoat" in extensions:
            part = extensions.child("KHR_materials_clearcoat")
            coat, rough = part.number("clearcoatFactor", 0.0), part.number("clearcoatRoughnessFactor", 0.0)
            material["clearcoat"] = reader.channel(part, "clearcoatTexture", "clearcoat", 0, coat)
            key = "clearcoatRoughnessTexture"
            material["clearcoat_roughness"] = reader.channel(part, key, "clearcoat_roughness", 1, rough)
            if "clearcoatNormalTexture" in part:
                warn(f"{part.at('clearcoatNormalTexture')}: left out")
        if "KHR_materials_sheen" in extensions:
            part = extensions.child("KHR_materials_sheen")
            tint, rough = part.numbers("sheenColorFactor", [0.0] * 3), part.number("sheenRoughnessFactor", 0.0)
            material["sheen_color"] = reader.color(part, "sheenColorTexture", "sheen_color", tint)
            material["sheen_roughness"] = reader.channel(part, "sheenRoughnessTexture", "sheen_roughness", 3, rough)
        return material

    def _emission(self, source: JsonValue, extensions: JsonValue, reader: "_Reader") -> Any:
        strength = extensions.child("KHR_materials_emissive_strength").number("emissiveStrength", 1.0)
        factor = [strength * value for value in source.numbers("emissiveFactor", [0.0] * 3)]
        if max(factor) <= 0.0:
            return None
        return reader.color(source, "emissiveTexture", "emission", factor, None)

    def _opacity(self, source: JsonValue, pbr: JsonValue, factor: float, reader: "_Reader") -> Any:
        mode = source.text("alphaMode", "OPAQUE")
        if mode == "OPAQUE":
            return None
        if mode not in ("MASK", "BLEND"):
            source.fail("alphaMode", repr(mode), "OPAQUE, MASK, BLEND")
        cutoff = source.number("alphaCutoff", 0.5) if mode == "MASK" else None

        def keep(pixels: Pixels) -> Pixels:
            values = np.clip(pixels * np.float32(factor), 0.0, 1.0)
            return np.asarray(values if cutoff is None else values >= cutoff, dtype=np.float32)

        pixels = reader.pixels(pbr, "baseColorTexture")
        transparency = None if pixels is None else alpha(pixels)
        if transparency is None:
            return float(keep(np.ones((1, 1, 1), dtype=np.float32))[0, 0, 0])
        return reader.texture(pbr, "baseColorTexture", "opacity", (factor, cutoff), lambda: keep(transparency))

    def image(self, texture: JsonValue) -> Pixels | None:
        """The decoded image of a texture, values as stored; None with a warning if it is in an unknown format."""
        if "source" not in texture:
            warn(f"{texture.path}: neither PNG nor JPEG: the texture is left out")
            return None
        entry = texture.pick("source", self._file.table("images"))
        index = texture.integer("source")
        if index not in self._images:
            if "uri" in entry:
                data = self._file.fetch(entry.text("uri"), entry.at("uri"))
            elif "bufferView" in entry:
                data = bytes(self._file.view(entry)[0])
            else:
                raise InputError(Problem(entry.path, "an image without data", "uri or bufferView"))
            known = data.startswith(_SIGNATURES)
            if not known:
                warn(f"{entry.path}: neither PNG nor JPEG: the texture is left out")
            self._images[index] = decode_image(data, "image", field=entry.path).data if known else None
        return self._images[index]

    def add(self, key: tuple[Any, ...], wanted: str, make: Callable[[], Pixels], sampler: dict[str, str]) -> str:
        """The name of the texture made once for `key`."""
        if key not in self._baked:
            name = self._texture_names.free(wanted, "texture")
            data = np.ascontiguousarray(make(), dtype=np.float32)
            self.textures[name] = {"data": data, "encoding": "linear", **sampler}
            self._baked[key] = name
        return self._baked[key]

    def sampler(self, texture: JsonValue) -> dict[str, str]:
        """`wrap` and `filter` of a texture."""
        if "sampler" not in texture:
            return {"wrap": "repeat", "filter": "bilinear"}
        sampler = texture.pick("sampler", self._file.table("samplers"))
        across, along = sampler.integer("wrapS", 10497), sampler.integer("wrapT", 10497)
        if across != along:
            warn(f"{sampler.path}: wrapS and wrapT differ; wrapS is used for both")
        nearest = sampler.integer("magFilter", 9729) == _NEAREST
        return {"wrap": _WRAPS.get(across, "repeat"), "filter": "nearest" if nearest else "bilinear"}

    def texture_of(self, info: JsonValue) -> JsonValue:
        """The texture that a textureInfo names."""
        return info.pick("index", self._file.table("textures"))


class _Reader:
    """Reads the texture slots of one material, and checks that they agree on how uvs are found."""

    def __init__(self, owner: Materials, source: JsonValue, name: str) -> None:
        self._owner = owner
        self._source = source
        self._name = name
        self._first = True
        self.mapping = UvMapping()

    def pixels(self, parent: JsonValue, slot: str) -> Pixels | None:
        """The image of a slot, values as stored; None without one."""
        if slot not in parent:
            return None
        info = parent.child(slot)
        pixels = self._owner.image(self._owner.texture_of(info))
        if pixels is not None:
            self._map(info)
        return pixels

    def texture(
        self, parent: JsonValue, slot: str, role: str, how: tuple[Any, ...], make: Callable[[], Pixels]
    ) -> dict[str, str]:
        """A reference to the texture made from a slot's image for a role; made once for the same image and factors."""
        info = parent.child(slot)
        texture = self._owner.texture_of(info)
        key = (info.integer("index"), role, *how)
        return {"texture": self._owner.add(key, f"{self._name}_{role}", make, self._owner.sampler(texture))}

    def color(
        self, parent: JsonValue, slot: str, role: str, factor: list[float], most: float | None = 1.0
    ) -> list[float] | dict[str, str]:
        """An sRGB slot times its factor, at most `most`; the factor alone without a texture."""
        high = np.inf if most is None else most
        scale = np.clip(factor, 0.0, high).astype(np.float32)
        pixels = self.pixels(parent, slot)
        if pixels is None:
            return [min(max(value, 0.0), high) for value in factor]
        return self.texture(parent, slot, role, tuple(factor), lambda: rgb(to_linear(pixels)) * scale)

    def channel(self, parent: JsonValue, slot: str, role: str, channel: int, factor: float) -> float | dict[str, str]:
        """One channel of a data slot times its factor, in 0..1."""
        factor = min(max(factor, 0.0), 1.0)
        pixels = self.pixels(parent, slot)
        if pixels is None:
            return factor
        chosen = alpha(pixels) if channel == 3 else rgb(pixels)[:, :, channel : channel + 1]
        if chosen is None:  # an image without alpha is opaque
            return factor
        return self.texture(parent, slot, role, (factor,), lambda: chosen * np.float32(factor))

    def normals(self, parent: JsonValue, slot: str) -> str | None:
        """The name of a normal map, with the slot's `scale` put into it."""
        pixels = self.pixels(parent, slot)
        if pixels is None:
            return None
        scale = parent.child(slot).number("scale", 1.0)

        def scaled() -> Pixels:
            if scale == 1.0:
                return rgb(pixels)
            vectors = (2.0 * rgb(pixels) - 1.0) * np.array([scale, scale, 1.0], dtype=np.float32)
            length = np.maximum(np.linalg.norm(vectors, axis=2, keepdims=True), 1e-12)
            return np.asarray((vectors / length + 1.0) / 2.0, dtype=np.float32)

        return self.texture(parent, slot, "normal_map", (scale,), scaled)["texture"]

    def _map(self, info: JsonValue) -> None:
        transform = info.child("extensions").child("KHR_texture_transform")
        texcoord = transform.integer("texCoord", info.integer("texCoord", 0))
        angle = transform.number("rotation", 0.0)
        offset, scale = transform.numbers("offset", [0.0, 0.0]), transform.numbers("scale", [1.0, 1.0])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix = np.eye(3)
        matrix[:2, :2], matrix[:2, 2] = turn * scale, offset
        if self._first:
            self.mapping, self._first = UvMapping(texcoord, matrix), False
        elif texcoord != self.mapping.texcoord or not np.allclose(matrix, self.mapping.matrix):
            warn(f"{self._source.path}: its textures use different uvs; those of the first are used for all")
