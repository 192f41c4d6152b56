"""What kernels know of the sampler and of the filter, and the lattice that the sampler may need."""

from dataclasses import dataclass

import numpy as np

from diffrt.core.sampler import LATTICE, SAMPLERS, SOBOL
from diffrt.device import lattice
from diffrt.device.features import CAMERA_TYPES
from diffrt.device.packing import write
from diffrt.device.upload import DeviceScene
from diffrt.render.film import FILTERS
from diffrt.render.steps import place_of
from diffrt.scene.elements import Settings


@dataclass(frozen=True)
class Options:
    """What a rendering kernel knows when it is compiled, besides the scene's features."""

    sampler: int
    filter: int


def prepare(device: DeviceScene, settings: Settings, samples: int, step: int | None) -> Options:
    """The options for pictures and gradients of so many samples a pixel; a lattice is made for their number.

    Args:
        step: of a loop, or None; see steps.py.
    """
    options = Options(SAMPLERS[settings.sampler], FILTERS[settings.filter])
    if options.sampler == LATTICE:
        period = lattice.period(samples)
        features, fields = device.features, device.fields
        lens = features.camera == CAMERA_TYPES.index("thin_lens")
        steps, links = (table.view(np.int32) for table in lattice.tables(period, lens, features.needs_lobe))
        tables = [(fields.lattice_steps, steps), (fields.lattice_links, links)]
        tables += [(fields.lattice_period, np.array(period)), (fields.lattice_step, np.array(place_of(step)))]
        write(fields, tables)
    return options


def for_edges(settings: Settings) -> Options:
    """The options for samples on edges: they belong to no pixel, and a Sobol sequence takes the place of a lattice."""
    sampler = SAMPLERS[settings.sampler]
    return Options(SOBOL if sampler == LATTICE else sampler, FILTERS[settings.filter])
