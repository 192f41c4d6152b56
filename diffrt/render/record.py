"""The fields of path records: what tracing decided at every vertex, and the vertex's own numbers with their adjoints.

A row is a vertex of a path. The first rows are the cameras, one a path; the others come in any order and are linked.
A group of paths takes them page by page: threads that write to neighbouring rows would slow each other down.
Tracing fills the decisions (triangles, barycentrics, densities, weights), which derivatives take as given, and the
state that follows from them and from the scene's parameters, which derivatives go through. The number of rows is fixed:
paths are recorded chunk by chunk, so memory does not depend on the number of samples.
"""

import taichi as ti

from diffrt.description.schema import MATERIAL_FIELDS
from diffrt.device.work import run_length
from diffrt.render.decisions import Decisions
from diffrt.render.nearness import Near

CAMERA, SURFACE, ESCAPE, DROPPED = range(4)
"""What a vertex is. ESCAPE: the direction towards the environment in which a path ends. DROPPED: none at all, or on a
path that was no number."""
ABSORBED, SCATTERED, MIRRORED = range(3)
"""How the path goes on: not at all, by a lobe that has a density, or by a perfectly smooth one."""
MOST_SLOTS = max(map(len, MATERIAL_FIELDS.values()))
TOWARDS_NEXT, TOWARDS_LIGHT = range(2)
"""The two directions in which the BSDF of a vertex is evaluated."""


class PathRecord:
    """Rows for vertices of paths.

    Args:
        rows: how many vertices it holds, cameras included.
        geometry: keep what derivatives by positions, directions and texture coordinates need.
        decides: keep what derivatives by opacities and by weights of mixes need.
    """

    def __init__(self, rows: int, geometry: bool, decides: bool) -> None:
        self.rows = rows
        self.geometry = geometry
        self.decides = decides
        self.decisions = Decisions(rows) if decides else None

        def real(*shape: int) -> ti.ScalarField:
            return ti.field(ti.f32, shape=shape or rows)

        def vector(n: int) -> ti.MatrixField:
            return ti.Vector.field(n, ti.f32, shape=rows)

        def state(n: int, *shape: int) -> ti.MatrixField:
            return ti.Vector.field(n, ti.f32, shape=(*shape, rows), needs_grad=True)

        def place(n: int, *shape: int) -> ti.MatrixField:
            return ti.Vector.field(n, ti.f32, shape=(*shape, rows), needs_grad=geometry)

        def number() -> ti.ScalarField:
            return ti.field(ti.i32, shape=rows)

        self.group, self.page = run_length(512), run_length(64)  # paths of a group, and rows that it takes at once
        self.used = ti.field(ti.i32, shape=())  # pages beyond the cameras; too many: the chunk was too large
        self.dropped = ti.field(ti.i32, shape=())  # paths that were no number
        self.lights_move = ti.field(ti.i32, shape=())  # 1: some samples of lamps do, if vertices that stay are left out
        self.levels = ti.field(ti.i32, shape=())  # highest level
        self.listed = ti.field(ti.i32, shape=rows if geometry else 1)  # see gradient/listed_rows.py
        self.listed_count = ti.field(ti.i32, shape=())

        # Of a path, by the number of its camera row.
        self.pixel = number()
        self.last = number()  # its last row
        self.film = vector(2)  # pixels
        self.lens = vector(2)
        self.value = state(3)  # its radiance; the adjoint is that of the pixel over the number of samples

        # Decisions at a vertex.
        self.kind = number()
        self.path = number()
        self.previous = number()
        self.next = number()
        self.triangle = number()
        self.barycentrics = vector(2)
        self.material = number()
        self.outer = number()  # the mix that the material was chosen from, or the material
        self.scattering = number()
        self.side = real()  # 1 or -1: of the shading normal, on which the previous vertex lies
        self.light = number()  # kind of the light sampled, -1 for none
        self.light_index = number()
        self.light_moves = number()  # 0: where the light sample lies changes with nothing
        self.light_barycentrics = vector(2)
        # Where the position comes from: 0 camera or a point that keeps its barycentrics, else one more than that of the
        # vertex before: the hit of a ray that is determined there, or a mirror, whose ray is. -1: it stays where it is.
        self.level = number()
        self.determined = number()  # 1: the position is the hit of the ray from the vertex before

        # Factors that are taken as given. A path is worth
        #   throughput [emission_factor emission + light_factor f_light light_radiance + scatter_factor f_next arriving]
        # seen from any of its vertices.
        self.throughput = vector(3)
        self.emission_factor = real()  # weight of multiple importance sampling; 0: does not emit towards the path
        self.light_factor = real()  # visibility, weight and probability density of the light sample
        self.scatter_factor = real()  # 1 / (probability density of the direction, and of going on)
        # Radiance from the next vertex; while the path is traced, the first two terms, without throughput.
        self.arriving = vector(3)
        self.measure = real()  # solid angle of this vertex's area, seen from the previous: inverse, see `solid_angle`
        self.light_measure = real()
        # How this vertex follows the previous one, and the light sample this vertex, see nearness.py.
        self.near = Near.field(shape=rows) if geometry else None
        self.light_near = Near.field(shape=rows) if geometry else None

        # State: depends on parameters.
        self.position = place(3)
        self.normal = place(3)  # shading normal, bent by the normal map
        self.cross = place(3)  # of two edges of the triangle: geometric normal times doubled area
        self.direction = place(3)  # determined: of the camera ray, behind a mirror, or in which the path escapes
        self.uv = place(2)
        self.light_position = place(3)  # direction for lights infinitely far away
        self.light_cross = place(3)
        self.light_uv = place(2)
        self.towards = place(3)  # of a vertex that follows: direction to it
        self.towards_light = place(3)
        self.spread = place(1)  # of a vertex that follows: factor on its solid angle
        self.light_spread = place(1)
        self.emission = state(3)
        self.light_radiance = state(3)
        self.values = tuple(state(3) for _ in range(MOST_SLOTS))  # of the material, slot by slot
        self.wo = place(3)  # local
        self.wi = place(3, 2)  # local, towards next and towards the light
        self.f = state(3, 2)  # BSDF times cosine, or the factor of a perfectly smooth lobe

    def cameras(self, paths: int) -> int:
        """Rows of the cameras, up to the first page of the others."""
        return -(-paths // self.page) * self.page


@ti.func
def solid_angle(position: ti.math.vec3, cross: ti.math.vec3, seen_from: ti.math.vec3) -> ti.f32:
    """Solid angle per unit of barycentrics of a triangle, |cross . d| / |d|^3: what a path that keeps barycentrics
    multiplies with instead of a density of directions."""
    d = position - seen_from
    squared = ti.max(d.dot(d), 1e-20)
    return ti.abs(cross.dot(d)) / (squared * ti.sqrt(squared))


_records: dict[tuple[int, bool, bool], PathRecord] = {}


def acquire(rows: int, geometry: bool, decides: bool) -> PathRecord:
    """Rows, a power of two of them, at least `rows`; the same object each time, so that kernels stay compiled."""
    key = (1 << max(8, (rows - 1).bit_length()), geometry, decides)
    if key not in _records:
        _records[key] = PathRecord(*key)
    return _records[key]
