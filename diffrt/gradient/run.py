"""Gradients on a running Taichi: every term that the parameters need, summed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from diffrt import log
from diffrt.device.packing import take_grad, write
from diffrt.device.upload import DeviceScene, continuous, upload
from diffrt.gradient.backend import require_derivatives
from diffrt.gradient.buffer_pass import BufferPass, channel_adjoints
from diffrt.gradient.chain import ends_abruptly, target
from diffrt.gradient.changes import Motion, motion
from diffrt.gradient.edge_lights import DELTA, EXTENDED, INDIRECT
from diffrt.gradient.edge_pass import EdgePass, PrimaryEdges
from diffrt.gradient.horizon_pass import Horizons
from diffrt.gradient.interior_pass import InteriorPass
from diffrt.gradient.mirrors import flat_mirrors, smooth_materials
from diffrt.gradient.primary_edges import CHANNEL_GROUPS
from diffrt.gradient.request import Request
from diffrt.gradient.shading_silhouette_pass import ShadingSilhouettes
from diffrt.gradient.shadow_pass import ShadowEdges
from diffrt.gradient.slid_silhouette_pass import SlidSilhouettes
from diffrt.gradient.sliding import write_sliding
from diffrt.gradient.smooth_edge_pass import SmoothEdges
from diffrt.gradient.target import Target
from diffrt.scene.parameters import find

_UNIT = {"degrees": 60.0, "pixels": 20.0}
"""What is a large change of a parameter; 1 in all other units."""
_FLUSHED = 2**21
"""Rows after which sums in single precision are carried over to double."""


class Sums:
    """Derivatives by fields, summed in double precision.

    Args:
        names: of the fields.
    """

    def __init__(self, device: DeviceScene, names: Sequence[str]) -> None:
        self.scene = device.fields
        self.fields = {name: getattr(device.fields, name) for name in names}
        self.totals: dict[str, np.ndarray] = {}
        for field in self.fields.values():
            take_grad(self.scene, field)  # what is left of others

    def flush(self) -> None:
        """Carry over what has been added to the fields' `.grad`."""
        for name, field in self.fields.items():
            part = take_grad(self.scene, field).astype(np.float64)
            self.totals[name] = self.totals[name] + part if name in self.totals else part


def backward(request: Request, adjoints: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """`render_backward`, its arguments checked."""
    require_derivatives()
    device = upload(request.scene, request.view, gradients=True)
    targets = [target(request.scene, request.view, name) for name in names]
    moving = _prepare_motion(device, request, targets)
    fields = {field for item in targets for field in item.fields}
    sums = Sums(device, sorted(fields | {"normals", "positions"}))
    dropped = 0
    if targets and "radiance" in adjoints:
        _warn_of_what_is_missing(device, request, targets)
        weights = adjoints["radiance"].reshape(-1, 3)
        if "interior" in request.terms:
            dropped += _interior(InteriorPass(device, request, targets), weights, sums)
        for term in _edge_terms(device, request, targets, moving):
            term.backward(weights)
            dropped += term.dropped
    if targets and set(adjoints) != {"radiance"}:
        weights = channel_adjoints(adjoints, request.view.width * request.view.height)
        if "interior" in request.terms:
            dropped += _interior(BufferPass(device, request, targets), weights, sums)
        for group in range(CHANNEL_GROUPS if "primary" in _terms(request, targets) else 0):
            part = weights[:, 3 * group : 3 * group + 3]
            if part.any():
                edges = PrimaryEdges(device, request, moving, group)
                edges.backward(part)
                dropped += edges.dropped
    sums.flush()
    _warn_of_dropped(dropped)
    return {item.name: np.asarray(item.pull(sums.totals)) for item in targets}


def _prepare_motion(device: DeviceScene, request: Request, targets: Sequence[Target]) -> Motion:
    """What is needed if something moves or bends."""
    if any(item.moves or item.bends for item in targets):
        write_sliding(device, request.scene)
    moving = motion(request.scene, targets)
    write(device.fields, [(device.fields.shape_moves, moving.shapes)])
    return moving


def _interior(run: InteriorPass, weights: np.ndarray, sums: Sums) -> int:
    """Run the interior backward; returns how many samples were no number."""
    rows = 0
    for chunk in run.chunks(weights, run.request.spp["interior"]):
        run.backward(chunk)
        rows += chunk.end
        if rows > _FLUSHED:
            sums.flush()
            rows = 0
    return run.dropped


def _terms(request: Request, targets: Sequence[Target]) -> set[str]:
    """Those that are asked for and that some of the parameters have."""
    return set(request.terms) & {term for item in targets for term in item.terms}


def forward(request: Request, tangents: dict[str, np.ndarray]) -> np.ndarray:
    """`render_forward`, its arguments checked."""
    require_derivatives()
    scene, view = request.scene, request.view
    device = upload(scene, view, gradients=True)
    targets = [target(scene, view, name) for name in tangents]
    moving = _prepare_motion(device, request, targets)
    _warn_of_what_is_missing(device, request, targets)
    pixels = view.width * view.height
    image = np.zeros((pixels, 3))
    fields = {field for item in targets for field in item.fields}
    step, arrays = _perturbed(request, tangents, fields)
    dropped = 0
    if "interior" in request.terms and targets:
        run = InteriorPass(device, request, targets)
        spp = request.spp["interior"]
        for chunk in run.chunks(np.ones((pixels, 3)), spp):
            pixel = chunk.record.pixel.to_numpy()[: chunk.first]
            for sign in (1, -1):
                values = run.forward(chunk, arrays[sign])
                values = np.where(np.isfinite(values).all(axis=1, keepdims=True), values, 0.0)
                for c in range(3):
                    image[:, c] += sign * np.bincount(pixel, values[:, c], minlength=pixels)
            write(device.fields, [(getattr(device.fields, name), array) for name, array in arrays[0].items()])
        image /= 2.0 * step * spp
        dropped += run.dropped
    for term in _edge_terms(device, request, targets, moving):
        image += term.forward(arrays, step)
        dropped += term.dropped
    _warn_of_dropped(dropped)
    return image.reshape(view.height, view.width, 3)


def _edge_terms(
    device: DeviceScene, request: Request, targets: Sequence[Target], moving: Motion
) -> Iterator[EdgePass]:
    """The terms of edges that some parameter moves."""
    fields = {field for item in targets for field in item.fields}
    terms = _terms(request, targets)
    features = device.features
    if "primary" in terms and fields != {"normals"}:
        yield PrimaryEdges(device, request, moving)
    if "primary" in terms and features.smooth:
        yield ShadingSilhouettes(device, request, moving)
    if "primary" in terms and features.smooth and fields != {"normals"}:
        yield SmoothEdges(device, request, moving)
    if "shadow" in terms and (features.area_lights or features.environment):
        yield ShadowEdges(device, request, moving, EXTENDED)
    if "shadow" in terms and features.smooth and "positions" in fields:
        yield Horizons(device, request, moving)
    if "delta_shadow" in terms and features.delta_lights:
        yield ShadowEdges(device, request, moving, DELTA)
    if "indirect" in terms:
        yield ShadowEdges(device, request, moving, INDIRECT)
    if "indirect" in terms and features.smooth:
        yield SlidSilhouettes(device, request, moving)


def _warn_of_what_is_missing(device: DeviceScene, request: Request, targets: Sequence[Target]) -> None:
    """What the gradient will lack, by name: nothing is left out in silence."""
    for item in targets:
        if item.lacks:
            log.warn(f"{item.name}: {item.lacks}")
    moving = [item.name for item in targets if set(item.terms) - {"interior", "primary"}]
    if moving and device.features.masked and set(request.terms) - {"interior", "primary"}:
        log.warn(
            f"{', '.join(moving)}: where light passes surfaces (opacity below one, null), the shadows behind the first "
            "of them are missing from the gradient"
        )
    hard = [light.name for light in request.scene.lights.values() if ends_abruptly(light)]
    if moving and hard:
        log.warn(f"{', '.join(moving)}: the sharp edge of the cone of {', '.join(hard)} is missing from the gradient")
    coarse = [texture.name for texture in request.scene.textures.values() if texture.filter == "nearest"]
    shifting = [item.name for item in targets if item.moves or item.bends]
    if shifting and coarse:
        log.warn(f"{', '.join(shifting)}: the jumps of {', '.join(coarse)}, filtered nearest, are missing if they move")
    maps = device.features.normal_maps
    bending = [item.name for item in targets if item.bends or len(item.terms) > 1 or (maps and item.moves)]
    if bending and set(request.terms) - {"interior"}:
        _warn_of_smooth(device, request, ", ".join(bending))


def _warn_of_smooth(device: DeviceScene, request: Request, moving: str) -> None:
    """Warn of edges that are seen by way of smooth surfaces and of shadows of light that takes such ways."""
    scene = request.scene
    used = {shape.material for shape in scene.shapes.values()}
    smooth = sorted(used & set(smooth_materials(scene)))
    if not smooth:
        return
    mirrors, curved = flat_mirrors(scene, device.geometry)
    missing = [f"in curved mirrors ({', '.join(curved)})"] if curved else []
    missing += ["in one mirror by way of another"] if len(mirrors) > 1 else []
    if device.features.has("dielectric"):
        missing.append("through smooth glass")
    edges = f"edges seen {', '.join(missing)}, and " if missing else ""
    log.warn(
        f"{moving}: {edges}shadows that are seen, or whose light comes, by way of perfectly smooth surfaces "
        f"({', '.join(smooth)}) are missing from the gradient"
    )


def _warn_of_dropped(rows: int) -> None:
    if rows:
        log.warn(f"{rows} samples of the gradient were not finite and count as zero")


def _perturbed(
    request: Request, tangents: dict[str, np.ndarray], fields: set[str]
) -> tuple[float, dict[int, dict[str, np.ndarray]]]:
    """A small step, and the arrays of `fields` for the scene itself (0) and a step forth (1) and back (-1)."""
    size = {name: _UNIT.get(find(request.scene, name).parameter.units, 1.0) for name in tangents}
    step = 1e-3 / max(max(float(np.abs(tangent).max()) / size[name] for name, tangent in tangents.items()), 1e-30)
    arrays = {}
    for sign in (0, 1, -1):
        scene = request.scene.copy()
        for name, tangent in tangents.items():
            scene[name] = scene[name] + sign * step * tangent
        view = scene.camera(request.view.name) if request.view.name in scene.cameras else request.view
        view = view.resized(request.view.width, request.view.height)
        every = continuous(scene, view)
        arrays[sign] = {name: every[name] for name in fields}
    return step, arrays
