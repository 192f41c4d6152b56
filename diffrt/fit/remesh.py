"""New triangles of even size under way, for shapes whose vertices are fitted (extra: mesh)."""

import importlib.util
from collections.abc import Iterator

import numpy as np

from diffrt.description.mesh import Mesh, make_mesh
from diffrt.errors import MissingExtraError, Problem
from diffrt.fit.large_steps import LargeSteps
from diffrt.fit.prepare import FitSetup
from diffrt.fit.problem import ProblemFile, Remesh
from diffrt.fit.retexture import apply_bakes, retexture, texture_problems, varies_by_entry
from diffrt.fit.variables import Variable
from diffrt.scene.scene import Scene

_ROUNDS = 10


def remesh_problems(problem: ProblemFile, scene: Scene, variables: dict[str, Variable]) -> list[Problem]:
    """What stands against the remeshing that a problem asks for.

    Raises:
        MissingExtraError: gpytoolbox is not installed.
    """
    if importlib.util.find_spec("gpytoolbox") is None:
        raise MissingExtraError("remesh", "gpytoolbox", "mesh")
    problems = []
    fitted = _fitted(variables)
    for index, stage in enumerate(problem.stages):
        if stage.remesh is None:
            continue
        place = f"stages[{index}].remesh"
        if not fitted:
            problems.append(Problem(place, "no vertices are fitted", "shapes.NAME.vertices among the parameters"))
        if problem.optimizer == "lbfgs":
            problems.append(Problem(place, "given together with lbfgs", "another optimizer: lbfgs needs one function"))
        if problem.loss.buffers.get("uv", 0.0) > 0.0:
            found = "given together with loss.buffers.uv: shapes get other texture coordinates"
            problems.append(Problem(place, found, "either of them"))
        names = []
        for name in dict.fromkeys(stage.remesh.shapes or fitted):
            if name in fitted:
                names.append(name)
                problems += _problems_of(place, name, scene, variables[f"shapes.{name}.vertices"])
            else:
                found = f"the vertices of {name!r} are not fitted"
                problems.append(Problem(f"{place}.shapes", found, ", ".join(fitted)))
        problems += texture_problems(place, names, scene, variables)
    return problems


def _problems_of(place: str, name: str, scene: Scene, variable: Variable) -> Iterator[Problem]:
    """What stands against new triangles for one shape."""
    if scene.shapes[name].has_given_normals:
        yield Problem(place, f"{name!r} has given normals", "shapes without")
    if variable.fit.tied:
        yield Problem(place, f"other vertices are tied to those of {name!r}", "shapes without")
    if varies_by_entry(variable.free):
        yield Problem(place, f"{name!r} has single vertices that are not free", "free by axis")
    if varies_by_entry(variable.low) or varies_by_entry(variable.high):
        yield Problem(place, f"{name!r} has single vertices with bounds of their own", "bounds by axis")


def remesh(setup: FitSetup, wanted: Remesh) -> list[str]:
    """Give shapes new triangles (Botsch and Kobbelt 2004); the optimizers of their vertices begin anew.

    Shapes that show textures get new texture coordinates, and their textures are baked for these.

    Returns:
        Their names.
    """
    import gpytoolbox

    names = list(dict.fromkeys(wanted.shapes or _fitted(setup.variables)))
    meshes = {}
    for name in names:
        mesh = setup.scene.shapes[name].mesh
        vertices, faces = gpytoolbox.remesh_botsch(
            np.array(mesh.vertices), np.array(mesh.faces), _ROUNDS, wanted.edge_length
        )
        meshes[name] = make_mesh(vertices, faces, field=f"shapes.{name}")
    result = retexture(setup.scene, meshes)
    for name, mesh in result.meshes.items():
        replace_mesh(setup, name, mesh)
    apply_bakes(setup, result.bakes)
    return names


def replace_mesh(setup: FitSetup, name: str, mesh: Mesh) -> None:
    """Give a shape other triangles, and its variable their vertices to start from."""
    setup.scene.set_mesh(name, mesh)
    variable = setup.variables[f"shapes.{name}.vertices"]
    variable.value = np.array(mesh.vertices, dtype=np.float64)
    variable.start = variable.value.copy()
    if variable.fit.precondition is not None:
        variable.steps = LargeSteps(mesh.faces, len(mesh.vertices), variable.fit.precondition.lambda_)
    variable.renew()


def _fitted(variables: dict[str, Variable]) -> list[str]:
    return [
        name.removeprefix("shapes.").removesuffix(".vertices")
        for name in variables
        if name.startswith("shapes.") and name.endswith(".vertices")
    ]
