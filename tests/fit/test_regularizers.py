"""Every regularizer: its derivative against differences, and where it is zero."""

import numpy as np
import pytest
from differences import assert_derivative

from diffrt.fit import regularizers
from diffrt.fit.parametrisations import tie
from diffrt.fit.problem import REGULARIZERS, ParameterFit
from diffrt.fit.regularizers import add_regularizer, known_regularizers, regularize, regularizer_problem
from diffrt.fit.variables import Variable
from diffrt.scene.scene import Scene

RNG = np.random.default_rng(5)
SCENE = Scene.from_dict(
    {
        "camera": {},
        "textures": {"t": {"data": RNG.uniform(size=(5, 7, 3))}},
        "shapes": [{"name": "ball", "type": "sphere", "subdivisions": 1}, {"name": "quad", "type": "rectangle"}],
    }
)
BALL, QUAD, TEXTURE = "shapes.ball.vertices", "shapes.quad.vertices", "textures.t"
MESH_TERMS = ("laplacian", "normal_consistency", "edge_length")


def variable(name: str, moved: float = 0.0) -> Variable:
    value = np.asarray(SCENE[name], dtype=np.float64)
    fit = ParameterFit(learning_rate=1.0)
    low, high, free = np.array(-np.inf), np.array(np.inf), np.array(True)
    result = Variable(name, (name,), lambda x: tie(x, (name,)), fit, "adam", value, low, high, free)
    result.value = value + moved * RNG.normal(size=value.shape)
    return result


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in MESH_TERMS for name in (BALL, QUAD)]
    + [("smoothness", TEXTURE), ("prior", TEXTURE), ("prior", BALL)],
)
def test_derivative(kind: str, name: str) -> None:
    item = variable(name, 0.05)

    def term(value: np.ndarray) -> tuple[float, np.ndarray]:
        item.value = value
        return regularize(kind, item, SCENE)

    assert_derivative(term, item.value)


def test_what_they_are_for() -> None:
    assert all(regularizer_problem(kind, variable(TEXTURE)) for kind in MESH_TERMS)
    assert regularizer_problem("smoothness", variable(BALL))
    assert not any(regularizer_problem(kind, variable(BALL)) for kind in (*MESH_TERMS, "prior"))


def test_they_are_zero_where_nothing_is_wrong() -> None:
    assert regularize("prior", variable(TEXTURE), SCENE)[0] == 0.0
    assert regularize("normal_consistency", variable(QUAD), SCENE)[0] == pytest.approx(0.0, abs=1e-15)
    flat = variable(TEXTURE)
    flat.value = np.full_like(flat.value, 0.3)
    assert regularize("smoothness", flat, SCENE)[0] == 0.0


def test_known_regularizers_are_those_published() -> None:
    assert known_regularizers() == list(REGULARIZERS)


def test_one_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regularizers, "_terms", dict(regularizers._terms))

    @add_regularizer("small")
    def small(value: np.ndarray, item: Variable, scene: Scene) -> tuple[float, np.ndarray]:
        return float(np.mean(value**2)), 2.0 * value / value.size

    assert regularize("small", variable(TEXTURE), SCENE)[0] > 0.0
