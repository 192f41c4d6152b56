"""An OBJ file with its materials as a diffrt scene: one shape for each material."""

from pathlib import Path
from typing import Any

from diffrt.io.files import read_bytes
from diffrt.io.formats import scene_importer
from diffrt.io.mesh_shape import arrays_of
from diffrt.io.mtl import MtlMaterials
from diffrt.io.names import Names
from diffrt.io.obj import parse_obj


@scene_importer(".obj")
def import_obj(path: str | Path) -> dict[str, Any]:
    """Read an OBJ file and its MTL libraries as a scene dictionary with arrays inside, as `Scene.from_dict` takes it.

    Shapes are named after their material; one without material after the file. A missing library or map is a warning.

    Raises:
        InputError: naming the line that is not OBJ or MTL, or the array that is wrong.
    """
    path = Path(path)
    name = f"file ({path.name})"
    data = parse_obj(read_bytes(path), name)
    library = MtlMaterials(path.parent, name)
    library.read(data.libraries)
    names = Names()
    shapes: list[dict[str, Any]] = []
    for index, used in enumerate(data.materials):
        chosen = data.face_materials == index
        if not chosen.any():
            continue
        only = bool(chosen.all())
        mesh = data.mesh(name, None if only else chosen)
        material, emission = library.of(used)
        own = names.free(path.stem if only else used or path.stem, "mesh")
        shape: dict[str, Any] = {"name": own, "type": "mesh", **arrays_of(mesh)}
        shape |= {} if material is None else {"material": material}
        shape |= {} if emission is None else {"emission": emission}
        shapes.append(shape)
    return {"textures": library.textures, "materials": library.materials, "shapes": shapes}
