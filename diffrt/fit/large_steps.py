"""Large steps (Nicolet et al. 2021): descent on u = (I + lambda L) v, so that a step on a mesh is smooth."""

import atexit
import functools
import gc
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, identity
from scipy.sparse.linalg import splu

from diffrt.description.mesh import edges

Floats = NDArray[np.float64]


def laplacian(faces: NDArray[np.int32], count: int) -> csr_array:
    """The uniform Laplacian (V, V) of welded vertices: degree on the diagonal, -1 for each edge. Symmetric."""
    ends, _ = edges(faces)
    i, j = ends[:, 0], ends[:, 1]
    ones = np.ones(len(i))
    rows, columns = np.concatenate([i, j, i, j]), np.concatenate([j, i, i, j])
    values = np.concatenate([-ones, -ones, ones, ones])
    return csr_array((values, (rows, columns)), shape=(count, count))


class LargeSteps:
    """The change of variables u = M v with M = I + lambda L, factorised once.

    Args:
        faces: (F, 3) of a welded mesh.
        count: number of vertices V.
        spread: lambda.
    """

    def __init__(self, faces: NDArray[np.int32], count: int, spread: float) -> None:
        self.matrix = csr_array(identity(count, format="csr") + spread * laplacian(faces, count))
        self._solve = _solver(self.matrix)

    def encode(self, vertices: Floats) -> Floats:
        """u (V, 3) of vertices v (V, 3)."""
        result: Floats = self.matrix @ vertices
        return result

    def decode(self, latent: Floats) -> Floats:
        """v of u. M is symmetric, so this is also the way of a derivative by v to one by u."""
        return self._solve(latent)


@functools.cache
def _collect_at_end() -> None:
    """Free solvers that are left in cycles before the process ends: cholespy would write of leaks."""
    atexit.register(gc.collect)


def _solver(matrix: csr_array) -> Callable[[Floats], Floats]:
    """Cholesky by cholespy where it is installed, else an LU decomposition by SciPy."""
    try:
        import cholespy
    except ImportError:
        factors = splu(csc_array(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        return lambda values: np.asarray(factors.solve(np.ascontiguousarray(values)))
    _collect_at_end()
    coo = matrix.tocoo()
    rows, columns = coo.row.astype(np.int32), coo.col.astype(np.int32)
    solver = cholespy.CholeskySolverD(matrix.shape[0], rows, columns, coo.data, cholespy.MatrixType.COO)

    def solve(values: Floats) -> Floats:
        right = np.ascontiguousarray(values, dtype=np.float64)
        result = np.zeros_like(right)
        solver.solve(right, result)
        return result

    return solve
