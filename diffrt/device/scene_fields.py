"""Every Taichi field of a scene, in one object that kernels take as `scene: ti.template()`.

Capacities are powers of two and only grow; the next scene that fits reuses the object, so kernels compiled for it stay
valid and nothing leaks (Taichi never frees a field).
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import taichi as ti

from diffrt.device.features import MATERIAL_SLOTS
from diffrt.device.lattice import ROWS

BVH_WIDTH = 8
"""Children of a node."""
LEAF_SIZE = 8
"""Triangles of a leaf: stored as lanes side by side, so that the vectorizer tests them together. 8, as for children."""

MOST_FACETS = 56
"""So many facets are tested without a tree above them, see facets.py. With the lanes, numbers of six bits."""
FACET_LANES = 8
"""So many are tested side by side; their number is rounded up to it."""
FACET_ROWS = 13
"""Numbers that a facet has."""

LIGHT_WIDTH = 8
"""Children of a node of the light tree."""
LIGHT_ATTRIBUTES = 14
"""Rows of such a node: middle, half size, axis, radius, cosine and sine of the cone, flatness, strength."""


@dataclass(frozen=True)
class Capacity:
    """How many elements each group of fields holds."""

    vertices: int = 0
    triangles: int = 0
    normals: int = 0
    uvs: int = 0
    shapes: int = 0
    materials: int = 0
    textures: int = 0
    texels: int = 0
    lights: int = 0
    emitters: int = 0
    delta_lights: int = 0
    environment_cells: int = 0
    bvh_nodes: int = 0
    bvh_leaves: int = 0

    def grown(self) -> "Capacity":
        """Each number rounded up to a power of two, at least 16."""
        return Capacity(**{f.name: max(16, 1 << (getattr(self, f.name) - 1).bit_length()) for f in fields(self)})

    def holds(self, other: "Capacity") -> bool:
        return all(getattr(self, f.name) >= getattr(other, f.name) for f in fields(self))

    def union(self, other: "Capacity") -> "Capacity":
        return Capacity(**{f.name: max(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)})


class SceneFields:
    """The scene on the device.

    Args:
        capacity: sizes of the fields.
        gradients: give the fields of continuous parameters a `.grad` (doubles their memory).

    All positions, normals and directions are in world space. Indices of -1 mean "none".
    """

    def __init__(self, capacity: Capacity, gradients: bool) -> None:
        self.capacity = capacity
        self.gradients = gradients
        self.memory: dict[int, np.ndarray] = {}  # see packing.py
        c = capacity

        def real(*shape: int) -> ti.ScalarField:
            return ti.field(ti.f32, shape=shape, needs_grad=gradients)

        def vector(n: int, *shape: int) -> ti.MatrixField:
            return ti.Vector.field(n, ti.f32, shape=shape, needs_grad=gradients)

        def plain(dtype: object, *shape: int) -> ti.ScalarField:
            return ti.field(dtype, shape=shape)

        # First what rays are tested against: the fields share one buffer, and here vectors do not cross cache lines.
        # Bounding volume hierarchy, see bvh_build.py for the layout.
        self.bvh_bounds = ti.Vector.field(BVH_WIDTH, ti.f32, shape=c.bvh_nodes * BVH_WIDTH)
        self.bvh_children = plain(ti.i32, c.bvh_nodes * BVH_WIDTH)
        self.bvh_triangles = ti.Matrix.field(10, LEAF_SIZE, ti.f32, shape=c.bvh_leaves)
        self.bvh_ids = plain(ti.i32, c.bvh_leaves * LEAF_SIZE)

        # Scenes of few triangles, see facets.py for the layout.
        self.facet_rows = [plain(ti.f32, MOST_FACETS) for _ in range(FACET_ROWS)]
        self.facet_triangles = ti.Vector.field(3, ti.i32, shape=MOST_FACETS)

        # A copy of what a hit needs of each triangle, side by side: no chain of loads. The rows are those of `surface`.
        self.triangle_record = ti.Matrix.field(8, 3, ti.f32, shape=c.triangles)

        # Geometry.
        self.positions = vector(3, c.vertices)
        self.normals = vector(3, c.normals)
        self.uvs = vector(2, c.uvs)
        self.triangles = ti.Vector.field(3, ti.i32, shape=c.triangles)
        self.triangle_normals = ti.Vector.field(3, ti.i32, shape=c.triangles)
        self.triangle_uvs = ti.Vector.field(3, ti.i32, shape=c.triangles)
        self.triangle_shape = plain(ti.i32, c.triangles)

        # Shapes.
        self.shape_material = plain(ti.i32, c.shapes)
        self.shape_slides = plain(ti.i32, c.shapes)  # its points follow directions in derivatives, see nearness.py
        self.shape_moves = plain(ti.i32, c.shapes)  # its points move in derivatives of edges, see gradient/changes.py
        self.shape_emits = plain(ti.i32, c.shapes)  # 0 no, 1 on the side of the normal, 2 on both
        self.shape_emission = vector(3, c.shapes)
        self.shape_emission_texture = plain(ti.i32, c.shapes)

        # Materials: MATERIAL_SLOTS values each, a texture index beside each value.
        self.material_type = plain(ti.i32, c.materials)
        self.material_two_sided = plain(ti.i32, c.materials)
        self.material_children = ti.Vector.field(2, ti.i32, shape=c.materials)  # mix
        self.material_values = vector(3, c.materials * MATERIAL_SLOTS)
        self.material_textures = plain(ti.i32, c.materials * MATERIAL_SLOTS)

        # Textures: (offset, width, height, wrap | filter << 2) and their texels, row 0 at the top.
        self.textures = ti.Vector.field(4, ti.i32, shape=c.textures)
        self.texels = vector(3, c.texels)

        # Lights: first those of the tree in its order, then those infinitely far away.
        self.light_counts = ti.Vector.field(3, ti.i32, shape=())  # in the tree, far away, levels of the tree
        # Kind; first of a group of triangles that emit, or number of the delta light; triangles of the group.
        self.lights = ti.Vector.field(3, ti.i32, shape=c.lights)
        self.light_density = plain(ti.f32, c.lights)  # one over the group's area
        self.emitter_triangles = plain(ti.i32, c.emitters)
        self.emitter_cdf = plain(ti.f32, c.emitters)  # within the group, by area
        self.emitter_guide = plain(ti.i32, c.emitters)  # where to begin to search it
        self.triangle_light = plain(ti.i32, c.triangles)
        # See light_tree.py; fewer nodes than half as many as lights.
        self.light_nodes = ti.Vector.field(LIGHT_WIDTH, ti.f32, shape=c.lights // 2 * LIGHT_ATTRIBUTES)
        self.light_levels = plain(ti.i32, 16)  # first node of each
        self.far_strength = plain(ti.f32, c.delta_lights)
        self.emitter_bounds = ti.Vector.field(3, ti.f32, shape=2)  # of all triangles that emit
        self.delta_position = vector(3, c.delta_lights)
        self.delta_direction = vector(3, c.delta_lights)
        self.delta_intensity = vector(3, c.delta_lights)
        self.delta_angles = vector(2, c.delta_lights)  # spot: cutoff and start of falloff, radians

        # Environment: an image (a texture index) or a constant.
        self.environment_texture = plain(ti.i32)
        self.environment_radiance = vector(3)
        self.environment_scale = real()
        self.environment_to_local = ti.Matrix.field(3, 3, ti.f32, shape=(), needs_grad=gradients)
        self.environment_rows = plain(ti.f32, c.environment_cells)  # cumulative marginal of the rows
        self.environment_columns = plain(ti.f32, c.environment_cells)  # cumulative conditional, row after row
        self.environment_row_guide = plain(ti.i32, c.environment_cells)  # where to begin to search them
        self.environment_column_guide = plain(ti.i32, c.environment_cells)

        # Camera.
        self.camera_to_world = ti.Matrix.field(4, 4, ti.f32, shape=(), needs_grad=gradients)
        self.camera_intrinsics = vector(4)  # fx, fy, cx, cy in pixels
        self.camera_distortion = ti.Vector.field(5, ti.f32, shape=(), needs_grad=gradients)
        self.camera_lens = vector(2)  # aperture radius, focus distance
        self.camera_clip = ti.Vector.field(2, ti.f32, shape=())
        self.film_size = ti.Vector.field(2, ti.i32, shape=())  # width, height

        # Sampling, see lattice.py.
        self.lattice_steps = ti.Vector.field(4, ti.i32, shape=ROWS)
        self.lattice_links = ti.Vector.field(4, ti.i32, shape=ROWS)
        self.lattice_period = plain(ti.i32)
        self.lattice_step = ti.Vector.field(2, ti.i32, shape=())

    def fields(self) -> Iterator[ti.Field]:
        """All fields."""
        for value in vars(self).values():
            for field in value if isinstance(value, list) else [value]:
                if isinstance(field, ti.Field):
                    yield field


_current: dict[bool, SceneFields] = {}


def acquire(needed: Capacity, gradients: bool = False) -> SceneFields:
    """Fields that hold `needed`: the ones in use if they suffice, else larger ones."""
    have = _current.get(gradients)
    if have is None or not have.capacity.holds(needed):
        grown = needed.grown() if have is None else needed.union(have.capacity).grown()
        have = _current[gradients] = SceneFields(grown, gradients)
    return have
