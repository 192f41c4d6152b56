"""A mesh from a sphere, without silhouettes."""

import dataclasses

from fit_examples.base import Example, scene_views
from fit_examples.mesh_from_sphere import mesh_from_sphere


def without_masks() -> Example:
    """The body of `mesh_from_sphere` again, but nothing tells it from what is behind it: pictures only."""
    example = mesh_from_sphere()
    problem = {
        **example.problem,
        "views": scene_views("without_masks", example.truth["cameras"], "png"),
        "loss": {"type": "l1", "pyramid_levels": 4},
    }
    return dataclasses.replace(example, name="without_masks", problem=problem, masks=False)
