"""A bench for BSDFs: materials put into scene fields by hand, and kernels that ask `dispatch` about many directions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import taichi as ti
from taichi.math import vec2, vec3

from diffrt._taichi import all_passes
from diffrt.description.schema import MATERIAL_FIELDS
from diffrt.device.features import MATERIAL_SLOTS, MATERIAL_TYPES, Features, slot
from diffrt.device.scene_fields import Capacity, SceneFields
from diffrt.shading.bsdf import dispatch
from diffrt.shading.material import values_at

MAX_GRADIENT_ROWS = 1024


@dataclass(frozen=True)
class Setting:
    """A material with numbers."""

    type: str
    values: Mapping[str, object] = field(default_factory=dict)
    two_sided: bool = True
    wide: float = 0.0
    """Share of even directions in diffuse lobes: above zero they are drawn as for derivatives."""

    def __str__(self) -> str:
        values = (f"{k}={np.round(v, 3)}".replace(" ", "") for k, v in self.values.items())
        return "-".join([self.type, *["wide"] * (self.wide > 0.0), *values])

    def number(self, name: str) -> float:
        return float(np.ravel(self.values.get(name, DEFAULTS[self.type][name]))[0])

    def changed(self, **values: object) -> "Setting":
        return Setting(self.type, {**self.values, **values}, self.two_sided, self.wide)


DEFAULTS: dict[str, dict[str, object]] = {
    "diffuse": {"albedo": 0.5},
    "conductor": {"reflectance": 1.0, "roughness": 0.0, "eta": -1.0, "k": 0.0},
    "dielectric": {"ior": 1.5, "exterior_ior": 1.0, "roughness": 0.0},
    "plastic": {"albedo": 0.5, "ior": 1.5, "roughness": 0.3},
    "principled": {
        "base_color": 1.0, "metallic": 0.0, "roughness": 0.5, "ior": 1.5, "specular": 1.0, "specular_color": 1.0,
        "transmission": 0.0, "clearcoat": 0.0, "clearcoat_roughness": 0.0, "sheen_color": 0.0, "sheen_roughness": 0.5,
    },
    "mix": {"weight": 0.5},
    "null": {},
}  # fmt: skip


@dataclass
class Samples:
    wi: np.ndarray
    weight: np.ndarray
    pdf: np.ndarray
    delta: np.ndarray
    eta: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        return self.weight.max(axis=1) > 0.0


@ti.kernel
def _ask(
    scene: ti.template(), features: ti.template(), material: ti.i32, even: ti.f32,
    wo: ti.types.ndarray(dtype=vec3, ndim=1), wi: ti.types.ndarray(dtype=vec3, ndim=1),
    value: ti.types.ndarray(dtype=vec3, ndim=1), pdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
):  # fmt: skip
    for i in range(wo.shape[0]):
        values = values_at(scene, features, material, vec2(0.0))
        if ti.static(features.wide_lobes):
            values[features.slots, 0] = even
        f, density = dispatch.evaluate(scene, features, material, values, wo[i], wi[i])
        value[i] = f
        pdf[i] = density


@ti.kernel
def _draw(
    scene: ti.template(), features: ti.template(), material: ti.i32, even: ti.f32,
    wo: ti.types.ndarray(dtype=vec3, ndim=1), u: ti.types.ndarray(dtype=vec3, ndim=1),
    wi: ti.types.ndarray(dtype=vec3, ndim=1), weight: ti.types.ndarray(dtype=vec3, ndim=1),
    rest: ti.types.ndarray(dtype=vec3, ndim=1),
):  # fmt: skip
    for i in range(wo.shape[0]):
        values = values_at(scene, features, material, vec2(0.0))
        if ti.static(features.wide_lobes):
            values[features.slots, 0] = even
        s = dispatch.sample(scene, features, material, values, wo[i], u[i].x, vec2(u[i].y, u[i].z))
        wi[i] = s.wi
        weight[i] = s.weight
        rest[i] = vec3(s.pdf, ti.cast(s.delta, ti.f32), s.eta)


@ti.kernel
def _delta(
    scene: ti.template(), features: ti.template(), material: ti.i32,
    wo: ti.types.ndarray(dtype=vec3, ndim=1), wi: ti.types.ndarray(dtype=vec3, ndim=1),
    value: ti.types.ndarray(dtype=vec3, ndim=1),
):  # fmt: skip
    for i in range(wo.shape[0]):
        values = values_at(scene, features, material, vec2(0.0))
        value[i] = dispatch.delta(scene, features, material, values, wo[i], wi[i])


@ti.kernel
def _weighted_sum(
    scene: ti.template(), features: ti.template(), rows: ti.template(), count: ti.i32, delta: ti.template()
):
    for i in range(count):
        f = vec3(0.0)
        values = values_at(scene, features, 0, vec2(0.0))
        if ti.static(delta):
            f = dispatch.delta(scene, features, 0, values, rows.wo[i], rows.wi[i])
        else:
            f, _density = dispatch.evaluate(scene, features, 0, values, rows.wo[i], rows.wi[i])
        rows.loss[None] += f.dot(rows.adjoint[i])


@ti.data_oriented
class _Rows:
    def __init__(self) -> None:
        self.wo = ti.Vector.field(3, ti.f32, shape=MAX_GRADIENT_ROWS, needs_grad=True)
        self.wi = ti.Vector.field(3, ti.f32, shape=MAX_GRADIENT_ROWS, needs_grad=True)
        self.adjoint = ti.Vector.field(3, ti.f32, shape=MAX_GRADIENT_ROWS, needs_grad=True)
        self.loss = ti.field(ti.f32, shape=(), needs_grad=True)


class Bench:
    """Scene fields of a few materials. `gradients` compiles what gradient kernels see."""

    def __init__(self, gradients: bool = True) -> None:
        self.scene = SceneFields(Capacity().grown(), gradients)
        self.rows = _Rows() if gradients else None
        self.features = Features()

    def load(self, *settings: Setting, children: Mapping[int, tuple[int, int]] | None = None) -> "Bench":
        """Put materials into the slots 0, 1, ..."""
        scene = self.scene
        self.settings = settings
        values = np.zeros((scene.capacity.materials * MATERIAL_SLOTS, 3), np.float32)
        bits = 0
        for i, s in enumerate(settings):
            assert set(s.values) <= set(MATERIAL_FIELDS[s.type])
            for name in MATERIAL_FIELDS[s.type]:
                values[i * MATERIAL_SLOTS + slot(s.type, name)] = s.values.get(name, DEFAULTS[s.type][name])
            scene.material_type[i] = MATERIAL_TYPES.index(s.type)
            scene.material_two_sided[i] = int(s.two_sided)
            scene.material_children[i] = (children or {}).get(i, (-1, -1))
            bits |= 1 << MATERIAL_TYPES.index(s.type)
        scene.material_values.from_numpy(values)
        one_sided = any(not s.two_sided for s in settings)
        self.features = Features(
            bsdfs=bits, one_sided=one_sided, gradients=scene.gradients, wide_lobes=settings[0].wide > 0.0
        )
        return self

    def evaluate(self, wo: np.ndarray, wi: np.ndarray, material: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """f_s |cos| (N,3) and pdf (N,)."""
        wo, wi = _pairs(wo, wi)
        value, pdf = np.zeros_like(wo), np.zeros(len(wo), np.float32)
        _ask(self.scene, self.features, material, self.settings[material].wide, wo, wi, value, pdf)
        return value, pdf

    def delta(self, wo: np.ndarray, wi: np.ndarray, material: int = 0) -> np.ndarray:
        wo, wi = _pairs(wo, wi)
        value = np.zeros_like(wo)
        _delta(self.scene, self.features, material, wo, wi, value)
        return value

    def sample(self, wo: np.ndarray, u: np.ndarray, material: int = 0) -> Samples:
        """Samples for random numbers u (N,3): lobe and direction."""
        wo, u = _pairs(wo, u)
        wi, weight, rest = np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
        _draw(self.scene, self.features, material, self.settings[material].wide, wo, u, wi, weight, rest)
        return Samples(wi, weight, rest[:, 0], rest[:, 1] != 0, rest[:, 2])

    def gradient(
        self, wo: np.ndarray, wi: np.ndarray, adjoint: np.ndarray, delta: bool = False
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Gradient of sum adjoint . f_s |cos| for the fields of material 0 (each (3,)), for wo and for wi."""
        rows, scene = self.rows, self.scene
        wo, wi = _pairs(wo, wi)
        count = len(wo)
        for target, source in ((rows.wo, wo), (rows.wi, wi), (rows.adjoint, adjoint)):
            padded = np.zeros((MAX_GRADIENT_ROWS, 3), np.float32)
            padded[:count] = source
            target.from_numpy(padded)
        for f in (rows.wo, rows.wi, rows.adjoint, scene.material_values):
            f.grad.fill(0.0)
        rows.loss[None] = 0.0
        rows.loss.grad[None] = 1.0
        with all_passes():
            _weighted_sum.grad(scene, self.features, rows, count, delta)
        g = scene.material_values.grad.to_numpy()
        type_ = self.settings[0].type
        by_field = {name: g[slot(type_, name)] for name in MATERIAL_FIELDS[type_]}
        return by_field, rows.wo.grad.to_numpy()[:count], rows.wi.grad.to_numpy()[:count]


def _pairs(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.broadcast_arrays(np.atleast_2d(a), np.atleast_2d(b))
    return np.ascontiguousarray(a, np.float32), np.ascontiguousarray(b, np.float32)


def direction(degrees: float, azimuth: float = 30.0) -> np.ndarray:
    """Unit vector at an angle from +Z."""
    t, p = np.radians(degrees), np.radians(azimuth)
    return np.array([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)])


def sphere(rng: np.random.Generator, count: int) -> np.ndarray:
    """Uniform directions."""
    v = rng.normal(size=(count, 3))
    return v / np.linalg.norm(v, axis=1, keepdims=True)
