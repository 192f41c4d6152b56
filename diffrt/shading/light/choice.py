"""Which light: with probability by what a light may send to the point, and that probability again for a light met.

Lights at definite places are found by going down the light tree (device/light_tree.py). At a node, a child's importance
is about the irradiance that it makes if nothing is in between, and above zero wherever that may be: strength /
distance^2, times what is seen of its area and the largest cosine at the receiver that its bounds allow, the latter
mixed with the receiver's glossy lobe. Lights infinitely far away, of which there are few, are gone through one by one:
of directional lights the cosine at the receiver is known. Together they compete with the tree as a whole.
"""

import taichi as ti

from diffrt.core.vector import lane, larger, smaller, total
from diffrt.device.features import LIGHT_DIRECTIONAL
from diffrt.device.scene_fields import LIGHT_ATTRIBUTES, LIGHT_WIDTH
from diffrt.shading.receiver import Receiver

_Lanes = ti.types.vector(LIGHT_WIDTH, ti.f32)
_LEAST_GAP = 1.0 / 9.0
_WITHIN = 1.0 / 6.0
LEAST_SHARE = 0.1
"""Of lights far away, and of those nearby, wherever there are both: bounds know nothing of shadows."""
_LEAST_COSINE = 0.1
"""Of directional lights, above the horizon: derivatives of a cosine do not vanish there, and samples must not."""


@ti.dataclass
class Choice:
    """A light, the probability of having chosen it, and a fresh uniform number; -1 if no light can shine here."""

    light: ti.i32
    probability: ti.f32
    rest: ti.f32


@ti.func
def _importances(scene: ti.template(), features: ti.template(), node: ti.i32, receiver: Receiver):
    """Of each child of a node, for a receiver.

    No branches and one way of computing all lanes, so that the compiler vectorizes them.
    """
    result = _Lanes(0.0)
    row = node * LIGHT_ATTRIBUTES
    position, normal, mirrored = receiver.position, receiver.normal, receiver.mirrored
    either_side = ti.select(normal.dot(normal) > 0.5, 0.0, 1.0)
    for k in ti.static(range(LIGHT_WIDTH)):
        x = scene.light_nodes[row][k] - position.x
        y = scene.light_nodes[row + 1][k] - position.y
        z = scene.light_nodes[row + 2][k] - position.z
        a, b, c = scene.light_nodes[row + 3][k], scene.light_nodes[row + 4][k], scene.light_nodes[row + 5][k]
        radius = scene.light_nodes[row + 9][k]
        squared = larger(x * x + y * y + z * z, 1e-20)
        inverse = 1.0 / ti.sqrt(squared)
        inside = ti.select(squared <= radius * radius, 1.0, 0.0)
        # At the light: the angle from the axis, less those of the cone and of the bounding sphere as seen from here.
        along = -inverse * (
            x * scene.light_nodes[row + 6][k] + y * scene.light_nodes[row + 7][k] + z * scene.light_nodes[row + 8][k]
        )
        across = ti.sqrt(larger(1.0 - along * along, 0.0))
        cone, cone_sine = scene.light_nodes[row + 10][k], scene.light_nodes[row + 11][k]
        cosine = ti.select(along >= cone, 1.0, along * cone + across * cone_sine)
        sine = ti.select(along >= cone, 0.0, larger(across * cone - along * cone_sine, 0.0))
        wide = smaller(radius * inverse, 1.0)
        narrow = ti.sqrt(1.0 - wide * wide)
        bound = larger(ti.select(cosine >= narrow, 1.0, cosine * narrow + sine * wide), inside)
        # Of its area is seen what its mean normal says, if it is flat, and a quarter, if it is closed.
        seen = larger(along * scene.light_nodes[row + 12][k], 0.25 * larger(bound, 0.0))
        # At the receiver: how far the box rises above the horizon, over its least distance.
        height = x * normal.x + y * normal.y + z * normal.z
        height += a * ti.abs(normal.x) + b * ti.abs(normal.y) + c * ti.abs(normal.z)
        gap_x, gap_y, gap_z = larger(ti.abs(x) - a, 0.0), larger(ti.abs(y) - b, 0.0), larger(ti.abs(z) - c, 0.0)
        gap = larger(gap_x * gap_x + gap_y * gap_y + gap_z * gap_z, squared * _LEAST_GAP)
        lit = larger(smaller(larger(height, 0.0) / ti.sqrt(gap), 1.0), either_side)
        if ti.static(features.glossy_choice):
            # A lobe like GGX's about the mirrored direction, as wide as the material's and the light together; its
            # integral over the sphere is pi, as the cosine's.
            off = 0.5 - 0.5 * inverse * (x * mirrored.x + y * mirrored.y + z * mirrored.z)
            spread = receiver.spread + 0.25 * wide * wide
            there = spread + larger(off, 0.0)
            lobe = (1.0 + spread) * spread / (4.0 * there * there)
            lit = ti.select(lit > 0.0, lit + receiver.gloss * (lobe - lit), 0.0)
        result[k] = scene.light_nodes[row + 13][k] * seen * lit / larger(squared, (a * a + b * b + c * c) * _WITHIN)
    return result


@ti.func
def _lane_at(importances, v: ti.f32):
    """The lane that v falls into when they lie side by side, and the sum of those before it.

    Without branches: which lane it will be no processor can predict.
    """
    number, below, end = 0, 0.0, 0.0
    for k in ti.static(range(LIGHT_WIDTH - 1)):
        end += importances[k]
        number += ti.select(end <= v, 1, 0)
        below = ti.select(end <= v, end, below)
    return number, below


@ti.func
def _far_importance(scene: ti.template(), features: ti.template(), receiver: Receiver, number: ti.i32) -> ti.f32:
    """Of a light infinitely far away, by its number among them."""
    result = scene.far_strength[number]
    if ti.static(features.delta_lights):
        entry = scene.lights[scene.light_counts[None][0] + number]
        if entry[0] == LIGHT_DIRECTIONAL and receiver.normal.dot(receiver.normal) > 0.5:
            cosine = -receiver.normal.dot(scene.delta_direction[entry[1]])
            result *= ti.select(cosine > 0.0, larger(cosine, _LEAST_COSINE), 0.0)
    return result


@ti.func
def _far_importances(scene: ti.template(), features: ti.template(), receiver: Receiver) -> ti.f32:
    """Of all lights infinitely far away."""
    result = 0.0
    if ti.static(features.far_lights):
        for number in range(scene.light_counts[None][1]):
            result += _far_importance(scene, features, receiver, number)
    return result


@ti.func
def _far_share(near: ti.f32, far: ti.f32) -> ti.f32:
    """Probability of the lights infinitely far away, by the importances of those in the tree and of their own."""
    share = smaller(larger(far / larger(far + near, 1e-30), LEAST_SHARE), 1.0 - LEAST_SHARE)
    return ti.select(near > 0.0, ti.select(far > 0.0, share, 0.0), 1.0)


@ti.func
def choose(scene: ti.template(), features: ti.template(), receiver: Receiver, u: ti.f32):
    """A light for a receiver, out of one uniform number, and its `near_importance` if there are lights far away."""
    result = Choice(-1, 0.0, 0.0)
    near = 0.0
    counts = scene.light_counts[None]
    all_far = _far_importances(scene, features, receiver)
    v = u
    far = ti.cast(ti.static(not features.near_lights), ti.u1)
    share = 1.0  # of the lights that v chooses among
    if ti.static(features.near_lights and not features.light_tree):
        result = Choice(0, 1.0, u)
    if ti.static(features.light_tree):
        index = 0
        for level in range(counts[2]):
            if not far:
                node = scene.light_levels[counts[2] - 1 - level] + index
                importances = _importances(scene, features, node, receiver)
                all_of_it = total(importances)
                if ti.static(features.far_lights):
                    if level == 0:
                        near = all_of_it
                        share = _far_share(all_of_it, all_far)
                        far = u < share
                        if not far:
                            v = (v - share) / (1.0 - share)
                            share = 1.0 - share
                        else:
                            v = v / share
                if not far:
                    v *= all_of_it
                    number, below = _lane_at(importances, v)
                    width = lane(importances, number)
                    v = smaller(larger((v - below) / larger(width, 1e-30), 0.0), 0.9999999)
                    share *= width / larger(all_of_it, 1e-30)
                    index = index * LIGHT_WIDTH + number
        if share > 0.0:
            result = Choice(index, share, v)
    if ti.static(features.far_lights):
        if far:
            v *= all_far
            below = 0.0
            for number in range(counts[1]):
                width = _far_importance(scene, features, receiver, number)
                if width > 0.0 and v >= below:
                    rest = smaller((v - below) / width, 0.9999999)
                    result = Choice(counts[0] + number, share * width / all_far, rest)
                below += width
    return result, near


@ti.func
def near_probability(scene: ti.template(), features: ti.template(), receiver: Receiver, light: ti.i32) -> ti.f32:
    """With which `choose` finds a light of the tree."""
    probability = 1.0
    if ti.static(features.light_tree):
        way = light
        levels = scene.light_counts[None][2]
        for level in range(levels):
            node = scene.light_levels[level] + way // LIGHT_WIDTH
            importances = _importances(scene, features, node, receiver)
            all_of_it = total(importances)
            probability *= lane(importances, way % LIGHT_WIDTH) / larger(all_of_it, 1e-30)
            if level == levels - 1:
                if ti.static(features.far_lights):
                    probability *= 1.0 - _far_share(all_of_it, _far_importances(scene, features, receiver))
            way //= LIGHT_WIDTH
    return probability


@ti.func
def near_importance(scene: ti.template(), features: ti.template(), receiver: Receiver) -> ti.f32:
    """Of all lights at definite places together; zero without a tree."""
    result = 0.0
    if ti.static(features.light_tree):
        root = scene.light_levels[scene.light_counts[None][2] - 1]
        result = total(_importances(scene, features, root, receiver))
    return result


@ti.func
def far_probability(
    scene: ti.template(), features: ti.template(), receiver: Receiver, near: ti.f32, light: ti.i32
) -> ti.f32:
    """With which `choose` finds a light infinitely far away, by its number among them, where those nearby together have
    the importance `near`."""
    far = _far_importances(scene, features, receiver)
    own = _far_importance(scene, features, receiver, light)
    return _far_share(near, far) * own / larger(far, 1e-30)
