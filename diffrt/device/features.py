"""What a scene uses, known when a kernel is compiled: `ti.static` leaves out the code for everything else."""

from dataclasses import dataclass

from diffrt.description.schema import MATERIAL_FIELDS

MATERIAL_TYPES = tuple(MATERIAL_FIELDS)
"""BSDF models in the order of their device numbers."""

MATERIAL_SLOTS = 16
"""Slots of a material: its fields in the order of the schema, then opacity and normal map in the last two."""

OPACITY_SLOT = MATERIAL_SLOTS - 2
NORMAL_MAP_SLOT = MATERIAL_SLOTS - 1

CAMERA_TYPES = ("perspective", "thin_lens", "orthographic")
DELTA_LIGHTS = ("point", "spot", "directional")


@dataclass(frozen=True)
class Features:
    """Compile-time description of a scene. Equal features share their kernels, whatever the scene.

    No tuple: of these Taichi goes through all parts, whenever a kernel is started.
    """

    bsdfs: int = 0
    """Bit i is set if material type i occurs."""
    textures: bool = False
    textured_slots: int = 0
    """Bit k is set if slot k of some material is a texture."""
    normal_maps: bool = False
    smooth: bool = False
    """Some triangle has shading normals of its own."""
    masked: bool = False
    """Some surface lets rays pass: opacity below one, or a null material."""
    one_sided: bool = False
    """Some opaque material is black from behind."""
    area_lights: bool = False
    delta_lights: bool = False
    near_lights: bool = False
    """Some light is at a definite place."""
    far_lights: bool = False
    """Some light is infinitely far away."""
    light_tree: bool = False
    """There is more than one light, not all of them infinitely far away."""
    environment: bool = False
    environment_image: bool = False
    facets: int = 0
    """How many facets are tested side by side; 0 if the scene has a tree instead."""
    shallow: bool = False
    """The tree has few levels, see bvh_build.py: a traversal needs a smaller stack."""
    camera: int = 0
    one_query: bool = False
    """Any hit is asked for like the closest one, for kernels that trace rays in several places and compile long."""
    distorted: bool = False
    gradients: bool = False
    """Compile what derivatives need: layers that are absent have them, too."""
    still_camera: bool = False
    """No derivative by the camera is asked for."""
    wide_lobes: bool = False
    """Directions of diffuse lobes are drawn for derivatives by normals and places, see `shading/bsdf/diffuse_lobe.py`.
    """

    @property
    def needs_lobe(self) -> bool:
        """Whether some material has to choose among lobes."""
        return any(self.has(name) for name in ("dielectric", "plastic", "principled", "mix"))

    @property
    def glossy_choice(self) -> bool:
        """Whether lights are chosen by where glossy lobes point, too."""
        return self.light_tree and any(self.has(name) for name in ("conductor", "plastic", "principled"))

    @property
    def slots(self) -> int:
        """How many slots the fields of the materials fill, at least one."""
        return max([1, *(len(MATERIAL_FIELDS[name]) for name in MATERIAL_TYPES if self.has(name))])

    def has(self, material_type: str) -> bool:
        """Whether a material type occurs."""
        return bool(self.bsdfs >> MATERIAL_TYPES.index(material_type) & 1)


def slot(material_type: str, field: str) -> int:
    """Index of a field among its material's slots."""
    return MATERIAL_FIELDS[material_type].index(field)


LIGHT_TRIANGLES, LIGHT_POINT, LIGHT_SPOT, LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT = range(5)
"""What a light is."""
