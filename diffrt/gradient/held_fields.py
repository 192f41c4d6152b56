"""Leaves fields out of differentiated kernels by which no derivative is asked for, or whose derivative others make.

All threads would add to the same few numbers, and wait for each other: half the time of such kernels.
"""

from collections.abc import Iterable
from typing import Any

from diffrt.device.features import Features

CAMERA_FIELDS = frozenset(("camera_to_world", "camera_intrinsics", "camera_distortion", "camera_lens"))


def hold(scene: Any, names: Iterable[str]) -> None:
    """Called while a kernel is compiled, in `ti.static`: its derivative has nothing by these fields of the scene."""
    from taichi.lang import impl

    builder = impl.get_runtime().compiling_callable.ast_builder()
    for name in sorted(names):
        for component in getattr(scene, name).vars:
            builder.stop_grad(component.ptr.snode())


def hold_camera(scene: Any, features: Features) -> None:
    """As `hold`, of the camera, where no derivative by it is asked for."""
    if features.still_camera:
        hold(scene, CAMERA_FIELDS)
