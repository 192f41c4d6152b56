"""Affine transforms as 4x4 float64 matrices that act on column vectors, and rotations as axis-angle vectors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffrt.errors import InputError, Problem

Matrix = NDArray[np.float64]


def identity() -> Matrix:
    """The 4x4 identity."""
    return np.eye(4)


def translate(offset: ArrayLike) -> Matrix:
    """Translation by `offset` (3,), in length units."""
    matrix = np.eye(4)
    matrix[:3, 3] = np.asarray(offset, dtype=np.float64)
    return matrix


def scale(factor: ArrayLike) -> Matrix:
    """Scaling about the origin by one factor or by three, one an axis."""
    matrix = np.eye(4)
    matrix[[0, 1, 2], [0, 1, 2]] = np.asarray(factor, dtype=np.float64)
    return matrix


def rotate(axis: ArrayLike, degrees: float) -> Matrix:
    """Rotation by `degrees` about `axis` (3,) through the origin, counter-clockwise seen against the axis.

    Raises:
        InputError: the axis has no length.
    """
    vector = np.asarray(axis, dtype=np.float64)
    if not vector.any():
        raise InputError(Problem("axis", f"{vector.tolist()} has no direction", "three numbers, not all zero"))
    matrix = np.eye(4)
    matrix[:3, :3] = axis_angle_to_matrix(unit(vector) * np.deg2rad(degrees))
    return matrix


def unit(vector: ArrayLike) -> NDArray[np.float64]:
    """A vector at unit length, however long or short it is; it must not be zero."""
    array = np.asarray(vector, dtype=np.float64)
    scaled: NDArray[np.float64] = array / np.abs(array).max()
    scaled /= np.linalg.norm(scaled)
    return scaled


def look_at(origin: ArrayLike, target: ArrayLike, up: ArrayLike = (0.0, 1.0, 0.0)) -> Matrix:
    """Frame at `origin` whose -Z axis points at `target` and whose +Y axis leans towards `up` (each (3,)).

    Raises:
        InputError: origin and target coincide, or `up` has no length or is parallel to the viewing direction.
    """
    eye = np.asarray(origin, dtype=np.float64)
    backward = eye - np.asarray(target, dtype=np.float64)
    distance = float(np.linalg.norm(backward))
    if not distance > 1e-12 * max(1.0, float(np.abs(eye).max())):
        raise InputError(Problem("target", f"{eye.tolist()} is also the origin", "a point away from the origin"))
    backward /= distance
    upward = np.asarray(up, dtype=np.float64)
    length = float(np.linalg.norm(upward))
    right = np.cross(upward / length, backward) if length > 0.0 else np.zeros(3)
    if not float(np.linalg.norm(right)) > 1e-9:
        found = (
            f"{upward.tolist()} is parallel to the viewing direction" if length > 0.0 else "[0, 0, 0] has no direction"
        )
        raise InputError(Problem("up", found, "a direction not parallel to target - origin"))
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, 0] = right
    matrix[:3, 1] = np.cross(backward, right)
    matrix[:3, 2] = backward
    matrix[:3, 3] = eye
    return matrix


def compose(transforms: Sequence[Matrix]) -> Matrix:
    """One matrix that applies `transforms` first to last; the identity if there is none."""
    matrix = np.eye(4)
    for transform in transforms:
        matrix = transform @ matrix
    return matrix


def axis_angle_to_matrix(axis_angle: ArrayLike) -> Matrix:
    """Rotation matrix (3,3) of an axis-angle vector (3,): its direction is the axis, its length the angle in radians.

    Rodrigues' formula with the series of sin(x)/x and (1-cos(x))/x^2 near zero, so that zero is the exact identity.
    """
    vector = np.asarray(axis_angle, dtype=np.float64)
    angle = float(np.linalg.norm(vector))
    cross = np.array([[0.0, -vector[2], vector[1]], [vector[2], 0.0, -vector[0]], [-vector[1], vector[0], 0.0]])
    if angle < 1e-4:
        first, second = 1.0 - angle**2 / 6.0, 0.5 - angle**2 / 24.0
    else:
        first, second = np.sin(angle) / angle, (1.0 - np.cos(angle)) / angle**2
    result: Matrix = np.eye(3) + first * cross + second * (cross @ cross)
    return result


def matrix_to_axis_angle(rotation: ArrayLike) -> NDArray[np.float64]:
    """Axis-angle vector (3,) of a rotation matrix (3,3), angle in [0, pi].

    Goes through the unit quaternion of largest component, which stays accurate near 0 and near pi.
    """
    m = np.asarray(rotation, dtype=np.float64)
    squares = np.array(
        [
            1.0 + m[0, 0] + m[1, 1] + m[2, 2],
            1.0 + m[0, 0] - m[1, 1] - m[2, 2],
            1.0 - m[0, 0] + m[1, 1] - m[2, 2],
            1.0 - m[0, 0] - m[1, 1] + m[2, 2],
        ]
    )
    largest = int(np.argmax(squares))
    rows = [
        [squares[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
        [m[2, 1] - m[1, 2], squares[1], m[1, 0] + m[0, 1], m[0, 2] + m[2, 0]],
        [m[0, 2] - m[2, 0], m[1, 0] + m[0, 1], squares[2], m[2, 1] + m[1, 2]],
        [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], squares[3]],
    ]
    quaternion = np.array(rows[largest])
    quaternion /= np.linalg.norm(quaternion)
    if quaternion[0] < 0.0:
        quaternion = -quaternion
    sine = float(np.linalg.norm(quaternion[1:]))
    if sine < 1e-12:
        return 2.0 * quaternion[1:]
    result: NDArray[np.float64] = quaternion[1:] / sine * (2.0 * np.arctan2(sine, quaternion[0]))
    return result


def about(center: ArrayLike, linear: ArrayLike) -> Matrix:
    """The 4x4 matrix that applies the linear map (3,3) about `center` (3,)."""
    point = np.asarray(center, dtype=np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = point - matrix[:3, :3] @ point
    return matrix


def transform_points(matrix: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
    """Points (N,3) under an affine 4x4 matrix."""
    m = np.asarray(matrix, dtype=np.float64)
    result: NDArray[np.float64] = np.asarray(points, dtype=np.float64) @ m[:3, :3].T + m[:3, 3]
    return result


def rotation_part(matrix: ArrayLike) -> Matrix | None:
    """The rotation in an affine 4x4 matrix, without translation and uniform scale; None if it does more than that."""
    linear = np.asarray(matrix, dtype=np.float64)[:3, :3]
    factor = float(np.cbrt(np.linalg.det(linear)))
    if not factor > 0.0 or not np.allclose(linear @ linear.T, factor**2 * np.eye(3), rtol=0.0, atol=1e-5 * factor**2):
        return None
    result = np.eye(4)
    result[:3, :3] = linear / factor
    return result


def is_invertible(matrix: ArrayLike) -> bool:
    """Whether an affine 4x4 matrix can be undone: it is finite and the condition number of its 3x3 part below 1e9."""
    array = np.asarray(matrix, dtype=np.float64)
    if not np.isfinite(array).all():
        return False
    singular = np.linalg.svd(array[:3, :3], compute_uv=False)
    return bool(singular[-1] > 1e-9 * singular[0] > 0.0)
