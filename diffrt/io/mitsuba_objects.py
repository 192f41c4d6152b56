"""Reading Mitsuba's XML: objects with their properties under one spelling, whichever version wrote them.

Versions 0.x write `toWorld`, `intIOR`, `lookAt`; version 3 writes `to_world`, `int_ior`, `lookat`. Both become
the latter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.files import read_bytes
from diffrt.io.mitsuba_values import numbers, rgb, spectrum, step, xyz
from diffrt.io.xml_tree import XmlNode, parse_xml
from diffrt.log import warn

OBJECT_TAGS = {
    **{tag: tag for tag in ("scene", "shape", "bsdf", "emitter", "sensor", "film", "sampler", "integrator", "texture")},
    **{tag: tag for tag in ("rfilter", "medium", "phase", "volume", "subsurface")},
    **{"camera": "sensor", "luminaire": "emitter"},
}
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")
_MAX_INCLUDES = 32
_MAX_TEXT = 1 << 20


@dataclass
class Object:
    """An object of a Mitsuba scene: a shape, a bsdf, ... with its values and its objects, nested or referred to."""

    tag: str
    type: str
    id: str
    place: str  # for messages
    values: dict[str, Any] = field(default_factory=dict)
    parts: list[tuple[str, "Object"]] = field(default_factory=list)  # (property name or "", object)

    def fail(self, found: str, allowed: str = "") -> NoReturn:
        """Raise InputError about this object."""
        raise InputError(Problem(f"{self.place} <{self.tag} type={self.type!r}>", found, allowed))

    def note(self, message: str) -> None:
        """Warn about this object."""
        warn(f"{self.place} <{self.tag} type={self.type!r}>: {message}")

    def number(self, name: str, default: float) -> float:
        """A number; a colour counts by its mean."""
        value = self.values.get(name, default)
        if isinstance(value, np.ndarray) and value.shape == (3,):
            return float(value.mean())
        if isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
            self.fail(f"{name} is not a number", "a number")
        return float(value)

    def text(self, name: str, default: str) -> str:
        """A text."""
        return str(self.values.get(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            self.fail(f"{name} is not true or false")
        return value

    def point(self, name: str, default: tuple[float, float, float]) -> NDArray[np.float64]:
        """Three numbers."""
        value = np.asarray(self.values.get(name, default))
        if value.shape != (3,) or value.dtype.kind not in "fi":
            self.fail(f"{name} is not a point", "x, y, z")
        return value.astype(np.float64)

    def color(self, name: str, default: float) -> NDArray[np.float64]:
        """Linear RGB (3,); a number counts for all three."""
        value = np.asarray(self.values.get(name, default))
        if value.shape not in ((), (3,)) or value.dtype.kind not in "fi":
            self.fail(f"{name} is not a colour")
        return np.broadcast_to(value.astype(np.float64), (3,)).copy()

    def matrix(self, name: str = "to_world") -> NDArray[np.float64]:
        """A transform, the identity if absent."""
        value = self.values.get(name)
        return np.eye(4) if value is None else np.asarray(value)

    def all(self, tag: str) -> list["Object"]:
        """Its objects of a kind."""
        return [part for _, part in self.parts if part.tag == tag]

    def named(self, name: str) -> "Object | None":
        """Its object under a property name."""
        return next((part for own, part in self.parts if own == name), None)


def read_objects(path: Path) -> Object:
    """Read a scene with its includes, variables ($name) replaced and references resolved.

    Raises:
        InputError: broken XML, values that cannot be read, unknown references, references in a circle.
    """
    return _Reader(path).scene()


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._variables: dict[str, str] = {}
        self._by_id: dict[str, Object] = {}
        self._references: list[tuple[Object, int, str]] = []
        self._includes = 0

    def scene(self) -> Object:
        root = self._parse(self._path)
        scene = self._object(root, self._path, emission=False)
        for owner, index, target in self._references:
            if target not in self._by_id:
                owner.fail(f"refers to {target!r}, which does not exist", ", ".join(sorted(self._by_id)[:20]))
            owner.parts[index] = (owner.parts[index][0], self._by_id[target])
        _refuse_circles(scene)
        return scene

    def _parse(self, path: Path, field: str = "file") -> XmlNode:
        root = parse_xml(read_bytes(path, field=field), f"file ({path.name})")
        if root.tag != "scene":
            raise InputError(Problem(f"file ({path.name})", f"the root is <{root.tag}>", "<scene>"))
        return root

    def _object(self, node: XmlNode, path: Path, emission: bool) -> Object:
        place = f"file ({path.name}) line {node.line}"
        tag = OBJECT_TAGS[node.tag]
        attributes = self._attributes(node, place)
        own = Object(tag, attributes.get("type", tag), attributes.get("id", ""), place)
        if own.id:
            self._by_id[own.id] = own
        self._fill(own, node, path, emission or tag == "emitter")
        return own

    def _fill(self, own: Object, node: XmlNode, path: Path, emission: bool) -> None:
        for child in node.children:
            place = f"file ({path.name}) line {child.line}"
            if child.tag == "default":
                attributes = self._attributes(child, place)
                self._variables.setdefault(attributes.get("name", ""), attributes.get("value", ""))
                continue
            attributes = self._attributes(child, place)
            name = _CAMEL.sub(r"\1_\2", attributes.get("name", "")).lower()
            if child.tag in OBJECT_TAGS:
                own.parts.append((name, self._object(child, path, emission)))
            elif child.tag == "ref":
                self._references.append((own, len(own.parts), attributes.get("id", "")))
                own.parts.append((name, own))
            elif child.tag == "include":
                self._include(own, attributes.get("filename", ""), path, place)
            elif child.tag == "alias":
                target = self._by_id.get(attributes.get("id", ""))
                if target is not None:
                    self._by_id[attributes.get("as", "")] = target
            else:
                value = self._value(child, attributes, place, emission)
                own.values |= {} if value is None else {name: value}

    def _include(self, own: Object, name: str, path: Path, place: str) -> None:
        self._includes += 1
        if self._includes > _MAX_INCLUDES:
            raise InputError(Problem(place, "too many includes", f"at most {_MAX_INCLUDES}, and none of itself"))
        included = path.parent / name
        self._fill(own, self._parse(included, f"{place}: filename"), included, emission=False)

    def _attributes(self, node: XmlNode, place: str) -> dict[str, str]:
        return {key: self._substituted(value, place) for key, value in node.attributes.items()}

    def _substituted(self, text: str, place: str) -> str:
        if "$" not in text:
            return text
        for name in sorted(self._variables, key=len, reverse=True):
            text = text.replace(f"${name}", self._variables[name])
            if len(text) > _MAX_TEXT:
                raise InputError(Problem(place, f"a value of more than {_MAX_TEXT} characters"))
        if "$" in text:
            found = f"{text!r} uses a variable without a <default>"
            raise InputError(Problem(place, found, ", ".join(f"${name}" for name in self._variables)))
        return text

    def _value(self, node: XmlNode, attributes: dict[str, str], place: str, emission: bool) -> Any:
        text = attributes.get("value", "")
        if node.tag == "spectrum" and "filename" in attributes:
            warn(f"{place}: spectra in files of their own are not read; {attributes.get('name')!r} is left out")
            return None
        try:
            match node.tag:
                case "float":
                    return numbers(text, 1)[0]
                case "integer":
                    return int(text)
                case "boolean":
                    return {"true": True, "false": False}[text.strip().lower()]
                case "string":
                    return text
                case "point" | "vector":
                    return np.array(xyz(attributes, 0.0))
                case "rgb" | "srgb" | "color":
                    return rgb(text, decode=node.tag == "srgb")
                case "spectrum":
                    return spectrum(text, emission)
                case "transform":
                    return self._transform(node, place)
        except InputError:
            raise
        except (ValueError, KeyError, OverflowError):
            what = f"<{node.tag} name={attributes.get('name', '')!r} value={text[:40]!r}> cannot be read"
            raise InputError(Problem(place, what)) from None
        warn(f"{place}: <{node.tag}> is left out")
        return None

    def _transform(self, node: XmlNode, place: str) -> NDArray[np.float64]:
        matrix = np.eye(4)
        for child in node.children:
            attributes = self._attributes(child, f"{place}, <{child.tag}>")
            matrix = step(child.tag, attributes) @ matrix
        if not np.isfinite(matrix).all():
            raise ValueError
        return matrix


def _refuse_circles(scene: Object) -> None:
    """Depth first, without recursion: an object that contains itself."""
    done: set[int] = set()
    path: list[tuple[Object, Iterator[Object]]] = [(scene, iter([part for _, part in scene.parts]))]
    on_path = {id(scene)}
    while path:
        owner, rest = path[-1]
        part = next(rest, None)
        if part is None:
            path.pop()
            on_path.discard(id(owner))
            done.add(id(owner))
        elif id(part) in on_path:
            owner.fail(f"refers to {part.id!r}, which contains it: a circle of references")
        elif id(part) not in done:
            on_path.add(id(part))
            path.append((part, iter([inner for _, inner in part.parts])))
