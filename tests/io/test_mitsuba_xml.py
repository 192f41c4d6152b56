"""Mitsuba XML: both spellings, transforms, cameras, shapes, lights, materials; against Mitsuba where it is there."""

import os
from pathlib import Path

import numpy as np
import pytest

from diffrt.errors import InputError
from diffrt.io.mitsuba_xml import import_mitsuba
from diffrt.io.spectra import spectrum_to_rgb
from diffrt.log import DiffrtWarning
from diffrt.scene.scene import Scene

SHARED = Path(__file__).resolve().parents[3] / "shared" / "assets"
ASSETS = Path(os.environ.get("DIFFRT_ASSETS") or SHARED) / "mitsuba_xml"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="no assets (set DIFFRT_ASSETS)")
SHAPE = '<shape type="rectangle"/>'


def load(folder, content, version="3.0.0"):
    path = folder / "scene.xml"
    path.write_text(f'<?xml version="1.0"?>\n<scene version="{version}">\n{content}\n</scene>\n')
    return import_mitsuba(path)


def refusal(folder, content):
    with pytest.raises(InputError) as caught:
        load(folder, content)
    assert "scene.xml" in str(caught.value)
    return str(caught.value)


def material(folder, bsdf):
    scene = load(folder, f'<shape type="rectangle">{bsdf}</shape>')
    return scene["materials"][scene["shapes"][0]["material"]]


# Real scenes


@needs_assets
def test_cornell_box():
    scene = import_mitsuba(ASSETS / "cbox" / "cbox.xml")
    assert len(scene["shapes"]) == 8 and len(scene["materials"]) == 5
    red, green = scene["materials"]["red"]["albedo"], scene["materials"]["green"]["albedo"]
    np.testing.assert_allclose(red, [0.49, 0.05, 0.05], atol=0.01)
    np.testing.assert_allclose(green, [0.07, 0.40, 0.09], atol=0.01)
    lamp = scene["shapes"][0]
    assert lamp["name"] == "cbox_luminaire" and lamp["material"] == "light"
    np.testing.assert_allclose(lamp["emission"], [20.7, 10.9, 2.77], rtol=0.01)
    np.testing.assert_allclose(lamp["to_world"][:3, 3], [0, -0.5, 0])
    (camera,) = scene["cameras"]
    assert (camera["fov"], camera["fov_axis"], camera["near"], camera["far"]) == (39.3077, "smaller", 10, 2800)
    np.testing.assert_allclose(-camera["to_world"][:3, 2], [0, 0, 1])  # looks along +z
    np.testing.assert_allclose(camera["to_world"][:3, 0], [-1, 0, 0])  # its right is -x
    assert scene["integrator"] == {"max_depth": -1} and scene["sampling"] == {"spp": 4}


@needs_assets
def test_veach_scene_loads_with_its_spheres_in_place():
    scene = Scene.load(ASSETS / "veach_mi" / "mi.xml")
    assert len(scene.shapes) == 10 and not scene.lights
    ball = scene.shapes["sphere"].world_vertices()
    np.testing.assert_allclose(ball.mean(axis=0), [10, 10, 4], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(ball - [10, 10, 4], axis=1), 0.5, rtol=1e-9)
    np.testing.assert_allclose(scene.shapes["sphere_3"].emission, [901.803] * 3)
    plate = scene.materials[scene.shapes["plate2"].material]
    assert plate.type == "plastic"
    assert float(plate.fields["roughness"]) ** 2 == pytest.approx(0.02)
    assert float(plate.fields["ior"]) == pytest.approx(2 / 1.000277)


# Spelling, variables, references


def test_both_spellings_mean_the_same(tmp_path):
    old = load(
        tmp_path,
        """<sensor type="perspective"><float name="fov" value="50"/><string name="fovAxis" value="y"/>
        <transform name="toWorld"><lookAt origin="1,2,3" target="4 5 6" up="0,1,0"/></transform></sensor>
        <shape type="sphere"><bsdf type="roughplastic"><rgb name="diffuseReflectance" value="0.1 0.2 0.3"/>
        <float name="intIOR" value="1.7"/></bsdf></shape>""",
        version="0.6.0",
    )
    new = load(
        tmp_path,
        """<sensor type="perspective"><float name="fov" value="50"/><string name="fov_axis" value="y"/>
        <transform name="to_world"><lookat origin="1,2,3" target="4, 5, 6" up="0,1,0"/></transform></sensor>
        <shape type="sphere"><bsdf type="roughplastic"><rgb name="diffuse_reflectance" value="0.1, 0.2, 0.3"/>
        <float name="int_ior" value="1.7"/></bsdf></shape>""",
    )
    np.testing.assert_array_equal(old["cameras"][0].pop("to_world"), new["cameras"][0].pop("to_world"))
    assert old["cameras"] == new["cameras"] and old["materials"] == new["materials"]
    assert old["materials"]["roughplastic"]["albedo"] == [0.1, 0.2, 0.3]


def test_defaults_are_substituted(tmp_path):
    text = '<default name="d" value="1"/><default name="depth" value="7"/><default name="depth" value="9"/>'
    text += '<integrator type="path"><integer name="max_depth" value="$depth"/></integrator>'
    assert load(tmp_path, text + SHAPE)["integrator"] == {"max_depth": 7}
    assert "$nothing" in refusal(tmp_path, f'<integrator type="$nothing"/>{SHAPE}')


def test_references_may_come_first_and_are_shared(tmp_path):
    text = '<shape type="cube"><ref id="paint"/></shape><shape type="disk"><ref id="paint"/></shape>'
    scene = load(tmp_path, text + '<bsdf type="diffuse" id="paint"><rgb name="reflectance" value="#ff0080"/></bsdf>')
    assert [shape["material"] for shape in scene["shapes"]] == ["paint", "paint"] and len(scene["materials"]) == 1
    np.testing.assert_allclose(scene["materials"]["paint"]["albedo"], [1, 0, 0.2158605], rtol=1e-5)
    assert "'paint'" in refusal(tmp_path, text)


def test_includes(tmp_path):
    (tmp_path / "part.xml").write_text('<scene version="3.0.0"><shape type="cube" id="box"/></scene>')
    scene = load(tmp_path, f'{SHAPE}<include filename="part.xml"/>')
    assert [shape["name"] for shape in scene["shapes"]] == ["rectangle", "box"]
    assert "no such file" in refusal(tmp_path, '<include filename="absent.xml"/>')
    assert "includes" in refusal(tmp_path, '<include filename="scene.xml"/>')


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


@pytest.fixture
def mitsuba():
    module = pytest.importorskip("mitsuba")
    module.set_variant("scalar_rgb")
    module.set_log_level(module.LogLevel.Error)
    return module


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


# Materials


@pytest.mark.parametrize(
    ("bsdf", "expected"),
    [
        ('<bsdf type="diffuse"/>', {"type": "diffuse", "albedo": [0.5] * 3, "two_sided": False}),
        (
            '<bsdf type="twosided"><bsdf type="diffuse"><spectrum name="reflectance" value="0.25"/></bsdf></bsdf>',
            {"type": "diffuse", "albedo": [0.25] * 3, "two_sided": True},
        ),
        (
            '<bsdf type="roughdielectric"><string name="int_ior" value="water"/><float name="alpha" value="0.04"/>'
            "</bsdf>",
            {"type": "dielectric", "ior": 1.333, "exterior_ior": 1.000277, "roughness": pytest.approx(0.2)},
        ),
        (
            '<bsdf type="conductor"/>',
            {"type": "conductor", "reflectance": [1.0] * 3, "roughness": 0.0, "two_sided": False},
        ),
        (
            '<bsdf type="mask"><float name="opacity" value="0.3"/><bsdf type="null"/></bsdf>',
            {"type": "null", "opacity": 0.3},
        ),
    ],
)
def test_bsdfs(tmp_path, bsdf, expected):
    assert material(tmp_path, bsdf) == expected
    Scene.load(tmp_path / "scene.xml")


def test_metals_by_name_and_by_numbers(tmp_path):
    gold = material(tmp_path, '<bsdf type="roughconductor"><string name="material" value="Au"/></bsdf>')
    np.testing.assert_allclose([gold["eta"], gold["k"]], [[0.143, 0.375, 1.442], [3.983, 2.386, 1.603]])
    assert gold["roughness"] == pytest.approx(np.sqrt(0.1))
    text = '<bsdf type="conductor"><rgb name="eta" value="1,2,3"/><float name="k" value="4"/></bsdf>'
    assert material(tmp_path, text)["k"] == [4, 4, 4]


def test_principled_and_blend(tmp_path):
    text = """<bsdf type="blendbsdf"><float name="weight" value="0.2"/><bsdf type="diffuse" id="base"/>
    <bsdf type="principled" id="top"><rgb name="base_color" value="0.9,0.1,0.1"/><float name="metallic" value="0.7"/>
    <float name="roughness" value="0.4"/><float name="clearcoat" value="1"/>
    <float name="specular" value="0.5"/></bsdf></bsdf>"""
    blend = material(tmp_path, text)
    assert blend == {"type": "mix", "first": "base", "second": "top", "weight": 0.2}
    top = load(tmp_path, f'<shape type="rectangle">{text}</shape>')["materials"]["top"]
    assert (top["metallic"], top["roughness"], top["clearcoat"]) == (0.7, 0.4, 0.25)
    assert ((top["ior"] - 1) / (top["ior"] + 1)) ** 2 == pytest.approx(0.04)
    Scene.load(tmp_path / "scene.xml")


def test_textures_and_their_uvs(tmp_path):
    from PIL import Image

    Image.fromarray(np.array([[[188, 0, 0]], [[0, 255, 0]]], dtype=np.uint8)).save(tmp_path / "flag.png")
    text = """<shape type="rectangle"><bsdf type="diffuse"><texture type="bitmap" name="reflectance">
    <string name="filename" value="flag.png"/><string name="filter_type" value="nearest"/>
    <transform name="to_uv"><scale x="3" y="3"/></transform></texture></bsdf></shape>"""
    scene = load(tmp_path, text)
    (shape,) = scene["shapes"]
    texture = scene["textures"][scene["materials"][shape["material"]]["albedo"]["texture"]]
    assert texture["filter"] == "nearest"
    np.testing.assert_allclose(texture["data"][0, 0], [((188 / 255 + 0.055) / 1.055) ** 2.4, 0, 0], rtol=1e-5)
    corner = shape["uvs"][shape["uv_faces"][shape["faces"] == 0][0]]
    np.testing.assert_allclose(corner, [0, 1])  # Mitsuba's uv (0, 0), the top of the image, at (-1, -1)
    np.testing.assert_allclose(np.ptp(shape["uvs"], axis=0), [3, 3])
    Scene.load(tmp_path / "scene.xml")


def test_spectra_agree_with_mitsuba(mitsuba):
    pairs = [(400, 0.04), (500, 0.058), (550, 0.06), (600, 0.287), (650, 0.65), (700, 0.642)]
    text = ", ".join(f"{wavelength}:{value}" for wavelength, value in pairs)
    wavelengths, values = np.array(pairs, dtype=float).T
    bsdf = f'<bsdf version="3.0.0" type="diffuse"><spectrum name="reflectance" value="{text}"/></bsdf>'
    theirs = np.array(mitsuba.traverse(mitsuba.load_string(bsdf))["reflectance.value"])
    np.testing.assert_allclose(spectrum_to_rgb(wavelengths, values, emission=False), theirs, atol=0.012)
    text = f'<emitter version="3.0.0" type="constant"><spectrum name="radiance" value="{text}"/></emitter>'
    theirs = np.array(mitsuba.traverse(mitsuba.load_string(text))["radiance.value"])
    np.testing.assert_allclose(spectrum_to_rgb(wavelengths, values, emission=True), theirs, atol=0.012)


def test_a_flat_reflectance_is_grey():
    wavelengths = np.array([300.0, 900.0])
    np.testing.assert_allclose(spectrum_to_rgb(wavelengths, np.array([0.4, 0.4]), emission=False), 0.4, atol=1e-9)


# What is not read, and what is broken


def test_what_is_not_read_is_named(tmp_path):
    text = '<shape type="hair"/><emitter type="sunsky"/><sensor type="radiancemeter"/><shape type="rectangle">'
    text += '<bsdf type="hk"/></shape>'
    with pytest.warns(DiffrtWarning) as seen:
        scene = load(tmp_path, text)
    message = "\n".join(str(warning.message) for warning in seen)
    assert all(word in message for word in ("hair", "sunsky", "radiancemeter", "hk")) and len(scene["shapes"]) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("<shape", "not XML"),
        ('<shape type="obj"><string name="filename" value="absent.obj"/></shape>', "no such file"),
        ('<shape type="sphere"><float name="radius" value="-1"/></shape>', "radius"),
        ('<shape type="sphere"><float name="radius" value="big"/></shape>', "line 3"),
        ('<shape type="sphere"><float name="radius" value="nan"/></shape>', "line 3"),
        ('<shape type="sphere"><string name="radius" value="x"/></shape>', "radius is not a number"),
        ('<shape type="cube"><boolean name="flip_normals" value="maybe"/></shape>', "line 3"),
        ('<shape type="cube"><transform name="to_world"><shear x="1"/></transform></shape>', "line 3"),
        ('<shape type="cube"><transform name="to_world"><rotate angle="5"/></transform></shape>', "line 3"),
        ('<shape type="cube"><transform name="to_world"><matrix value="1 2 3"/></transform></shape>', "line 3"),
        ('<sensor type="perspective"><float name="fov" value="190"/></sensor>' + SHAPE, "fov 190"),
        ('<shape type="cube"><bsdf type="dielectric"><string name="int_ior" value="ice"/></bsdf></shape>', "diamond"),
        ('<shape type="cube"><bsdf type="blendbsdf"/></shape>', "two"),
        (
            '<bsdf type="twosided" id="a"><ref id="b"/></bsdf><bsdf type="twosided" id="b"><ref id="a"/></bsdf>'
            '<shape type="cube"><ref id="a"/></shape>',
            "circle",
        ),
        ('<shape type="cube">' * 300 + "</shape>" * 300, "too deeply"),
    ],
)
def test_broken_scenes_are_refused(tmp_path, content, words):
    assert words in refusal(tmp_path, content)


def test_entities_and_document_types_are_refused(tmp_path):
    path = tmp_path / "scene.xml"
    laughs = '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">'
    for doctype in (
        f"<!DOCTYPE scene [{laughs}]>",
        '<!DOCTYPE scene SYSTEM "http://localhost/x.dtd">',
        '<!DOCTYPE scene [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ):
        path.write_text(f'<?xml version="1.0"?>{doctype}<scene version="3.0.0">{SHAPE}</scene>')
        with pytest.raises(InputError, match="DOCTYPE or ENTITY"):
            import_mitsuba(path)


def test_variables_that_grow_without_end_are_refused(tmp_path):
    text = '<default name="a0" value="haha"/>'
    text += "".join(f'<default name="a{i + 1}" value="$a{i}$a{i}$a{i}$a{i}"/>' for i in range(9))
    text += "".join(f'<default name="b{i}" value="$a9$a9$a9$a9"/>' for i in range(9))
    assert "characters" in refusal(tmp_path, text + SHAPE)


def test_shared_blends_do_not_multiply(tmp_path):
    text = '<bsdf type="diffuse" id="m0"/>'
    for i in range(25):
        text += f'<bsdf type="blendbsdf" id="m{i + 1}"><ref id="m{i}"/><ref id="m{i}"/></bsdf>'
    scene = load(tmp_path, text + '<shape type="cube"><ref id="m25"/></shape>')
    assert len(scene["materials"]) == 26
