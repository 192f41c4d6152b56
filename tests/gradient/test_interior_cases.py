"""Gradients against finite differences, backward and forward: where nothing jumps."""

import pytest

from tests.gradient.cases import INTERIOR_CASES
from tests.gradient.harness import Case, check, parameters


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("case", parameters(INTERIOR_CASES))
def test_gradient(case: Case) -> None:
    check(case)
