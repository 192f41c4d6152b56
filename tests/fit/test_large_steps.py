"""The change of variables of large steps."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diffrt.description import primitives
from diffrt.description.mesh import make_mesh
from diffrt.fit.large_steps import LargeSteps, laplacian

ROOT = Path(__file__).resolve().parents[2]
SPHERE = primitives.sphere(2)
V = len(SPHERE.vertices)


def test_laplacian_of_a_tetrahedron() -> None:
    mesh = make_mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    assert np.array_equal(laplacian(mesh.faces, 4).toarray(), 4 * np.eye(4) - 1)


def test_encode_and_decode() -> None:
    steps = LargeSteps(SPHERE.faces, V, 19.0)
    dense = np.eye(V) + 19.0 * laplacian(SPHERE.faces, V).toarray()
    assert steps.encode(SPHERE.vertices) == pytest.approx(dense @ SPHERE.vertices)
    right = np.random.default_rng(0).normal(size=(V, 3))
    assert steps.decode(right) == pytest.approx(np.linalg.solve(dense, right), abs=1e-10)


def test_a_step_is_smooth() -> None:
    """A push on one vertex moves all, near ones more; the mean is that of the push."""
    steps = LargeSteps(SPHERE.faces, V, 19.0)
    push = np.zeros((V, 3))
    push[0] = [0.0, 0.0, 1.0]
    moved = steps.decode(steps.decode(push))[:, 2]
    assert moved.sum() == pytest.approx(1.0)
    distance = np.linalg.norm(SPHERE.vertices - SPHERE.vertices[0], axis=1)
    assert moved.min() > 0.0 and moved[distance < 0.7].min() > moved[distance > 1.7].max()


def test_the_solver_leaves_quietly() -> None:
    """A solver in a cycle at the end of a command: its library would write of leaks."""
    pytest.importorskip("cholespy")
    program = """
import atexit
from diffrt import _taichi
from diffrt.description import primitives
from diffrt.fit.large_steps import LargeSteps
atexit.register(_taichi.end)
sphere = primitives.sphere(1)
steps = LargeSteps(sphere.faces, len(sphere.vertices), 19.0)
steps.cycle = steps
del steps
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
