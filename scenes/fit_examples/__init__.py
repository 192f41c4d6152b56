"""The problems of scenes/fits/: what is true, where the fit starts, and how close it must come. A file an example."""

from fit_examples.base import Example
from fit_examples.joint import joint
from fit_examples.mesh_from_sphere import mesh_from_sphere
from fit_examples.mirror import mirror
from fit_examples.poses import poses
from fit_examples.rough_metal import rough_metal
from fit_examples.shadow import shadow
from fit_examples.shiny_ball import shiny_ball
from fit_examples.texture import texture
from fit_examples.wall_colours import wall_colours
from fit_examples.without_masks import without_masks

_MAKERS = (
    wall_colours,
    texture,
    rough_metal,
    shiny_ball,
    mesh_from_sphere,
    without_masks,
    shadow,
    mirror,
    poses,
    joint,
)
EXAMPLES: dict[str, Example] = {example.name: example for example in (make() for make in _MAKERS)}
