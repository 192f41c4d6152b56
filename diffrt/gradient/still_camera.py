"""Leaves the camera out of differentiated kernels where no derivative by it is asked for.

All threads would add to the same few numbers, and wait for each other: half the time of such kernels.
"""

from typing import Any

from diffrt.device.features import Features

CAMERA_FIELDS = frozenset(("camera_to_world", "camera_intrinsics", "camera_distortion", "camera_lens"))


def hold_camera(scene: Any, features: Features) -> None:
    """Called while a kernel is compiled, in `ti.static`: its derivative has nothing by the camera, if that is still."""
    from taichi.lang import impl

    if features.still_camera:
        builder = impl.get_runtime().compiling_callable.ast_builder()
        for name in sorted(CAMERA_FIELDS):
            for component in getattr(scene, name).vars:
                builder.stop_grad(component.ptr.snode())
