"""Mitsuba's XML scenes, versions 0.x and 3, as diffrt scenes: the part of them that both can say.

Mitsuba's cameras look along +Z with +X to the left, diffrt's along -Z with +X to the right. Its environment maps begin
at -Z, diffrt's have -Z in the middle. What is not read is named by a warning.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.transform import scale
from diffrt.errors import InputError, Problem
from diffrt.io.formats import scene_importer
from diffrt.io.mitsuba_bsdf import Bsdfs
from diffrt.io.mitsuba_objects import Object, read_objects
from diffrt.io.mitsuba_shapes import convert_shape
from diffrt.io.names import Names
from diffrt.io.texture_data import read_linear, rgb

_TURN = scale([-1.0, 1.0, -1.0])  # half a turn about Y: between the frames of the two, its own inverse
_FILTERS = {"box": "box", "tent": "tent", "gaussian": "gaussian"}


@scene_importer(".xml")
def import_mitsuba(path: str | Path) -> dict[str, Any]:
    """Read a Mitsuba scene as a scene dictionary with arrays inside, as `Scene.from_dict` takes it.

    Args:
        path: the .xml file; the names in it start at its folder.

    Raises:
        InputError: broken XML or values, with file and line; a DOCTYPE; a scene without any shape that is read.
    """
    path = Path(path)
    scene = read_objects(path)
    importer = _Importer(path.parent)
    for _, part in scene.parts:
        importer.add(part)
    result = importer.scene
    if not result["shapes"]:
        raise InputError(Problem(f"file ({path.name})", "the scene is empty: no shape in it is read"))
    return {key: value for key, value in result.items() if value}


class _Importer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bsdfs = Bsdfs(folder)
        self._default_bsdf = Object("bsdf", "diffuse", "", "default")  # of shapes that name none
        self._names = {kind: Names() for kind in ("shape", "camera", "light")}
        self.scene: dict[str, Any] = {
            "cameras": [],
            "integrator": {},
            "sampling": {},
            "film": {},
            "textures": self._bsdfs.textures,
            "materials": self._bsdfs.materials,
            "shapes": [],
            "lights": [],
        }

    def add(self, part: Object) -> None:
        """Put one object of the scene's top level into the scene."""
        match part.tag:
            case "shape":
                self._shape(part)
            case "emitter":
                self._emitter(part)
            case "sensor":
                self._sensor(part)
            case "integrator":
                self._integrator(part)
            case "bsdf" | "texture" | "medium":  # there to be referred to
                pass
            case _:
                part.note("left out")

    def _shape(self, shape: Object) -> None:
        bsdf = next(iter(shape.all("bsdf")), None)
        geometry = convert_shape(shape, self._folder, bsdf)
        if geometry is None:
            return
        wanted = shape.id or Path(shape.text("filename", shape.type).replace("\\", "/")).stem
        result = {"name": self._names["shape"].free(wanted, "shape"), **geometry}
        if bsdf is not None:
            result["material"] = self._bsdfs.of(bsdf)
        elif not shape.all("emitter"):
            result["material"] = self._bsdfs.of(self._default_bsdf)
        for emitter in shape.all("emitter"):
            if emitter.type != "area":
                emitter.note("left out: a shape shines as an area light")
                continue
            result["emission"] = self._bsdfs.value(emitter, "radiance", 1.0)
        if any(part.tag in ("medium", "subsurface") for _, part in shape.parts):
            shape.note("media and subsurface scattering are left out")
        self.scene["shapes"].append(result)

    def _emitter(self, emitter: Object) -> None:
        lights: list[dict[str, Any]] = self.scene["lights"]
        matrix = emitter.matrix()
        position, forward = matrix[:3, 3], matrix[:3, 2]
        match emitter.type:
            case "point":
                position = emitter.point("position", tuple(position))
                light = {"position": position.tolist(), "intensity": _color(emitter, "intensity")}
            case "spot":
                cutoff = emitter.number("cutoff_angle", 20.0)
                start = min(emitter.number("beam_width", 0.75 * cutoff), cutoff)
                light = {"position": position.tolist(), "direction": forward.tolist(), "cutoff": cutoff}
                light |= {"falloff_start": start, "intensity": _color(emitter, "intensity")}
            case "directional":
                direction = emitter.point("direction", tuple(forward))
                light = {"direction": direction.tolist(), "irradiance": _color(emitter, "irradiance")}
            case "constant" | "envmap":
                if any(other["type"] == "environment" for other in lights):
                    emitter.note("left out: a second environment")
                    return
                light = self._environment(emitter)
            case _:
                emitter.note("this emitter is not read and left out")
                return
        kind = "environment" if emitter.type in ("constant", "envmap") else emitter.type
        name = self._names["light"].free(emitter.id, kind)
        lights.append({"name": name, "type": kind, **light})

    def _environment(self, emitter: Object) -> dict[str, Any]:
        if emitter.type == "constant":
            return {"radiance": _color(emitter, "radiance")}
        file = self._folder / emitter.text("filename", "")
        pixels = rgb(read_linear(file, field=f"{emitter.place}: filename", as_color=True))
        matrix = np.eye(4)
        matrix[:3, :3] = emitter.matrix()[:3, :3]
        return {"data": pixels, "scale": emitter.number("scale", 1.0), "to_world": matrix @ _TURN}

    def _integrator(self, integrator: Object) -> None:
        settings = self.scene["integrator"]
        if integrator.type in ("direct", "direct_reparam"):
            settings["max_depth"] = 2
        elif "max_depth" in integrator.values:
            settings["max_depth"] = int(max(integrator.number("max_depth", -1), -1))
        if "rr_depth" in integrator.values:
            settings["rr_depth"] = int(max(integrator.number("rr_depth", 5), 0))

    def _sensor(self, sensor: Object) -> None:
        film = next(iter(sensor.all("film")), None)
        width, height = 768, 576
        if film is not None:
            width, height = int(film.number("width", width)), int(film.number("height", height))
            if any(name.startswith("crop") for name in film.values):
                film.note("the crop window is left out")
        if width < 1 or height < 1:
            sensor.fail(f"a film of {width} x {height} pixels", "at least 1 x 1")
        for sampler in sensor.all("sampler"):
            if "sample_count" in sampler.values and not self.scene["cameras"]:
                self.scene["sampling"]["spp"] = max(int(sampler.number("sample_count", 64)), 1)
        for rfilter in film.all("rfilter") if film is not None and not self.scene["cameras"] else []:
            self.scene["film"]["filter"] = _FILTERS.get(rfilter.type, "gaussian")
        matrix = sensor.matrix() @ _TURN
        size = np.linalg.norm(matrix[:3, :3], axis=0)
        if not size.min() > 0.0:
            sensor.fail("to_world flattens the camera")
        camera: dict[str, Any] = {"name": self._names["camera"].free(sensor.id, "camera")}
        match sensor.type:
            case "perspective":
                camera |= {"type": "perspective", **_field_of_view(sensor, width, height)}
            case "thinlens":
                camera |= {"type": "thin_lens", **_field_of_view(sensor, width, height)}
                camera["aperture_radius"] = sensor.number("aperture_radius", 0.0)
                camera["focus_distance"] = sensor.number("focus_distance", sensor.number("far_clip", 1e4))
            case "orthographic":
                camera |= {"type": "orthographic", "scale": float(size[0])}
            case _:
                sensor.note("this sensor is not read and left out")
                return
        matrix[:3, :3] /= size
        camera |= {"to_world": matrix, "width": width, "height": height}
        camera |= {"near": sensor.number("near_clip", 1e-2), "far": sensor.number("far_clip", 1e4)}
        self.scene["cameras"].append(camera)


def _color(emitter: Object, name: str) -> NDArray[np.float64] | list[float]:
    if emitter.named(name) is not None:
        emitter.note(f"a texture for {name} is not read; 1 is used")
    color: list[float] = emitter.color(name, 1.0).tolist()
    return color


def _field_of_view(sensor: Object, width: int, height: int) -> dict[str, Any]:
    """`fov` in degrees and its axis. A focal length is that of 35 mm film, 36 x 24 mm, across its diagonal."""
    axis = sensor.text("fov_axis", "x")
    if "fov" in sensor.values:
        angle = sensor.number("fov", 40.0)
    else:
        focal_length = float(sensor.text("focal_length", "50mm").removesuffix("mm"))
        angle, axis = float(np.rad2deg(2.0 * np.arctan(0.5 * np.hypot(36.0, 24.0) / focal_length))), "diagonal"
    if not 0.0 < angle < 180.0:
        sensor.fail(f"fov {angle:g} degrees", "between 0 and 180")
    if axis == "diagonal":
        half = np.tan(np.deg2rad(angle) / 2.0) * width / np.hypot(width, height)
        angle, axis = float(np.rad2deg(2.0 * np.arctan(half))), "x"
    if axis not in ("x", "y", "smaller", "larger"):
        sensor.fail(f"fov_axis {axis!r}", "x, y, diagonal, smaller, larger")
    if sensor.number("principal_point_offset_x", 0.0) or sensor.number("principal_point_offset_y", 0.0):
        sensor.note("the offset of the principal point is left out")
    return {"fov": angle, "fov_axis": axis}
