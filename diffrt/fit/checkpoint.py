"""The state of a run in one file, checkpoint.npz: written whole or not at all, plain arrays, no pickle."""

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.mesh import Mesh
from diffrt.errors import InputError, Problem
from diffrt.fit.fingerprint import Fingerprint, changes
from diffrt.fit.noise import Noise
from diffrt.fit.prepare import FitSetup
from diffrt.fit.retexture import baked_textures
from diffrt.fit.running_loss import RunningLoss
from diffrt.io.pixels import save

Arrays = dict[str, NDArray[Any]]
FILE = "checkpoint.npz"
_VERSION = 4
_OF_VALUES, _MESH_PARTS = ("value/", "mesh/", "texture/"), ("vertices", "faces", "uvs", "uv_faces")
_SCALARS = ("iteration", "remeshed", "skipped", "best_loss", "best_iteration", "seconds")


@dataclass
class RunState:
    """Where a run stands; what the variables and meshes do not say themselves.

    Attributes:
        iteration: the next one.
        remeshed: the stages whose remeshing is done; number of the last one, -1 none.
        skipped: steps skipped in a row.
        loss: in this stage.
        best_loss, best_iteration, best: the lowest of its upper bounds, when, and the arrays of that moment.
        seconds: spent so far. noise: what is known of it in this stage.
        evaluations: of lbfgs: losses and gradients so far.
    """

    iteration: int = 0
    remeshed: int = -1
    skipped: int = 0
    loss: RunningLoss = field(default_factory=RunningLoss)
    best_loss: float = float("inf")
    best_iteration: int = -1
    best: Arrays = field(default_factory=dict)
    seconds: float = 0.0
    noise: Noise = field(default_factory=Noise)
    evaluations: list[tuple[float, NDArray[np.float64]]] = field(default_factory=list)


def values_of(setup: FitSetup) -> Arrays:
    """The variables' values, the meshes that were remeshed and the other textures that were baked for these.

    A flat dict of arrays (not copied).
    """
    arrays: Arrays = {f"value/{name}": item.value for name, item in setup.variables.items()}
    for name in remeshed_shapes(setup):
        mesh = setup.scene.shapes[name].mesh
        parts = {part: getattr(mesh, part) for part in _MESH_PARTS}
        arrays |= {f"mesh/{name}/{part}": array for part, array in parts.items() if array is not None}
    return arrays | {f"texture/{name}": setup.scene.textures[name].data for name in baked_textures(setup)}


def remeshed_shapes(setup: FitSetup) -> list[str]:
    """Shapes whose triangles are not those of the start."""
    return [
        name
        for name, shape in setup.scene.shapes.items()
        if shape.mesh.faces is not setup.original.shapes[name].mesh.faces
    ]


def set_surfaces(setup: FitSetup, arrays: Arrays) -> None:
    """Of the reverse of `values_of` the meshes and textures, where the triangles and texels are not these already."""
    from diffrt.fit.remesh import replace_mesh

    for key, faces in arrays.items():
        kind, _, name = key.partition("/")
        if kind == "mesh" and name.endswith("/faces"):
            name = name.removesuffix("/faces")
            uvs, uv_faces = arrays.get(f"mesh/{name}/uvs"), arrays.get(f"mesh/{name}/uv_faces")
            mesh = setup.scene.shapes[name].mesh
            # Remeshing may leave the triangles as they are, and give them other texture coordinates.
            if not (np.array_equal(mesh.faces, faces) and _equal(mesh.uvs, uvs) and _equal(mesh.uv_faces, uv_faces)):
                replace_mesh(setup, name, Mesh(arrays[f"mesh/{name}/vertices"], faces, uvs=uvs, uv_faces=uv_faces))
        elif kind == "texture" and not np.array_equal(setup.scene.textures[name].data, arrays[key]):
            setup.scene[f"textures.{name}"] = arrays[key]


def _equal(a: NDArray[Any] | None, b: NDArray[Any] | None) -> bool:
    """Whether both are missing or hold the same."""
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)


def set_values(setup: FitSetup, arrays: Arrays) -> None:
    """The reverse of `values_of`: meshes, textures and values as they were; optimizers begin anew."""
    set_surfaces(setup, arrays)
    for name, item in setup.variables.items():
        item.value = arrays[f"value/{name}"].copy()
        item.renew()


def write_checkpoint(folder: Path, setup: FitSetup, state: RunState, fingerprint: Fingerprint) -> None:
    """Write the checkpoint of a run, whose beginning had this fingerprint.

    Raises:
        InputError: the folder cannot be written to; the old checkpoint stays.
    """
    arrays: dict[str, Any] = {**values_of(setup)}
    for name, item in setup.variables.items():
        arrays[f"latent/{name}"], arrays[f"start/{name}"] = item.latent, item.start
        arrays[f"mean/{name}"], arrays[f"square/{name}"] = item.moments.mean, item.moments.square
        arrays[f"scalars/{name}"] = np.array(
            [item.moments.steps, item.rate_scale, item.moments.seen, item.moments.usual]
        )
    arrays |= {f"best/{key}": array for key, array in state.best.items()}
    if state.evaluations:
        arrays["evaluations/loss"] = np.array([loss for loss, _ in state.evaluations])
        arrays["evaluations/gradient"] = np.array([gradient for _, gradient in state.evaluations])
    head = {"version": _VERSION, "fingerprint": fingerprint} | {name: getattr(state, name) for name in _SCALARS}
    head |= {"noise": vars(state.noise), "loss": vars(state.loss)}
    arrays["state"] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    save(folder / FILE, buffer.getvalue(), field="output")


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds: `head`, plain data, and `arrays` by name."""

    path: Path
    head: dict[str, Any]
    arrays: Arrays


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Errors of a broken file as a message."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(Problem("--resume", f"{path} is no readable checkpoint: {error}", "a whole one")) from None


def read_checkpoint(folder: Path, fingerprint: Fingerprint) -> Saved:
    """The checkpoint of the run that is to go on, which has this fingerprint.

    Raises:
        InputError: there is none, it is broken, or it belongs to another problem.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(Problem("--resume", f"{path} does not exist", "the output folder of an earlier run"))
    with _readable(path):
        with np.load(path, allow_pickle=False) as content:
            arrays: Arrays = dict(content)
        head = json.loads(arrays["state"].tobytes().decode())
        if head["version"] != _VERSION:
            raise InputError(Problem("--resume", f"{path} has version {head['version']}", f"version {_VERSION}"))
        changed = changes(head["fingerprint"], fingerprint)
    if changed:
        raise InputError(changed)
    return Saved(path, head, arrays)


def restore(setup: FitSetup, saved: Saved) -> RunState:
    """Bring the variables and meshes to where a checkpoint left them.

    Raises:
        InputError: it is broken.
    """
    arrays, head = saved.arrays, saved.head
    with _readable(saved.path):
        set_values(setup, {key: array for key, array in arrays.items() if key.startswith(_OF_VALUES)})
        for name, item in setup.variables.items():
            item.latent, item.start = arrays[f"latent/{name}"], arrays[f"start/{name}"]
            item.moments.mean, item.moments.square = arrays[f"mean/{name}"], arrays[f"square/{name}"]
            steps, item.rate_scale, seen, item.moments.usual = arrays[f"scalars/{name}"].tolist()
            item.moments.steps, item.moments.seen = int(steps), int(seen)
        scalars = {key: head[key] for key in _SCALARS}
        state = RunState(**scalars, noise=Noise(**head["noise"]), loss=RunningLoss(**head["loss"]))
        state.best = {key.removeprefix("best/"): array for key, array in arrays.items() if key.startswith("best/")}
        if "evaluations/loss" in arrays:
            losses = arrays["evaluations/loss"].tolist()
            state.evaluations = list(zip(losses, arrays["evaluations/gradient"], strict=True))
    return state


def clear(folder: Path, resume: bool) -> None:
    """Remove what a kill in the middle of writing left behind; and the checkpoint, if the run begins anew."""
    old = [] if resume else [folder / FILE]
    with contextlib.suppress(OSError):  # a folder that cannot be written to is named by what is written next
        for file in [*old, *folder.glob(f".{FILE}.*")]:
            file.unlink(missing_ok=True)
