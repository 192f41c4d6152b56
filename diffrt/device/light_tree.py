"""The light tree: bounds of where lights are, which way they shine and how strongly, for a choice that knows the point.

After Conty Estevez and Kulla 2018, "Importance Sampling of Many Lights with Adaptive Tree Splitting", but wide and
without pointers. Lights are sorted by halving them along
the widest axis. Node k of the lowest level holds the lights 8k to
8k + 7, node k of the next level the nodes 8k to 8k + 7 of the one beneath: a light's number is the way to it.
"""

from dataclasses import dataclass

import numpy as np

from diffrt.device.scene_fields import LIGHT_ATTRIBUTES, LIGHT_WIDTH


@dataclass
class LightBounds:
    """What is known of n lights, or groups of lights, at definite places.

    Attributes:
        low, high: (n, 3) boxes.
        radius: (n,) of a sphere about the middle of the box.
        axis: (n, 3) unit axis of a cone of normals.
        cosine: (n,) of the cone's half angle; -1 for a light that shines everywhere.
        flatness: (n,) length of the mean of their normals, by strength: 1 for a plane, 0 for a sphere.
        strength: (n,) radiance times area; of a point, what a sphere of its intensity would have.
    """

    low: np.ndarray
    high: np.ndarray
    radius: np.ndarray
    axis: np.ndarray
    cosine: np.ndarray
    flatness: np.ndarray
    strength: np.ndarray

    def __getitem__(self, key: object) -> "LightBounds":
        return LightBounds(*(getattr(self, name)[key] for name in self.__dataclass_fields__))

    @property
    def middle(self) -> np.ndarray:
        middle: np.ndarray = 0.5 * (self.low + self.high)
        return middle

    @classmethod
    def none(cls) -> "LightBounds":
        empty = np.zeros(0)
        return cls(np.zeros((0, 3)), np.zeros((0, 3)), empty, np.zeros((0, 3)), empty, empty, empty)

    def joined(self, other: "LightBounds") -> "LightBounds":
        """These and those."""
        return LightBounds(*(np.concatenate([getattr(self, k), getattr(other, k)]) for k in self.__dataclass_fields__))


def _cone(axes: np.ndarray, cosines: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A cone about (..., m) cones, along their weighted mean axis: (..., 3) axis and (...) cosine of the half angle.

    Entries without weight do not count.
    """
    total = (axes * weights[..., None]).sum(axis=-2)
    length = np.linalg.norm(total, axis=-1)
    axis = np.where(length[..., None] > 1e-9, total / np.maximum(length, 1e-9)[..., None], [0.0, 0.0, 1.0])
    apart = np.arccos(np.clip((axes * axis[..., None, :]).sum(axis=-1), -1, 1)) + np.arccos(np.clip(cosines, -1, 1))
    widest = np.where(weights > 0, apart, 0.0).max(axis=-1)
    return axis, np.where((widest >= np.pi) | (length <= 1e-9), -1.0, np.cos(np.minimum(widest + 1e-4, np.pi)))


def tree_order(points: np.ndarray, least: int = LIGHT_WIDTH) -> np.ndarray:
    """Indices that bring points (n, 3) near each other into the same nodes of a tree whose nodes are full.

    Args:
        least: so many points, times a power of two, are kept together; their order among themselves is any.
    """

    def split(part: np.ndarray) -> list[np.ndarray]:
        if len(part) <= least:
            return [part]
        half = least
        while 2 * half < len(part):
            half *= 2
        place = points[part]
        part = part[np.argsort(place[:, np.ptp(place, axis=0).argmax()], kind="stable")]
        return split(part[:half]) + split(part[half:])

    return np.concatenate(split(np.arange(len(points))))


def build(lights: LightBounds) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (m * LIGHT_ATTRIBUTES, LIGHT_WIDTH) of lights in order, and the first node of each level, lowest first."""
    nodes: list[np.ndarray] = []
    starts: list[int] = []
    while len(lights.strength) > 1 or (len(lights.strength) == 1 and not nodes):
        count = -(-len(lights.strength) // LIGHT_WIDTH)
        lane = np.arange(count * LIGHT_WIDTH).reshape(count, LIGHT_WIDTH)
        children = lights[lane.clip(max=len(lights.strength) - 1)]
        children.strength[lane >= len(lights.strength)] = 0.0
        half = 0.5 * (children.high - children.low)
        sine = np.sqrt(np.maximum(1.0 - children.cosine**2, 0.0))
        bounds = [children.middle, half, children.axis, children.radius, children.cosine, sine, children.flatness]
        rows = [row.reshape(count, LIGHT_WIDTH, -1) for row in [*bounds, children.strength]]
        starts.append(sum(len(level) for level in nodes))
        nodes.append(np.concatenate(rows, axis=2).transpose(0, 2, 1))

        strength = children.strength.sum(axis=1)
        axis, cosine = _cone(children.axis, children.cosine, children.strength)
        mean = (children.axis * (children.flatness * children.strength)[..., None]).sum(axis=1)
        flatness = np.linalg.norm(mean, axis=1) / np.maximum(strength, 1e-300)
        low, high = children.low.min(axis=1), children.high.max(axis=1)
        reach = np.linalg.norm(children.middle - 0.5 * (low + high)[:, None], axis=2) + children.radius
        radius = np.minimum(0.5 * np.linalg.norm(high - low, axis=1), reach.max(axis=1))
        lights = LightBounds(low, high, radius, axis, cosine, flatness, strength)
    none = np.zeros((0, LIGHT_ATTRIBUTES, LIGHT_WIDTH))
    return np.concatenate([none, *nodes]).reshape(-1, LIGHT_WIDTH), np.array(starts, dtype=np.int64)
