"""Terms that judge a parameter by itself, each with its derivative.

To add one, register a function by its name; a problem file may then use it:

    @add_regularizer("small", "any parameter")
    def small(value, variable, scene):
        return np.mean(value**2), 2.0 * value / value.size
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from diffrt.description.mesh import edges
from diffrt.fit.large_steps import laplacian
from diffrt.fit.variables import Variable
from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]
Term: TypeAlias = Callable[[Floats, Variable, Scene], tuple[float, Floats]]
"""(value, its variable, the scene) -> (term, dTerm/dValue)."""

VERTICES, IMAGES, ANY = "vertices of a shape", "a texture or an environment image", "any parameter"
_terms: dict[str, tuple[str, Term]] = {}


def add_regularizer(name: str, of: str = ANY) -> Callable[[Term], Term]:
    """Register a term under a name, for some kind of parameter."""

    def decorate(function: Term) -> Term:
        _terms[name] = (of, function)
        return function

    return decorate


def known_regularizers() -> list[str]:
    """The names of all terms."""
    return list(_terms)


def regularizer_problem(name: str, variable: Variable) -> str:
    """What the term allows, if it does not allow this variable."""
    of = _terms[name][0]
    fits = {
        VERTICES: variable.name.startswith("shapes.") and variable.name.endswith(".vertices"),
        IMAGES: variable.value.ndim == 3,
    }
    return "" if fits.get(of, True) else of


def regularize(name: str, variable: Variable, scene: Scene) -> tuple[float, Floats]:
    """The term of a variable's present value, and its derivative."""
    return _terms[name][1](variable.value, variable, scene)


def _faces(variable: Variable, scene: Scene) -> NDArray[np.int32]:
    return scene.shapes[variable.name.removeprefix("shapes.").removesuffix(".vertices")].mesh.faces


@add_regularizer("laplacian", VERTICES)
def _laplacian(vertices: Floats, variable: Variable, scene: Scene) -> tuple[float, Floats]:
    """Mean over vertices of |L v|^2 with the uniform Laplacian divided by the degree: distance from the neighbours'
    mean (Sorkine 2006)."""
    matrix = laplacian(_faces(variable, scene), len(vertices))
    degree = np.maximum(matrix.diagonal(), 1.0)
    matrix = csr_array(matrix / degree[:, None])
    offset = matrix @ vertices
    return float(np.sum(offset**2)) / len(vertices), 2.0 * (matrix.T @ offset) / len(vertices)


@add_regularizer("normal_consistency", VERTICES)
def _normal_consistency(vertices: Floats, variable: Variable, scene: Scene) -> tuple[float, Floats]:
    """Mean over inner edges of 1 - cos of the angle between the normals beside it."""
    faces = _faces(variable, scene)
    _, beside = edges(faces)
    first, second = beside[beside[:, 1] >= 0].T
    if len(first) == 0:
        return 0.0, np.zeros_like(vertices)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    length = np.linalg.norm(cross, axis=1, keepdims=True)
    solid = length > 0.0
    length = np.where(solid, length, 1.0)
    normal = np.where(solid, cross / length, 0.0)
    d_normal = np.zeros_like(normal)
    np.add.at(d_normal, first, -normal[second])
    np.add.at(d_normal, second, -normal[first])
    d_cross = (d_normal - normal * np.sum(normal * d_normal, axis=1, keepdims=True)) / length / len(first)
    gradient = np.zeros_like(vertices)
    by_b, by_c = np.cross(c - a, d_cross), np.cross(d_cross, b - a)
    for corner, part in zip(faces.T, (-by_b - by_c, by_b, by_c), strict=True):
        np.add.at(gradient, corner, part)
    return float(np.mean(1.0 - np.sum(normal[first] * normal[second], axis=1))), gradient


@add_regularizer("edge_length", VERTICES)
def _edge_length(vertices: Floats, variable: Variable, scene: Scene) -> tuple[float, Floats]:
    """Variance of the lengths of the edges over the square of their mean: 0 for edges of one length."""
    i, j = edges(_faces(variable, scene))[0].T
    along = vertices[i] - vertices[j]
    length = np.linalg.norm(along, axis=1)
    mean = length.mean()
    value = float(np.mean((length / mean - 1.0) ** 2))
    by_length = 2.0 * (length / mean - 1.0 - value) / (mean * len(length))
    part = along * (by_length / np.maximum(length, 1e-300))[:, None]
    gradient = np.zeros_like(vertices)
    np.add.at(gradient, i, part)
    np.add.at(gradient, j, -part)
    return value, gradient


@add_regularizer("smoothness", IMAGES)
def _smoothness(image: Floats, variable: Variable, scene: Scene) -> tuple[float, Floats]:
    """Mean of the squared differences of neighbouring texels, across and down."""
    gradient = np.zeros_like(image)
    total = 0.0
    for axis in (0, 1):
        difference = np.diff(image, axis=axis)
        if difference.size:
            total += float(np.mean(difference**2))
            low = [slice(None)] * 3
            high = [slice(None)] * 3
            low[axis], high[axis] = slice(None, -1), slice(1, None)
            slope = 2.0 * difference / difference.size
            gradient[tuple(high)] += slope
            gradient[tuple(low)] -= slope
    return total, gradient


@add_regularizer("prior", ANY)
def _prior(value: Floats, variable: Variable, scene: Scene) -> tuple[float, Floats]:
    """Mean of the squared distance from the start."""
    offset = value - variable.start
    return float(np.mean(offset**2)), 2.0 * offset / offset.size
