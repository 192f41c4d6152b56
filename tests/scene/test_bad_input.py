"""Broken scenes: each ends in one InputError that names the field, what was found and what is allowed."""

import json
import re

import numpy as np
import pytest
from broken_scenes import CASES, GOOD, broken

from diffrt.errors import InputError
from diffrt.scene.scene import Scene

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def test_the_good_scene_is_good():
    Scene.from_dict(GOOD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from diffrt.io.images import write_image

    path = tmp_path_factory.mktemp("files")
    vertices = b"".join(np.float32([x, y, 0]).tobytes() for x, y in ((0, 0), (1, 0), (0, 1)))
    header = (
        b"ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        b"property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    )
    face = b"\x03" + np.int32([0, 1, 2]).tobytes()
    (path / "bunny.ply").write_bytes(header + vertices + face)
    (path / "short.ply").write_bytes(header + vertices[:20])
    (path / "empty.ply").write_bytes(b"")
    (path / "mesh.xyz").write_text("0 0 0")
    noise = np.random.default_rng(0).bytes(300)
    (path / "noise.glb").write_bytes(b"glTF" + noise)
    (path / "noise.exr").write_bytes(b"\x76\x2f\x31\x01" + noise)
    write_image(path / "good.png", np.full((8, 8, 3), 0.5))
    content = (path / "good.png").read_bytes()
    (path / "short.png").write_bytes(content[: len(content) // 2])
    np.save(path / "nan.npy", np.full((2, 4, 3), np.nan, dtype=np.float32))
    return path


def problems_of(description, folder):
    with pytest.raises(InputError) as caught:
        Scene.from_dict(description, folder)
    assert caught.value.exit_code == 2
    return caught.value.problems


@pytest.mark.parametrize(
    ("path", "value", "field", "message"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_one_broken_field(path, value, field, message, folder):
    problems = problems_of(broken((path, value)), folder)
    named = [str(problem) for problem in problems if problem.field.split(" ")[0] == (field or path)]
    assert named, f"{field or path} is not among: {[str(problem) for problem in problems]}"
    assert any(re.search(message, text, flags=re.DOTALL) for text in named), named
    fields = [problem.field for problem in problems]
    assert all(other.startswith((field or path).split("[")[0].split(".")[0]) for other in fields), fields
    text = "\n".join(str(problem) for problem in problems)
    assert "type=" not in text and "pydantic" not in text and "Input should" not in text


def test_the_good_scene_was_not_touched_by_its_edits():
    assert broken() == GOOD and len(CASES) > 40


def test_every_problem_at_once(folder):
    description = broken(
        ("camera.widht", 3),
        ("camera.near", 5),
        ("camera.far", 4),
        ("film", {"filter": "bx"}),
        ("textures.wood", {"file": "none.png"}),
        ("textures.other", {"file": "short.png", "wrap": "no"}),
        ("materials.white.albedo", [1, 2, 3]),
        ("materials.white.opacity", {"texture": "woods"}),
        ("materials.blend.first", "black"),
        ("shapes[0].material", "wite"),
        ("shapes[0].to_world", [{"translate": 3}, {"scale": 0}, {"matrix": 1}]),
        ("shapes[1].faces", [[0, 1, 7]]),
        ("shapes[2].emission", -1),
        ("shapes[2].material", {"type": "diffuse", "albedo": 2, "oops": 1}),
        ("shapes[3]", {"type": "mesh", "file": "short.ply", "name": "lamp"}),
        ("lights[1].cutof", 3),
        ("lights[2]", {"type": "environment", "file": "none.hdr"}),
    )
    fields = [problem.field.split(" ")[0] for problem in problems_of(description, folder)]
    assert len(fields) == len(set(fields))
    assert sorted(fields) == sorted(
        [
            "camera.widht",
            "camera.near",
            "film.filter",
            "textures.wood.file",
            "textures.other.wrap",
            "materials.white.albedo",
            "materials.white.opacity.texture",
            "materials.blend.first",
            "shapes[0].material",
            "shapes[0].to_world[0].translate",
            "shapes[0].to_world[1].scale",
            "shapes[0].to_world[2].matrix",
            "shapes[1].faces",
            "shapes[2].emission",
            "shapes[2].material.albedo",
            "shapes[2].material.oops",
            "shapes[3].file",
            "shapes[3].name",
            "lights[1].cutof",
            "lights[2]",
            "lights[2].file",
        ]
    )


def test_the_same_texture_as_colour_and_data_needs_an_encoding(folder):
    description = {
        "textures": {"t": {"file": "good.png"}},
        "materials": {"m": {"type": "plastic", "albedo": {"texture": "t"}, "roughness": {"texture": "t"}}},
    }
    (problem,) = problems_of(description, folder)
    assert problem.field == "textures.t.encoding" and "materials.m.roughness" in problem.found
    assert problem.allowed == "srgb, linear"
    description["textures"]["t"]["encoding"] = "srgb"
    Scene.from_dict(description, folder)


@pytest.mark.parametrize("data", [[], None, 3, "scene", [GOOD]])
def test_not_an_object(data):
    (problem,) = problems_of(data, ".")
    assert "one object" in problem.found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column"),
        (b'{"shapes": [}', "not JSON"),
        (b"[]", "one object"),
        (b"null", "one object"),
        (b"\xff\xfe\x00\x01", "UTF-8"),
        (b"[" * 10**6, "nested too deeply"),
        (b'{"camera": {"fov": 1, "fov": 2}}', r"camera\.fov: the key is given more than once"),
        (b'{"camera": {"fov": NaN}}', r"camera\.fov: nan is not finite"),
        (b'{"camera": {"far": Infinity}}', r"camera\.far: inf is not finite"),
        (b'{"camera": {"fov": 1e999}}', r"camera\.fov: inf is not finite"),
        (b'{"camera": {"fov": ' + b"9" * 5000 + b"}}", "too long"),
        (b'{"materials": {"m": ' + b'{"type": "mix", "first": ' * 300 + b'"m"' + b"}" * 302, "materials.m"),
    ],
)
def test_broken_files(tmp_path, content, message):
    (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        Scene.load(tmp_path / "s.json")
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.json", "does not exist"),
        (".", "is not a scene"),
        ("a.txt", r"allowed: \.json"),
        ("none.ply", "not exist"),
    ],
)
def test_files_that_are_no_scenes(tmp_path, name, message):
    (tmp_path / "a.txt").write_text("{}")
    with pytest.raises(InputError, match=message):
        Scene.load(tmp_path / name)


def test_a_folder_named_like_a_scene(tmp_path):
    (tmp_path / "s.json").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        Scene.load(tmp_path / "s.json")


def test_a_huge_file_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("diffrt.description.json_file.MAX_BYTES", 10)
    (tmp_path / "s.json").write_text("{            }")
    with pytest.raises(InputError, match="at most 10 bytes"):
        Scene.load(tmp_path / "s.json")


def test_dictionaries_that_contain_themselves():
    mix = {"type": "mix", "first": "white"}
    mix["second"] = mix
    problems = problems_of({"materials": {"white": {"type": "diffuse"}, "m": mix}}, ".")
    assert any(problem.field.startswith("materials.m") for problem in problems)
    rows = []
    rows.append(rows)
    assert problems_of(broken(("shapes[1].vertices", rows)), ".")
    assert problems_of(broken(("shapes[0].to_world", rows)), ".")


def test_keys_that_are_no_text():
    assert problems_of({"materials": {3: {"type": "diffuse"}}}, ".")[0].field.startswith("materials")
    assert problems_of({4: 5}, ".")
    assert problems_of(broken(("camera", {5: 6, "fov": 40})), ".")


def test_problems_print_one_a_line(folder):
    with pytest.raises(InputError) as caught:
        Scene.from_dict(broken(("camera.fov", 0), ("shapes[0].material", "whit")), folder)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[1] == (
        "shapes[0].material: 'whit' is no material of this scene; allowed: white, blend (did you mean 'white'?)"
    )


def test_the_message_survives_json(tmp_path, folder):
    """Through a file the same problems are found as from a dict."""
    description = broken(("materials.white.albedo", 3), ("shapes[1].faces", [[0, 1, 3]]))
    (tmp_path / "s.json").write_text(json.dumps(description))
    with pytest.raises(InputError) as caught:
        Scene.load(tmp_path / "s.json")
    assert caught.value.problems == problems_of(description, folder)
