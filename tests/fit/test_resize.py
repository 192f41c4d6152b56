"""The area filter keeps means, and its adjoint is its transpose."""

import numpy as np
import pytest

from diffrt.fit.resize import shrink, shrink_adjoint

RNG = np.random.default_rng(0)


def test_whole_factors_are_means_of_blocks() -> None:
    image = RNG.uniform(size=(6, 8, 3))
    assert shrink(image, 3, 2) == pytest.approx(image.reshape(3, 2, 2, 4, 3).mean(axis=(1, 3)))


def test_what_is_covered_in_part_counts_in_part() -> None:
    assert shrink(np.array([[1.0, 2.0, 4.0]]), 1, 2)[0] == pytest.approx([(1 + 0.5 * 2) / 1.5, (0.5 * 2 + 4) / 1.5])


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 4), (9, 11)])
def test_adjoint_and_mean(size: tuple[int, int]) -> None:
    image, gradient = RNG.uniform(size=(9, 11, 2)), RNG.uniform(size=(*size, 2))
    small = shrink(image, *size)
    assert np.sum(small * gradient) == pytest.approx(np.sum(image * shrink_adjoint(gradient, 9, 11)))
    assert small.mean() == pytest.approx(image.mean())
