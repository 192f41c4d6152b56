"""Arrays that kernels take: on the CPU NumPy's own, since copying there and back would take kernels of their own."""

from typing import Any

import numpy as np
import taichi as ti
from taichi.math import ivec2, ivec4, vec2, vec3, vec4

from diffrt._taichi import current_arch

_COMPONENTS = {vec2: 2, vec3: 3, vec4: 4, ivec2: 2, ivec4: 4}
_INTEGERS = (ti.i32, ivec2, ivec4)


def zeros(n: int, kind: Any) -> Any:
    """Zeros: an array of n numbers or vectors of a kind, such as ti.f32 or vec3."""
    if current_arch() != "cpu":
        return ti.ndarray(kind, n)
    components = _COMPONENTS.get(kind)
    return np.zeros(n if components is None else (n, components), _number(kind))


def device_array(array: np.ndarray, kind: Any) -> Any:
    """The array for kernels that only read it: of NumPy it may be the same one."""
    host: np.ndarray = np.ascontiguousarray(array, dtype=_number(kind))
    if current_arch() == "cpu":
        return host
    result = ti.ndarray(kind, len(host))
    result.from_numpy(host)
    return result


def read(array: Any) -> np.ndarray:
    """What kernels wrote into it; on the CPU the array itself."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.to_numpy())


def _number(kind: Any) -> type:
    return np.int32 if kind in _INTEGERS else np.float32


def cdf_of(probability: np.ndarray) -> Any:
    """Sums up to each element, as shares of the whole."""
    total = np.cumsum(probability)
    return device_array(total / total[-1], ti.f32)
