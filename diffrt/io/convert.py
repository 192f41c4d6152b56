"""One file into another format: meshes to meshes, images to images."""

from pathlib import Path

from diffrt.errors import InputError, Problem
from diffrt.io.formats import extensions
from diffrt.io.images import read_image, write_image
from diffrt.io.meshes import read_mesh, write_mesh


def convert(source: Path, target: Path) -> None:
    """Read `source` as what its extension says and write it as what the extension of `target` says.

    Raises:
        InputError: unknown formats, formats of different kinds, or a broken file.
    """
    into = target.suffix.lower()
    if into in extensions("mesh writer"):
        write_mesh(target, read_mesh(source, field="IN"))
    elif into in extensions("image writer"):
        image = read_image(source, field="IN")
        write_image(target, image.data, encoding=image.encoding)
    else:
        known = sorted({*extensions("mesh writer"), *extensions("image writer")})
        raise InputError(Problem("OUT", f"{target.name!r} has no known format", ", ".join([".json", *known])))
