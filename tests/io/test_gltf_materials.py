"""glTF: materials, textures, cameras and lights."""

import numpy as np
import pytest
from gltf_builder import Builder

from diffrt.log import DiffrtWarning

# Materials


def test_packed_textures_become_single_channels_times_factors(tmp_path):
    builder = Builder()
    color = builder.image([[[188, 0, 255, 128]]])
    packed = builder.image([[[9, 128, 64]]])
    pbr = {
        "baseColorTexture": color,
        "baseColorFactor": [0.5, 1, 0.25, 0.5],
        "metallicRoughnessTexture": packed,
        "roughnessFactor": 0.5,
    }
    scene = builder.material(pbrMetallicRoughness=pbr, alphaMode="BLEND").load(tmp_path)
    material = scene["materials"]["paint"]

    def texel(field):
        data = scene["textures"][material[field]["texture"]]["data"]
        assert data.dtype == np.float32 and data.shape[:2] == (1, 1)
        return data[0, 0]

    half_light = ((188 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(texel("base_color"), [0.5 * half_light, 0, 0.25], rtol=1e-5)
    np.testing.assert_allclose(texel("metallic"), [64 / 255], rtol=1e-6)
    np.testing.assert_allclose(texel("roughness"), [0.5 * 128 / 255], rtol=1e-6)
    np.testing.assert_allclose(texel("opacity"), [0.5 * 128 / 255], rtol=1e-6)


def test_mask_and_factor_only_opacity(tmp_path):
    builder = Builder()
    image = builder.image([[[255, 255, 255, 100], [255, 255, 255, 200]]])
    builder.material(pbrMetallicRoughness={"baseColorTexture": image}, alphaMode="MASK", alphaCutoff=0.6)
    scene = builder.load(tmp_path)
    data = scene["textures"][scene["materials"]["paint"]["opacity"]["texture"]]["data"]
    np.testing.assert_array_equal(data[0, :, 0], [0, 1])
    plain = Builder().material(pbrMetallicRoughness={"baseColorFactor": [1, 1, 1, 0.25]}, alphaMode="BLEND")
    assert plain.load(tmp_path)["materials"]["paint"]["opacity"] == 0.25
    opaque = Builder().material(pbrMetallicRoughness={"baseColorFactor": [1, 1, 1, 0.25]})
    assert "opacity" not in opaque.load(tmp_path)["materials"]["paint"]


def test_normal_map_with_scale(tmp_path):
    builder = Builder()
    image = builder.image([[[255, 128, 128]]])
    scene = builder.material(normalTexture={**image, "scale": 0.5}).load(tmp_path)
    data = scene["textures"][scene["materials"]["paint"]["normal_map"]]["data"][0, 0]
    vector = 2 * data - 1
    tilted = np.array([0.5, 0.5 / 255, 1 / 255])
    np.testing.assert_allclose(vector, tilted / np.linalg.norm(tilted), atol=1e-6)


def test_material_extensions(tmp_path):
    extensions = {
        "KHR_materials_ior": {"ior": 1.33},
        "KHR_materials_transmission": {"transmissionFactor": 0.9},
        "KHR_materials_specular": {"specularFactor": 0.3, "specularColorFactor": [2, 1, 0.5]},
        "KHR_materials_clearcoat": {"clearcoatFactor": 0.7, "clearcoatRoughnessFactor": 0.2},
        "KHR_materials_sheen": {"sheenColorFactor": [0.1, 0.2, 0.3], "sheenRoughnessFactor": 0.4},
        "KHR_materials_emissive_strength": {"emissiveStrength": 5},
    }
    scene = Builder().material(extensions=extensions, emissiveFactor=[1, 0.5, 0], doubleSided=True).load(tmp_path)
    assert scene["materials"]["paint"] == {
        "type": "principled",
        "base_color": [1.0, 1.0, 1.0],
        "metallic": 1.0,
        "roughness": 1.0,
        "ior": 1.33,
        "transmission": 0.9,
        "specular": 0.3,
        "specular_color": [2.0, 1.0, 0.5],
        "clearcoat": 0.7,
        "clearcoat_roughness": 0.2,
        "sheen_color": [0.1, 0.2, 0.3],
        "sheen_roughness": 0.4,
    }
    (shape,) = scene["shapes"]
    assert shape["emission"] == [5.0, 2.5, 0.0] and shape["two_sided_emission"] is True


def test_unlit_shines_by_itself_and_emissive_textures_carry_their_strength(tmp_path):
    unlit = {"KHR_materials_unlit": {}}
    scene = (
        Builder().material(extensions=unlit, pbrMetallicRoughness={"baseColorFactor": [0.5, 0.2, 0, 1]}).load(tmp_path)
    )
    assert scene["materials"]["paint"] == {"type": "diffuse", "albedo": 0.0}
    assert scene["shapes"][0]["emission"] == [0.5, 0.2, 0.0]
    builder = Builder()
    image = builder.image([[[255, 0, 255]]])
    strength = {"KHR_materials_emissive_strength": {"emissiveStrength": 4}}
    builder.material(emissiveTexture=image, emissiveFactor=[1, 1, 0.5], extensions=strength)
    scene = builder.load(tmp_path)
    texture = scene["textures"][scene["shapes"][0]["emission"]["texture"]]
    np.testing.assert_allclose(texture["data"][0, 0], [4, 0, 2])


def test_samplers(tmp_path):
    builder = Builder()
    image = builder.image(np.zeros((2, 2, 3)))
    builder.json["samplers"] = [{"wrapS": 33071, "wrapT": 33071, "magFilter": 9728}]
    builder.json["textures"][0]["sampler"] = 0
    scene = builder.material(pbrMetallicRoughness={"baseColorTexture": image}).load(tmp_path)
    (texture,) = scene["textures"].values()
    assert (texture["wrap"], texture["filter"]) == ("clamp", "nearest")


def test_what_is_left_out_is_named(tmp_path):
    builder = Builder().material(extensions={"KHR_materials_volume": {}})
    builder.json["meshes"][0]["primitives"].append({**builder.json["meshes"][0]["primitives"][0], "mode": 1})
    with pytest.warns(DiffrtWarning) as seen:
        builder.load(tmp_path)
    text = "\n".join(str(warning.message) for warning in seen)
    assert "KHR_materials_volume" in text and "primitives[1]" in text


# Cameras and lights


def test_cameras_and_punctual_lights(tmp_path):
    builder = Builder()
    builder.triangle()
    half = np.sqrt(0.5)
    builder.json["cameras"] = [
        {"type": "perspective", "perspective": {"yfov": 0.5, "aspectRatio": 2, "znear": 0.1, "zfar": 100}},
        {"type": "orthographic", "orthographic": {"xmag": 3, "ymag": 1.5, "znear": 0, "zfar": 10}},
    ]
    lights = [
        {"type": "point", "intensity": 10, "color": [1, 0.5, 0]},
        {"type": "spot", "intensity": 2, "spot": {"innerConeAngle": 0.1, "outerConeAngle": 0.3}},
        {"type": "directional", "intensity": 3},
    ]
    builder.json["extensions"] = {"KHR_lights_punctual": {"lights": lights}}
    place = {"translation": [1, 2, 3], "rotation": [-half, 0, 0, half], "scale": [5, 5, 5]}  # -z to -y
    builder.json["nodes"] += [{"camera": 0, **place}, {"camera": 1, "name": "flat view"}]
    builder.json["nodes"] += [{**place, "extensions": {"KHR_lights_punctual": {"light": index}}} for index in range(3)]
    scene = builder.load(tmp_path)
    first, second = scene["cameras"]
    assert first["fov"] == pytest.approx(np.rad2deg(0.5)) and first["fov_axis"] == "y"
    assert (first["width"], first["height"], first["near"], first["far"]) == (1024, 512, 0.1, 100)
    np.testing.assert_allclose(first["to_world"][:3, 2], [0, 1, 0], atol=1e-12)  # looks down: -Z is -y
    np.testing.assert_allclose(first["to_world"][:3, 3], [1, 2, 3])
    assert (second["type"], second["scale"], second["name"]) == ("orthographic", 3.0, "flat_view")
    point, spot, sun = scene["lights"]
    assert point["intensity"] == [10, 5, 0] and point["position"] == pytest.approx([1, 2, 3])
    assert spot["direction"] == pytest.approx([0, -1, 0], abs=1e-12)
    assert (spot["cutoff"], spot["falloff_start"]) == pytest.approx((np.rad2deg(0.3), np.rad2deg(0.1)))
    assert sun["irradiance"] == [3, 3, 3] and sun["direction"] == pytest.approx([0, -1, 0], abs=1e-12)
