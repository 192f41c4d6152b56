"""New triangles of even size under way, for shapes whose vertices are fitted (extra: mesh)."""

import importlib.util

import numpy as np

from diffrt.description.mesh import Mesh, make_mesh
from diffrt.errors import MissingExtraError, Problem
from diffrt.fit.large_steps import LargeSteps
from diffrt.fit.prepare import FitSetup
from diffrt.fit.problem import ProblemFile, Remesh
from diffrt.fit.variables import Variable
from diffrt.scene.consistency import texture_names
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
        place = f"stages[{index}].remesh"
        for name in (stage.remesh.shapes or fitted) if stage.remesh else []:
            if name not in fitted:
                problems.append(
                    Problem(f"{place}.shapes", f"the vertices of {name!r} are not fitted", ", ".join(fitted))
                )
                continue
            variable = variables[f"shapes.{name}.vertices"]
            if texture_names(scene.shapes[name], scene.materials):
                problems.append(
                    Problem(place, f"{name!r} has a texture, and its coordinates would go", "shapes without")
                )
            if scene.shapes[name].has_given_normals:
                problems.append(Problem(place, f"{name!r} has given normals", "shapes without"))
            if variable.fit.tied:
                problems.append(Problem(place, f"other vertices are tied to those of {name!r}", "shapes without"))
            if variable.free.ndim > 1 and variable.free.shape[0] > 1:
                problems.append(Problem(place, f"{name!r} has single vertices that are not free", "free by axis"))
        if stage.remesh and not fitted:
            problems.append(Problem(place, "no vertices are fitted", "shapes.NAME.vertices among the parameters"))
    return problems


def remesh(setup: FitSetup, wanted: Remesh) -> list[str]:
    """Give shapes new triangles (Botsch and Kobbelt 2004); their optimizers begin anew.

    Returns:
        Their names.
    """
    import gpytoolbox

    names = wanted.shapes or _fitted(setup.variables)
    for name in names:
        mesh = setup.scene.shapes[name].mesh
        vertices, faces = gpytoolbox.remesh_botsch(
            np.ascontiguousarray(mesh.vertices), np.ascontiguousarray(mesh.faces), _ROUNDS, wanted.edge_length
        )
        replace_mesh(setup, name, make_mesh(vertices, faces, field=f"shapes.{name}"))
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
