"""Where a ray met the scene."""

import taichi as ti

FAR = 1e30


@ti.dataclass
class Hit:
    """Where a ray met the scene: triangle -1 if nowhere. The point is (1-u-v) p0 + u p1 + v p2."""

    triangle: ti.i32
    t: ti.f32
    u: ti.f32
    v: ti.f32


@ti.func
def nowhere() -> Hit:
    """A ray that met nothing."""
    return Hit(-1, FAR, 0.0, 0.0)
