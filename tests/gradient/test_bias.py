"""All cases: how many, and ten of them with samples enough to see a bias of half a per cent."""

from dataclasses import replace

import numpy as np
import pytest

from tests.gradient.cases import CASES
from tests.gradient.harness import check

PRECISE = {
    "texture": (10, 1024, 4096),
    "roughness": (10, 1024, 4096),
    "sky radiance on a bumpy floor": (16, 1024, 8192),
    "lamp moves": (10, 1024, 4096),
    "cube moves": (20, 512, 4096),
    "camera moves before a cube": (20, 512, 4096),
    "point: quad": (10, 512, 4096),
    "area: quad": (24, 512, 4096),
    "sky: floor": (96, 256, 4096),
    "wall in a mirror": (10, 512, 4096),
}
"""Cases of every term but the indirect one, whose noise is too large: seeds, samples of gradients and of pictures."""


@pytest.mark.usefixtures("taichi")
@pytest.mark.slow
@pytest.mark.parametrize("name", PRECISE)
def test_no_bias_of_half_a_per_cent(name: str) -> None:
    """Samples enough to see one: half of it is three standard errors or less, or so; half is left to the step."""
    seeds, spp, spp_difference = PRECISE[name]
    case = next(case for case in CASES if case.name == name)
    result = check(replace(case, seeds=seeds, spp=spp, spp_difference=spp_difference, bias=0.0025))
    error = float(np.hypot(result.difference_error, result.backward_error))
    assert error <= 0.0025 * abs(result.difference), f"not resolved: {result}"


def test_the_cases_are_many_and_named() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 60
