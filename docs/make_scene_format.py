"""Make docs/scene_format.md: the introduction in scene_format_intro.md, then a table for each model of the schema.

python docs/make_scene_format.py
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from diffrt.description.schema import schema_json

HERE = Path(__file__).resolve().parent
SECTIONS = {
    "Cameras": ("PerspectiveCamera", "ThinLensCamera", "OrthographicCamera", "Intrinsics", "Distortion"),
    "Settings": ("Integrator", "Sampling", "Film"),
    "Textures": ("Texture",),
    "Materials": ("Diffuse", "Conductor", "Dielectric", "Plastic", "Principled", "Mix", "Null"),
    "Shapes": ("MeshShape", "Rectangle", "Cube", "Sphere", "Disk", "Cylinder"),
    "Lights": ("PointLight", "SpotLight", "DirectionalLight", "EnvironmentLight"),
}
"""Models by the heading they stand under. Every model of the schema is in here; `check_complete` says so."""
SHARED = ("ToWorld", "TransformStep", "Matrix", "Vector", "TextureName")
GROUPS = {
    name: heading.lower().removesuffix("s")
    for heading, names in SECTIONS.items()
    for name in names
    if heading != "Settings" and name not in ("Intrinsics", "Distortion")
}
"""What a field that holds one of these models is said to hold."""

Schema = dict[str, Any]


def check_complete(definitions: Iterable[str]) -> None:
    """Raise ValueError if the schema has a model that no section names, or the other way round."""
    named = {name for names in SECTIONS.values() for name in names} | set(SHARED)
    different = named ^ set(definitions)
    if different:
        raise ValueError(f"SECTIONS of {Path(__file__).name} lacks, or has too many: {', '.join(sorted(different))}")


def alternatives(schema: Schema) -> list[Schema]:
    """The forms that a field may have, null left out."""
    forms = [form for key in ("anyOf", "oneOf") for part in schema.get(key, []) for form in alternatives(part)]
    return forms or ([] if schema.get("type") == "null" else [schema])


def form_of(schema: Schema) -> str:
    """What one form of a field is, in words."""
    name = schema.get("$ref", "").rpartition("/")[2]
    special = {"ToWorld": "transform", "Vector": "[x, y, z]", "TextureName": "texture", "Matrix": "4x4 matrix"}
    if name:
        return special.get(name) or GROUPS.get(name) or f"object, see {name}"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema["type"]
    if kind == "array":
        items = schema["items"]
        if schema.get("minItems") == schema.get("maxItems") == 3 and items.get("type") == "number":
            return "[r, g, b]"
        return f"list of {listed(items)}"
    if kind == "object":
        return f"object of {listed(schema['additionalProperties'])} by name"
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)


def listed(items: Schema) -> str:
    """What the items of a list are, in the plural."""
    forms = alternatives(items)
    name = forms[0].get("$ref", "").rpartition("/")[2]
    if name == "Vector":
        return "[x, y, z]"
    if name:
        return f"{GROUPS[name]}s"
    if forms[0].get("type") == "array":
        size = forms[0].get("minItems")
        return f"{size} {forms[0]['items']['type']}s each" if size == forms[0].get("maxItems") else "rows of pixels"
    return f"{forms[0]['type']}s"


def type_of(schema: Schema) -> str:
    """The forms of a field, each named once."""
    forms = list(dict.fromkeys(form_of(form) for form in alternatives(schema)))
    return "material, by name or inline" if forms == ["material", "text"] else " or ".join(forms)


def bounds_of(schema: Schema) -> str:
    """What its numbers may be, and how long its texts."""
    for form in alternatives(schema):
        low, high = form.get("minimum"), form.get("maximum")
        above, below = form.get("exclusiveMinimum"), form.get("exclusiveMaximum")
        parts = [
            f">= {low:g}" if low is not None else "",
            f"> {above:g}" if above is not None else "",
            f"<= {high:.10g}" if high is not None else "",
            f"< {below:g}" if below is not None else "",
        ]
        if any(parts):
            return ", ".join(part for part in parts if part)
    return ""


def default_of(name: str, schema: Schema, required: Iterable[str]) -> str:
    """The default as JSON; empty if there is none or the meaning tells it."""
    if name in required:
        return "required"
    value = schema.get("default")
    return "" if value is None or value == [] or value == {} else f"`{json.dumps(value)}`"


def table(schema: Schema) -> list[str]:
    """A Markdown table of a model's fields, `type` first."""
    rows = ["| field | type | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    properties: Schema = schema["properties"]
    for name in sorted(properties, key=lambda key: (key != "type", list(properties).index(key))):
        field = properties[name]
        cells = [
            f"`{name}`",
            type_of(field),
            default_of(name, field, schema.get("required", ())),
            bounds_of(field),
            field.get("description", "selects this model" if name == "type" else ""),
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows


def text() -> str:
    """The whole of scene_format.md."""
    schema = schema_json()
    definitions: Schema = schema["$defs"]
    check_complete(definitions)
    lines = [(HERE / "scene_format_intro.md").read_text(encoding="utf-8").rstrip(), ""]
    lines += ["## The file", "", schema["description"], "", *table(schema), ""]
    for heading, names in SECTIONS.items():
        lines += [f"## {heading}", ""]
        for name in names:
            model = definitions[name]
            kind = model["properties"].get("type", {}).get("const")
            lines += [f"### {name}" + (f": `{kind}`" if kind else ""), "", model["description"], "", *table(model), ""]
    return "\n".join(lines)


def main() -> None:
    (HERE / "scene_format.md").write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
