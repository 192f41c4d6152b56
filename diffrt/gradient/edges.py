"""The edges of a scene's meshes: which there are, which can be seen as edges, and the samples taken on them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import taichi as ti

from diffrt.description.mesh import edges as mesh_edges
from diffrt.device.features import DELTA_LIGHTS
from diffrt.device.geometry import Geometry
from diffrt.gradient.way_points import WayPoints
from diffrt.scene.elements import Light

FLAT = 1e-9
"""1 - cos of the angle between two triangles below which they are one plane."""


@dataclass
class Edges:
    """Edges of all shapes.

    Attributes:
        vertices: (E, 2) indices of positions.
        faces: (E, 2) triangles beside them, -1 as second at a border.
        always: (E,) what is seen may jump here from wherever it is seen: borders, creases, seams of normals and uvs.
            The others are edges only as silhouettes.
        flat: (E,) both triangles lie in one plane: never a silhouette.
    """

    vertices: np.ndarray
    faces: np.ndarray
    always: np.ndarray
    flat: np.ndarray


def scene_edges(g: Geometry, textured: bool) -> Edges:
    """The edges of a scene.

    Args:
        textured: a jump of texture coordinates can be seen.
    """
    vertices, faces = mesh_edges(g.triangles)
    border = faces[:, 1] < 0
    other = np.where(border, faces[:, 0], faces[:, 1])
    pair = np.stack([faces[:, 0], other], axis=1)
    normals = g.face_normals
    flat = 1.0 - np.einsum("ij,ij->i", normals[pair[:, 0]], normals[pair[:, 1]]) < FLAT
    # Corner of each of the two triangles at each of the two ends of the edge.
    corner = np.argmax(g.triangles[pair][:, :, None, :] == vertices[:, None, :, None], axis=3)

    def at_corners(index: np.ndarray) -> np.ndarray:
        return np.take_along_axis(index[pair], corner, axis=2)

    n = at_corners(g.triangle_normals)
    smooth = (n >= 0).all(axis=(1, 2))
    crease = np.where(smooth, (n[:, 0] != n[:, 1]).any(axis=1), ~flat)
    always = border | crease
    if textured:
        t = at_corners(g.triangle_uvs)
        has = (t >= 0).all(axis=(1, 2))
        uvs = g.uvs[np.maximum(t, 0)] if len(g.uvs) else np.zeros((*t.shape, 2))
        always |= np.where(has, (uvs[:, 0] != uvs[:, 1]).any(axis=(1, 2)), True)
    return Edges(vertices, faces, always, flat & ~border)


def with_terminators(edges: Edges, g: Geometry, lights: Iterable[Light]) -> Edges:
    """The same, edges always where the light of some lamp without extent ends.

    Shading ends there by itself if it goes by the triangles' own normals. By smooth normals a triangle that is turned
    away would still be lit, and is dark since it stands in its own light.
    """
    always = edges.always.copy()
    inner = np.flatnonzero((edges.faces[:, 1] >= 0) & ~edges.flat)
    normals = g.face_normals[edges.faces[inner]]
    at = g.positions[edges.vertices[inner, 0]].astype(np.float64)
    for light in lights:
        if light.type == "directional":
            towards = np.broadcast_to(-light.fields["direction"], at.shape)
        elif light.type in DELTA_LIGHTS:
            towards = light.fields["position"] - at
        else:
            continue
        lit = np.einsum("kfd,kd->kf", normals, towards) > 0.0
        always[inner] |= lit[:, 0] != lit[:, 1]
    return replace(edges, always=always)


class EdgeSamples:
    """Samples on edges: what jumps there, and, as a differentiated value, how far the edge moves.

    The derivative of a pixel is the sum over samples of filter(film) jump d(value); see the files of each kind of edge.
    """

    def __init__(self, count: int) -> None:
        self.count = count

        def vector(n: int) -> ti.MatrixField:
            return ti.Vector.field(n, ti.f32, shape=count)

        self.dropped = ti.field(ti.i32, shape=())  # samples that were no number
        self.active = ti.field(ti.i32, shape=count)
        self.edge = ti.field(ti.i32, shape=count)  # its number among those that were drawn from
        self.cell = ti.field(ti.i32, shape=count)  # of the direction, among those of edge_directions.py, or -1
        self.vertices = ti.Vector.field(2, ti.i32, shape=count)
        self.along = ti.field(ti.f32, shape=count)  # where on the edge, in [0, 1]
        self.pierced = ti.Vector.field(2, ti.i32, shape=count)  # instead of vertices: triangles that meet; or -1
        self.point = vector(3)  # where on their line
        self.mirror = ti.field(ti.i32, shape=count)  # triangle in which the edge is seen, or -1
        self.film = vector(2)  # where on the film it is seen, pixels
        self.lens = vector(2)
        self.jump = vector(3)  # weight of the velocity, radiance over density
        self.normal = vector(3)  # velocities count along it; in pixels (x, y, 0) or in the world
        # The shadow's and the light's end of the segment that an edge blocks.
        self.receiver = ti.field(ti.i32, shape=count)
        self.receiver_barycentrics = vector(2)
        self.far = ti.field(ti.i32, shape=count)  # triangle, or number of a light without extent
        self.far_kind = ti.field(ti.i32, shape=count)
        self.far_barycentrics = vector(2)
        self.steps = ti.field(ti.i32, shape=count)  # number of the shadow's point on the way
        self.way = WayPoints(count)
        self.share = ti.field(ti.f32, shape=count)  # how much of the way from the shadow to the light the edge lies
        self.value = ti.field(ti.f32, shape=count, needs_grad=True)
        self.other_value = ti.field(ti.f32, shape=count)  # at other values of the parameters


_samples: dict[int, EdgeSamples] = {}
SAMPLES = 2**16


def samples() -> EdgeSamples:
    """The samples of a chunk; one object, so that kernels stay compiled."""
    if SAMPLES not in _samples:
        _samples[SAMPLES] = EdgeSamples(SAMPLES)
    return _samples[SAMPLES]
