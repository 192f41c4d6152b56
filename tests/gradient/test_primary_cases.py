"""Gradients against finite differences, backward and forward: edges that the camera sees."""

import pytest

from tests.gradient.cases import PRIMARY_CASES
from tests.gradient.harness import Case, check, parameters


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("case", parameters(PRIMARY_CASES))
def test_gradient(case: Case) -> None:
    check(case)
