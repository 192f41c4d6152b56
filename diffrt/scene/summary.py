"""What a scene holds, as the table of `diffrt info`."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table

from diffrt.description.values import Array
from diffrt.scene.elements import Camera, Light
from diffrt.scene.sources import mesh_arrays

if TYPE_CHECKING:
    from diffrt.scene.scene import Scene

_SHOWN = 12


def summary_rows(scene: "Scene") -> list[tuple[str, str, str]]:
    """Rows (what, how many, details): shapes, triangles, materials, textures, lights, cameras, settings, memory."""
    shapes, textures = list(scene.shapes.values()), list(scene.textures.values())
    triangles = [len(shape.mesh.faces) for shape in shapes]
    emitting = [shape.name for shape in shapes if shape.emission is not None]
    settings = scene.settings
    depth = "no limit" if settings.max_depth < 0 else str(settings.max_depth)
    return [
        ("shapes", str(len(shapes)), _some(f"{s.name} ({n})" for s, n in zip(shapes, triangles, strict=True))),
        ("triangles", f"{sum(triangles)}", f"{sum(len(shape.mesh.vertices) for shape in shapes)} vertices"),
        ("materials", str(len(scene.materials)), _counted(item.type for item in scene.materials.values())),
        ("textures", str(len(textures)), _some(f"{item.name} {_size(item.data)}" for item in textures)),
        ("lights", str(len(scene.lights)), _some(map(_light, scene.lights.values()))),
        ("emitting shapes", str(len(emitting)), _some(emitting)),
        ("cameras", str(len(scene.cameras)), _some(map(_camera, scene.cameras.values()))),
        ("settings", "", f"max_depth {depth}, {settings.spp} spp, {settings.sampler}, {settings.filter} filter"),
        ("memory", f"{memory(scene) / 2**20:.1f} MiB", "arrays of meshes, textures and environments"),
    ]


def summary_table(scene: "Scene", title: str = "") -> Table:
    """The rows as a table for the terminal."""
    table = Table("", "count", "what", title=title or None, title_justify="left")
    table.columns[1].justify = "right"
    for row in summary_rows(scene):
        table.add_row(*row)
    return table


def memory(scene: "Scene") -> int:
    """Bytes of all arrays of the scene, each counted once."""
    arrays: list[Array | None] = [item.data for item in scene.textures.values()]
    arrays += [light.image for light in scene.lights.values()]
    for shape in scene.shapes.values():
        arrays += mesh_arrays(shape.mesh)
    return sum({id(array): array.nbytes for array in arrays if array is not None}.values())


def _some(names: Iterable[str]) -> str:
    items = list(names)
    return ", ".join(items[:_SHOWN]) + (f", ... ({len(items) - _SHOWN} more)" if len(items) > _SHOWN else "")


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(Counter(names).items()))


def _size(data: Array) -> str:
    return f"{data.shape[1]}x{data.shape[0]}x{data.shape[2]}"


def _light(light: Light) -> str:
    return f"{light.name} ({light.type}{'' if light.image is None else f' {_size(light.image)}'})"


def _camera(camera: Camera) -> str:
    return f"{camera.name} ({camera.type} {camera.width}x{camera.height})"
