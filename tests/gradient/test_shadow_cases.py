"""Gradients against finite differences, backward and forward: edges that block light."""

import pytest

from tests.gradient.cases import SHADOW_CASES
from tests.gradient.harness import Case, check, parameters


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("case", parameters(SHADOW_CASES))
def test_gradient(case: Case) -> None:
    check(case)
