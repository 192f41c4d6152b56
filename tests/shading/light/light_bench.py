"""Kernels that ask the lights of a scene directly."""

import numpy as np
import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import surface_at
from diffrt.device.upload import upload
from diffrt.scene.scene import Scene
from diffrt.shading.light import area, dispatch, environment
from diffrt.shading.receiver import Receiver


@ti.kernel
def _sample(
    scene: ti.template(), features: ti.template(), position: vec3, normal: vec3, mirrored: vec3, lobe: vec2,
    u: ti.types.ndarray(dtype=vec2, ndim=1), out: ti.types.ndarray(dtype=ti.f32, ndim=2),
):  # fmt: skip
    for i in range(u.shape[0]):
        receiver = Receiver(position, normal, mirrored, lobe.x, lobe.y)
        s, near = dispatch.sample(scene, features, receiver, u[i])
        for d in ti.static(range(3)):
            out[i, d] = s.wi[d]
            out[i, 3 + d] = s.radiance[d]
            out[i, 7 + d] = s.target[d]
        out[i, 6] = s.pdf
        out[i, 10] = s.delta
        out[i, 11] = dispatch.environment_probability(scene, features, receiver, near)


@ti.kernel
def _density(
    scene: ti.template(), features: ti.template(), position: vec3, normal: vec3, mirrored: vec3, lobe: vec2,
    wi: ti.types.ndarray(dtype=vec3, ndim=1), out: ti.types.ndarray(dtype=ti.f32, ndim=2),
):  # fmt: skip
    for i in range(wi.shape[0]):
        receiver = Receiver(position, normal, mirrored, lobe.x, lobe.y)
        hit = closest_hit(scene, features, position, wi[i], 0.0, FAR)
        radiance = vec3(0.0)
        density = 0.0
        if hit.triangle >= 0:
            surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
            radiance = area.emitted(scene, features, surface, hit.triangle, hit.u, hit.v, -wi[i])
            density = dispatch.area_pdf(scene, features, receiver, surface, hit.triangle, wi[i])
        else:
            if ti.static(features.environment):
                radiance = environment.emitted(scene, features, wi[i])
                density = dispatch.environment_pdf(scene, features, receiver, wi[i])
        for d in ti.static(range(3)):
            out[i, d] = radiance[d]
        out[i, 3] = density


class LightBench:
    """The lights of a scene as seen from a point, by default lit from all sides.

    Args:
        glossy: the roughness of a lobe, and its share; the scene has to have a glossy material.
        mirrored: its direction.
    """

    def __init__(
        self, scene: Scene, position: object = (0.0, 0.0, 0.0), normal: object = (0.0, 0.0, 0.0),
        glossy: tuple[float, float] = (1.0, 0.0), mirrored: object = (0.0, 0.0, 1.0),
    ) -> None:  # fmt: skip
        self.device = upload(scene, scene.camera())
        given = (vec3(*np.asarray(v, float)) for v in (position, normal, mirrored))
        self.receiver = (*given, vec2(glossy[0] ** 4, glossy[1]))

    def sample(self, count: int, seed: int = 0) -> dict[str, np.ndarray]:
        """`count` stratified samples: wi, radiance, pdf, target, delta; and the probability of the environment,
        by what they learn of the lights."""
        side = int(np.sqrt(count))
        jitter = np.random.default_rng(seed).uniform(0, 1, (side, side, 2))
        u = (np.stack(np.meshgrid(range(side), range(side), indexing="ij"), axis=-1) + jitter) / side
        u = np.minimum(u.reshape(-1, 2), 0.9999999).astype(np.float32)
        out = np.zeros((len(u), 12), np.float32)
        _sample(self.device.fields, self.device.features, *self.receiver, u, out)
        return {
            "wi": out[:, :3].astype(float),
            "radiance": out[:, 3:6].astype(float),
            "pdf": out[:, 6].astype(float),
            "target": out[:, 7:10].astype(float),
            "delta": out[:, 10] != 0,
            "environment": out[:, 11].astype(float),
        }

    def density(self, wi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Radiance (N,3) that arrives along directions, and the density with which `sample` draws them."""
        wi = np.ascontiguousarray(wi, np.float32)
        out = np.zeros((len(wi), 4), np.float32)
        _density(self.device.fields, self.device.features, *self.receiver, wi, out)
        return out[:, :3].astype(float), out[:, 3].astype(float)


def sphere_grid(side: int, seed: int = 1) -> np.ndarray:
    """side * 2 side directions, jittered in equal areas of the sphere."""
    random = np.random.default_rng(seed)
    z, phi = np.meshgrid(np.arange(side), np.arange(2 * side), indexing="ij")
    z = 1.0 - 2.0 * (z + random.uniform(0, 1, z.shape)) / side
    phi = 2.0 * np.pi * (phi + random.uniform(0, 1, phi.shape)) / (2 * side)
    r = np.sqrt(1.0 - z**2)
    return np.stack([r * np.cos(phi), z, r * np.sin(phi)], axis=-1).reshape(-1, 3)
