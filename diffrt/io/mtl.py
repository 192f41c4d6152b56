"""MTL, the material library of OBJ files: Phong parameters and the PBR extension as diffrt's materials.

A Phong exponent n is the GGX roughness r with alpha = r^2 = sqrt(2 / (n + 2)), which matches the two lobes near their
peak (Walter et al. 2007, Blinn-Phong and Beckmann; GGX by the same alpha).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from diffrt.errors import InputError, Problem
from diffrt.io.files import read_bytes
from diffrt.io.names import Names
from diffrt.io.texture_data import Pixels, alpha, read_linear, rgb
from diffrt.log import warn

_COLORS = {"Kd", "Ks", "Ke", "Tf"}
_NUMBERS = {"Ns", "Ni", "d", "Tr", "illum", "Pr", "Pm", "Pc", "Pcr"}
_MAPS = {"map_Kd", "map_Ks", "map_Ke", "map_d", "map_Pr", "map_Pm", "norm"}
_IGNORED = {"Ka", "map_Ka", "sharpness", "aniso", "anisor", "map_aat", "Km"}
_OPTION_VALUES = {"-s": 3, "-o": 3, "-t": 3, "-mm": 2}  # most others take one value
_GLASS, _MIRROR = (4, 6, 7, 9), (3, 5, 8)


@dataclass
class MtlEntry:
    """One `newmtl`: colours (3 numbers), numbers, and the file names of maps, as far as the file gives them."""

    colors: dict[str, list[float]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)


def parse_mtl(data: bytes, name: str) -> dict[str, MtlEntry]:
    """Read the lines of an MTL file: material name -> entry.

    Raises:
        InputError: a line whose numbers cannot be read, naming it.
    """
    entries: dict[str, MtlEntry] = {}
    entry: MtlEntry | None = None
    skipped: set[str] = set()
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        key = words[0]
        if key == "newmtl":
            entry = entries.setdefault(line.strip()[6:].strip(), MtlEntry())
            continue
        if entry is None:
            raise InputError(Problem(name, f"line {number} stands before any newmtl: {line.strip()[:60]!r}"))
        try:
            if key in _COLORS:
                entry.colors[key] = _color(words[1:])
            elif key in _NUMBERS:
                entry.numbers[key] = _finite(words[2] if words[1] == "-halo" else words[1])
            elif key in _MAPS:
                entry.maps[key] = _map_file(words[1:])
            elif key not in _IGNORED:
                skipped.add(key[:20])
        except (ValueError, IndexError):
            raise InputError(Problem(name, f"line {number} is not MTL: {line.strip()[:60]!r}")) from None
    if skipped:
        warn(f"{name}: left out: {', '.join(sorted(skipped)[:8])}")
    return entries


def _finite(word: str) -> float:
    value = float(word)
    if not np.isfinite(value):
        raise ValueError
    return value


def _color(words: list[str]) -> list[float]:
    if words[0] in ("spectral", "xyz"):
        raise ValueError
    values = [max(_finite(word), 0.0) for word in words[:3]]
    return values if len(values) == 3 else [values[0]] * 3


def _map_file(words: list[str]) -> str:
    """The file name after the options; it may hold spaces."""
    at = 0
    while words[at].startswith("-"):
        at += 1 + _OPTION_VALUES.get(words[at], 1)
    return " ".join(words[at:]).replace("\\", "/")


class MtlMaterials:
    """Fills `materials` and `textures` of a scene with the materials of an OBJ file's libraries.

    Args:
        folder: where the OBJ file lies; names of libraries and maps start there.
        field: what the messages call the OBJ file.
    """

    def __init__(self, folder: Path, field: str) -> None:
        self.materials: dict[str, dict[str, Any]] = {}
        self.textures: dict[str, dict[str, Any]] = {}
        self._folder = folder
        self._field = field
        self._entries: dict[str, MtlEntry] = {}
        self._names, self._texture_names = Names(), Names()
        self._done: dict[str, tuple[str | None, Any]] = {}

    def read(self, libraries: list[str]) -> None:
        """Read the files named by `mtllib`; a missing one is a warning."""
        for library in libraries:
            path = self._folder / library.replace("\\", "/")
            if path.is_file():
                self._entries |= parse_mtl(read_bytes(path, field=self._field), f"{self._field} ({path.name})")
            else:
                warn(f"{self._field}: no such material library: {library}")

    def of(self, name: str) -> tuple[str | None, Any]:
        """The scene's material name and the emission for an OBJ material name; None where there is none."""
        if name not in self._done:
            entry = self._entries.get(name)
            if entry is None:
                if name and self._entries:
                    warn(f"{self._field}: material {name!r} is in no library; it becomes grey")
                self._done[name] = (None, None)
            else:
                own = self._names.free(name, "material")
                self.materials[own] = self._convert(entry, own)
                self._done[name] = (own, self._emission(entry, own))
        return self._done[name]

    def _convert(self, entry: MtlEntry, name: str) -> dict[str, Any]:
        model = int(entry.numbers.get("illum", 2))
        diffuse, specular = entry.colors.get("Kd", [0.8] * 3), entry.colors.get("Ks", [0.0] * 3)
        exponent = max(entry.numbers.get("Ns", 0.0), 0.0)
        roughness = min(entry.numbers.get("Pr", (2.0 / (exponent + 2.0)) ** 0.25), 1.0)
        has_color = max(diffuse) > 0.0 or "map_Kd" in entry.maps
        is_pbr = entry.numbers.keys() & {"Pr", "Pm", "Pc"} or entry.maps.keys() & {"map_Pr", "map_Pm"}
        if model in _GLASS and not is_pbr:
            return {"type": "dielectric", "ior": max(entry.numbers.get("Ni", 1.5), 1.0001)}
        material: dict[str, Any]
        if model in _MIRROR and not has_color and max(specular) > 0.0 and not is_pbr:
            material = {"type": "conductor", "reflectance": _at_most_one(specular), "roughness": 0.0}
        elif is_pbr or (model >= 2 and max(specular) > 0.0):
            strength = 1.0 if is_pbr else min(max(specular), 1.0)
            tint = [1.0] * 3 if is_pbr else [value / max(specular) for value in specular]
            material = {
                "type": "principled",
                "base_color": self._color_map(entry, "map_Kd", diffuse, name, "base_color"),
                "metallic": self._number_map(entry, "map_Pm", min(entry.numbers.get("Pm", 0.0), 1.0), name, "metallic"),
                "roughness": self._number_map(entry, "map_Pr", max(roughness, 0.0), name, "roughness"),
                "specular": strength,
                "specular_color": tint,
                "clearcoat": min(max(entry.numbers.get("Pc", 0.0), 0.0), 1.0),
                "clearcoat_roughness": min(max(entry.numbers.get("Pcr", 0.0), 0.0), 1.0),
            }
        else:
            material = {"type": "diffuse", "albedo": self._color_map(entry, "map_Kd", diffuse, name, "albedo")}
        opacity = min(max(entry.numbers.get("d", 1.0 - entry.numbers.get("Tr", 0.0)), 0.0), 1.0)
        if opacity < 1.0 or "map_d" in entry.maps:
            material["opacity"] = self._number_map(entry, "map_d", opacity, name, "opacity")
        if "norm" in entry.maps:
            normals = self._texture(entry, "norm", name, "normal_map", False, rgb)
            if normals is not None:
                material["normal_map"] = normals["texture"]
        return material

    def _emission(self, entry: MtlEntry, name: str) -> Any:
        color = entry.colors.get("Ke", [1.0] * 3 if "map_Ke" in entry.maps else [0.0] * 3)
        if max(color) <= 0.0:
            return None
        return self._color_map(entry, "map_Ke", color, name, "emission", most=None)

    def _color_map(
        self, entry: MtlEntry, key: str, color: list[float], name: str, role: str, most: float | None = 1.0
    ) -> Any:
        """A colour map times its colour. Black times a map is taken as the map: exporters mean that."""
        color = color if most is None else _at_most_one(color)
        factor = np.array(color if max(color) > 0.0 else [1.0] * 3, dtype=np.float32)
        texture = self._texture(entry, key, name, role, True, lambda pixels: rgb(pixels) * factor)
        return color if texture is None else texture

    def _number_map(self, entry: MtlEntry, key: str, value: float, name: str, role: str) -> Any:
        """A map of numbers: it replaces the number. Opacity reads the alpha channel if there is one."""

        def channel(pixels: Pixels) -> Pixels:
            transparency = alpha(pixels) if key == "map_d" else None
            return np.clip(pixels[:, :, :1] if transparency is None else transparency, 0.0, 1.0)

        texture = self._texture(entry, key, name, role, False, channel)
        return value if texture is None else texture

    def _texture(
        self, entry: MtlEntry, key: str, name: str, role: str, as_color: bool, make: Callable[[Pixels], Pixels]
    ) -> dict[str, str] | None:
        if key not in entry.maps:
            return None
        path = self._folder / entry.maps[key]
        if not path.is_file():
            warn(f"{self._field}: material {name}: no such file for {key}: {entry.maps[key]}")
            return None
        pixels = make(read_linear(path, field=f"{self._field}: {key}", as_color=as_color))
        own = self._texture_names.free(f"{name}_{role}", "texture")
        self.textures[own] = {"data": np.ascontiguousarray(pixels, dtype=np.float32), "encoding": "linear"}
        return {"texture": own}


def _at_most_one(color: list[float]) -> list[float]:
    return [min(value, 1.0) for value in color]
