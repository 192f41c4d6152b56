"""Gradients against finite differences, backward and forward: where nothing jumps. And by chunks of any size."""

import numpy as np
import pytest

import diffrt
from tests.gradient.cases import INTERIOR_CASES
from tests.gradient.harness import Case, check, parameters
from tests.gradient.scenes import CAMERA, lit

pytestmark = pytest.mark.usefixtures("taichi")


@pytest.mark.parametrize("case", parameters(INTERIOR_CASES))
def test_gradient(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("name", ["textures.image", "shapes.floor.translation"])
def test_the_size_of_chunks_changes_nothing(name: str) -> None:
    """A record of 256 rows holds a few dozen paths: hundreds of chunks, some of which do not fit at first."""
    scene = diffrt.Scene.from_dict(lit(depth=5))
    weights = np.ones((CAMERA["height"], CAMERA["width"], 3))
    small, large = (
        diffrt.render_backward(scene, weights, [name], spp=8, seed=3, terms=("interior",), rows=rows)[name]
        for rows in (256, 2**16)
    )
    assert small == pytest.approx(large, rel=1e-4, abs=1e-5 * float(np.abs(large).max()))
