"""Transforms against their definitions, and rotations there and back."""

import numpy as np
import pytest

from diffrt.description import transform
from diffrt.errors import InputError


def apply(matrix, point):
    return transform.transform_points(matrix, [point])[0]


def test_translate_and_scale():
    assert apply(transform.translate([1, 2, 3]), [1, 1, 1]) == pytest.approx([2, 3, 4])
    assert apply(transform.scale(2), [1, -1, 3]) == pytest.approx([2, -2, 6])
    assert apply(transform.scale([1, 2, 3]), [1, 1, 1]) == pytest.approx([1, 2, 3])


def test_rotate_is_counter_clockwise_about_any_length_of_axis():
    assert apply(transform.rotate([0, 0, 5], 90), [1, 0, 0]) == pytest.approx([0, 1, 0])
    assert apply(transform.rotate([1, 0, 0], -90), [0, 0, 1]) == pytest.approx([0, 1, 0])


def test_rotate_without_axis():
    with pytest.raises(InputError, match="axis"):
        transform.rotate([0, 0, 0], 30)


def test_compose_applies_first_to_last():
    matrix = transform.compose([transform.scale(2), transform.translate([1, 0, 0])])
    assert apply(matrix, [1, 0, 0]) == pytest.approx([3, 0, 0])
    assert np.array_equal(transform.compose([]), np.eye(4))


def test_look_at_looks_along_minus_z():
    matrix = transform.look_at([1, 2, 3], [1, 2, -5])
    assert matrix == pytest.approx(transform.translate([1, 2, 3]))
    matrix = transform.look_at([4, 1, -2], [-1, 3, 5], [0, 0, 1])
    forward = np.array([-5, 2, 7]) / np.linalg.norm([-5, 2, 7])
    assert -matrix[:3, 2] == pytest.approx(forward)
    assert matrix[:3, 1] @ [0, 0, 1] > 0 and matrix[2, 0] == pytest.approx(0)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("origin", "target", "up", "field"),
    [
        ([1, 1, 1], [1, 1, 1], [0, 1, 0], "target"),
        ([0, 0, 0], [0, 3, 0], [0, 1, 0], "up"),
        ([0, 0, 0], [0, 0, 1], [0, 0, 0], "up"),
    ],
)
def test_look_at_without_a_direction(origin, target, up, field):
    with pytest.raises(InputError) as caught:
        transform.look_at(origin, target, up)
    assert caught.value.problems[0].field == field


@pytest.mark.parametrize("angle", [0.0, 1e-14, 1e-9, 1e-5, 1e-4, 0.5, 2.0, np.pi - 1e-7, np.pi])
def test_axis_angle_there_and_back(angle):
    rng = np.random.default_rng(3)
    for _ in range(20):
        axis = rng.normal(size=3)
        vector = axis / np.linalg.norm(axis) * angle
        matrix = transform.axis_angle_to_matrix(vector)
        assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-14)
        back = transform.matrix_to_axis_angle(matrix)
        assert transform.axis_angle_to_matrix(back) == pytest.approx(matrix, abs=1e-14)
        if angle < 3.0:
            assert back == pytest.approx(vector, abs=1e-14, rel=1e-12)


def test_axis_angle_agrees_with_rotate_and_is_exact_at_rest():
    assert transform.axis_angle_to_matrix([0, 0.7, 0]) == pytest.approx(
        transform.rotate([0, 1, 0], np.rad2deg(0.7))[:3, :3]
    )
    assert np.array_equal(transform.axis_angle_to_matrix([0, 0, 0]), np.eye(3))


def test_about_keeps_its_centre():
    center = np.array([3.0, -1.0, 2.0])
    matrix = transform.about(center, transform.axis_angle_to_matrix([1, 2, 3]) * 2.0)
    assert apply(matrix, center) == pytest.approx(center)


@pytest.mark.parametrize(
    ("matrix", "good"),
    [
        (np.eye(4), True),
        (transform.scale(1e-12), True),
        (transform.scale(1e12), True),
        (transform.scale([1, 1, -1]), True),
        (transform.scale([1, 1, 0]), False),
        (np.zeros((4, 4)), False),
        (transform.scale([1, 1, np.nan]), False),
        (transform.scale([1, 1, np.inf]), False),
    ],
)
def test_is_invertible(matrix, good):
    assert transform.is_invertible(matrix) is good


def test_rotation_part():
    turn = transform.rotate([1, 2, 3], 40)
    placed = transform.compose([turn, transform.scale(3), transform.translate([1, 1, 1])])
    assert transform.rotation_part(placed) == pytest.approx(turn)
    assert transform.rotation_part(transform.scale([1, 2, 1])) is None
    assert transform.rotation_part(transform.scale([1, 1, -1])) is None
