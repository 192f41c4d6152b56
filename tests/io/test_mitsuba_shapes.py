"""Mitsuba XML: transforms, shapes, cameras and lights, beside Mitsuba 3."""

import numpy as np
import pytest
from mitsuba_files import SHAPE, load

from diffrt.scene.scene import Scene

# Transforms and shapes


def test_steps_are_applied_first_to_last(tmp_path):
    steps = '<scale value="2"/><rotate z="1" angle="90"/><translate x="10"/><scale y="3"/>'
    scene = load(tmp_path, f'<shape type="rectangle"><transform name="to_world">{steps}</transform></shape>')
    np.testing.assert_allclose(scene["shapes"][0]["to_world"] @ [1, 0, 0, 1], [10, 6, 0, 1], atol=1e-12)
    steps = '<matrix value="1 0 0 5  0 1 0 6  0 0 1 7  0 0 0 1"/><translate value="1, 2, 3"/>'
    scene = load(tmp_path, f'<shape type="rectangle"><transform name="to_world">{steps}</transform></shape>')
    np.testing.assert_allclose(scene["shapes"][0]["to_world"][:3, 3], [6, 8, 10])


def test_cylinder_between_two_points(tmp_path):
    text = '<shape type="cylinder"><point name="p0" x="1" y="2" z="3"/><point name="p1" x="1" y="7" z="3"/>'
    (shape,) = load(tmp_path, text + '<float name="radius" value="0.5"/></shape>')["shapes"]
    matrix = shape["to_world"]
    np.testing.assert_allclose(matrix @ [0, 0, 1, 1], [1, 7, 3, 1], atol=1e-12)
    np.testing.assert_allclose(matrix @ [0, 0, 0, 1], [1, 2, 3, 1], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(matrix[:3, :3], axis=0), [0.5, 0.5, 5])
    assert np.linalg.det(matrix) > 0


MANY_SHAPES = """
<shape type="rectangle"><transform name="to_world"><rotate x="1" angle="40"/><translate x="-6"/></transform></shape>
<shape type="rectangle"><boolean name="flip_normals" value="true"/>
  <transform name="to_world"><rotate y="1" angle="30"/><translate x="-3"/></transform></shape>
<shape type="rectangle"><transform name="to_world"><scale x="-1" y="2"/></transform></shape>
<shape type="cube"><transform name="to_world"><rotate x="1" y="1" angle="33"/><translate x="4"/></transform></shape>
<shape type="sphere"><point name="center" x="4" y="4" z="0.5"/><float name="radius" value="1.3"/></shape>
<shape type="sphere"><boolean name="flip_normals" value="true"/><point name="center" x="0" y="4" z="0"/></shape>
<shape type="cylinder"><point name="p0" x="-4" y="4" z="-1"/><point name="p1" x="-3" y="5" z="1"/></shape>
<shape type="disk"><transform name="to_world"><scale x="-1" y="1"/><translate x="-6" y="4"/></transform></shape>
<shape type="obj"><string name="filename" value="roof.obj"/>
  <transform name="to_world"><scale x="-1"/><translate y="-4"/></transform></shape>
<shape type="ply"><string name="filename" value="roof.ply"/>
  <transform name="to_world"><translate x="4" y="-4"/></transform></shape>
<shape type="obj"><string name="filename" value="roof.obj"/><boolean name="face_normals" value="true"/>
  <transform name="to_world"><translate x="-4" y="-4"/></transform></shape>
"""
ROOF = [(-1, -1, 0), (0, -1, 1), (0, 1, 1), (-1, 1, 0), (1, -1, 0), (1, 1, 0)]


def nearest_hit(scene, origin, direction):
    """Position, geometric normal, shading normal and uv where a ray first meets a triangle (Moeller, Trumbore 1997)."""
    best = None
    for shape in scene.shapes.values():
        matrix, mesh = shape.world_matrix(), shape.mesh
        points = shape.world_vertices()[mesh.faces]
        one, two = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
        p = np.cross(direction, two)
        determinant = np.einsum("fi,fi->f", one, p)
        with np.errstate(all="ignore"):
            s = origin - points[:, 0]
            u = np.einsum("fi,fi->f", s, p) / determinant
            q = np.cross(s, one)
            v = q @ direction / determinant
            t = np.einsum("fi,fi->f", two, q) / determinant
        t = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-6), t, np.inf)
        face = int(np.argmin(t))
        if np.isfinite(t[face]) and (best is None or t[face] < best[0]):
            weights = np.array([1 - u[face] - v[face], u[face], v[face]])
            flat = np.cross(one[face], two[face])
            smooth = flat
            if mesh.normals is not None and shape.smooth:
                smooth = weights @ mesh.normals[mesh.normal_faces[face]] @ np.linalg.inv(matrix[:3, :3])
            elif shape.smooth:
                from diffrt.description.mesh import smooth_normals

                smooth = weights @ smooth_normals(shape.world_vertices(), mesh.faces)[mesh.faces[face]]
            uv = None if mesh.uvs is None else weights @ mesh.uvs[mesh.uv_faces[face]]
            unit = [normal / np.linalg.norm(normal) for normal in (flat, smooth)]
            best = (t[face], origin + t[face] * direction, *unit, uv)
    return best


def test_shapes_lie_and_face_as_in_mitsuba(tmp_path, mitsuba):
    quads = [(0, 1, 2, 3), (1, 4, 5, 2)]
    lines = [f"v {x} {y} {z}" for x, y, z in ROOF] + [f"vt {(x + 1) / 2} {(y + 1) / 4}" for x, y, _ in ROOF]
    lines += ["f " + " ".join(f"{i + 1}/{i + 1}" for i in quad) for quad in quads]
    (tmp_path / "roof.obj").write_text("\n".join(lines) + "\n")
    head = f"ply\nformat ascii 1.0\nelement vertex {len(ROOF)}\n" + "".join(f"property float {n}\n" for n in "xyzuv")
    head += "element face 4\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [f"{x} {y} {z} {(x + 1) / 2} {(y + 1) / 4}" for x, y, z in ROOF]
    rows += [f"3 {a} {b} {c}" for q in quads for a, b, c in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))]
    (tmp_path / "roof.ply").write_text(head + "\n".join(rows) + "\n")
    load(tmp_path, MANY_SHAPES)
    scene, other = Scene.load(tmp_path / "scene.xml"), mitsuba.load_file(str(tmp_path / "scene.xml"))
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        origin = np.array([*random.uniform([-7.5, -5.5], [6, 5.5]), 9.0])
        direction = random.normal([0, 0, -8], 1.0)
        direction /= np.linalg.norm(direction)
        theirs, ours = other.ray_intersect(mitsuba.Ray3f(origin, direction)), nearest_hit(scene, origin, direction)
        if not theirs.is_valid() or ours is None:
            continue
        point, flat, smooth = np.array(theirs.p), np.array(theirs.n), np.array(theirs.sh_frame.n)
        if np.linalg.norm(point - ours[1]) > 0.02:
            continue  # beside a tessellated silhouette
        hits += 1
        assert smooth @ ours[3] > 0.99, (point, smooth, ours[3])
        if flat @ smooth > 0.0:  # behind a mirror, Mitsuba's two normals may oppose each other
            assert flat @ ours[2] > 0.98, (point, flat, ours[2])
        else:
            assert smooth @ ours[2] > 0.0
        if point[1] < -2.5:  # the meshes with uvs: texture rows run downwards there
            np.testing.assert_allclose(ours[4], [theirs.uv[0], 1 - theirs.uv[1]], atol=1e-4)
    assert hits > 120


CAMERA = """<sensor type="{kind}">{lens}
<transform name="to_world">{extra}<lookat origin="1, 2, 3" target="-2, 1, 0" up="0.1, 1, 0"/></transform>
<film type="hdrfilm"><integer name="width" value="60"/><integer name="height" value="40"/></film></sensor>
<shape type="sphere"/>"""


@pytest.mark.parametrize("axis", ["x", "y", "smaller", "larger", "diagonal"])
def test_cameras_see_the_same_as_in_mitsuba(tmp_path, mitsuba, axis):
    lens = f'<float name="fov" value="35"/><string name="fov_axis" value="{axis}"/>'
    load(tmp_path, CAMERA.format(kind="perspective", lens=lens, extra=""))
    camera = Scene.load(tmp_path / "scene.xml").camera(None)
    sensor = mitsuba.load_file(str(tmp_path / "scene.xml")).sensors()[0]
    fx, fy, cx, cy = camera.focal()
    for x, y in ((0, 0), (60, 0), (60, 40), (17.5, 30.25)):
        ray, _ = sensor.sample_ray(0, 0, [x / 60, y / 40], [0.5, 0.5])
        local = np.array([(x - cx) / fx, -(y - cy) / fy, -1.0])
        ours = camera.world_matrix()[:3, :3] @ local
        np.testing.assert_allclose(ours / np.linalg.norm(ours), np.array(ray.d), atol=1e-5)
    np.testing.assert_allclose(camera.world_matrix()[:3, 3], [1, 2, 3])


def test_orthographic_camera_takes_its_size_from_the_transform(tmp_path, mitsuba):
    load(tmp_path, CAMERA.format(kind="orthographic", lens="", extra='<scale x="2.5" y="2.5"/>'))
    camera = Scene.load(tmp_path / "scene.xml").camera(None)
    assert float(camera.scale) == pytest.approx(2.5)
    sensor = mitsuba.load_file(str(tmp_path / "scene.xml")).sensors()[0]
    for x, y in ((0, 0), (60, 40), (15, 30)):
        ray, _ = sensor.sample_ray(0, 0, [x / 60, y / 40], [0.5, 0.5])
        local = np.array([(2 * x / 60 - 1) * 2.5, (1 - 2 * y / 40) * 2.5 * 40 / 60, 0, 1])
        across = camera.world_matrix() @ local - np.append(np.array(ray.o), 1)
        forward = -camera.world_matrix()[:3, 2]
        np.testing.assert_allclose(forward, np.array(ray.d), atol=1e-6)
        np.testing.assert_allclose(across[:3] - (across[:3] @ forward) * forward, 0, atol=1e-5)


def test_focal_length_and_thin_lens(tmp_path):
    text = '<sensor type="thinlens"><string name="focal_length" value="50mm"/>'
    text += '<float name="aperture_radius" value="0.1"/>'
    text += '<float name="focus_distance" value="4"/><film type="hdrfilm"><integer name="width" value="36"/>'
    scene = load(tmp_path, text + f'<integer name="height" value="24"/></film></sensor>{SHAPE}')
    (camera,) = scene["cameras"]
    assert camera["fov"] == pytest.approx(2 * np.rad2deg(np.arctan(18 / 50)))
    assert (camera["type"], camera["aperture_radius"], camera["focus_distance"]) == ("thin_lens", 0.1, 4)


# Lights


def test_environment_maps_point_the_same_way_as_in_mitsuba(tmp_path, mitsuba):
    image = np.random.default_rng(0).random((8, 16, 3)).astype(np.float32)
    mitsuba.Bitmap(image).write(str(tmp_path / "sky.exr"))
    turn = '<transform name="to_world"><rotate y="1" angle="50"/><rotate x="1" angle="20"/></transform>'
    text = f'<emitter type="envmap"><string name="filename" value="sky.exr"/>{turn}'
    text += '<float name="scale" value="2"/></emitter>'
    (light,) = load(tmp_path, text + SHAPE)["lights"]
    other = mitsuba.load_file(str(tmp_path / "scene.xml")).emitters()[0]
    data = np.asarray(light["data"])
    np.testing.assert_allclose(data, image, atol=1e-3)
    for row, column in ((3, 2), (4, 13), (2, 8)):
        u, v = (column + 0.5) / 16, (row + 0.5) / 8
        angle, up = 2 * np.pi * (u - 0.5), np.cos(np.pi * v)
        local = np.array([np.sin(angle) * np.sin(np.pi * v), up, -np.cos(angle) * np.sin(np.pi * v)])
        interaction = mitsuba.SurfaceInteraction3f()
        interaction.wi = -(np.asarray(light["to_world"])[:3, :3] @ local)
        seen = np.array(other.eval(interaction))
        rows = data[row - 1 : row + 2, column - 1 : column + 2] * 2  # Mitsuba's texel centres lie elsewhere
        assert (seen >= rows.min((0, 1)) - 1e-3).all() and (seen <= rows.max((0, 1)) + 1e-3).all()
        assert np.abs(seen - 2 * data[row, column]).max() < 0.75 * np.abs(2 * data - seen).max((2,)).max()


def test_small_lights(tmp_path):
    text = """<emitter type="point"><point name="position" x="1" y="2" z="3"/>
    <rgb name="intensity" value="1,2,3"/></emitter>
    <emitter type="spot"><transform name="to_world"><lookat origin="0,5,0" target="0,0,0" up="1,0,0"/></transform>
    <float name="cutoff_angle" value="30"/><spectrum name="intensity" value="4"/></emitter>
    <emitter type="directional"><vector name="direction" x="0" y="-1" z="0"/>
    <rgb name="irradiance" value="2"/></emitter>
    <emitter type="constant" id="sky"><rgb name="radiance" value="0.5"/></emitter>"""
    scene = load(tmp_path, text + SHAPE)
    point, spot, sun, sky = scene["lights"]
    assert (point["position"], point["intensity"]) == ([1, 2, 3], [1, 2, 3])
    assert spot["direction"] == pytest.approx([0, -1, 0]) and spot["position"] == pytest.approx([0, 5, 0])
    assert (spot["cutoff"], spot["falloff_start"], spot["intensity"]) == (30, 22.5, [4, 4, 4])
    assert (sun["direction"], sun["irradiance"]) == ([0, -1, 0], [2, 2, 2])
    assert sky == {"name": "sky", "type": "environment", "radiance": [0.5, 0.5, 0.5]}
    Scene.load(tmp_path / "scene.xml")
