"""Images of the example scenes, computed: a sky, floor tiles with their bumps, a leaf, a stained-glass window."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffrt.io.images import write_image

Floats = NDArray[np.float64]


def smooth_noise(rows: Floats, columns: Floats, seed: int, cells: int) -> Floats:
    """Value noise in [0,1] that repeats every unit square, smooth between cells x cells random values."""
    lattice = np.random.default_rng(seed).random((cells, cells))
    y, x = rows * cells, columns * cells
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    fy, fx = y - i, x - j
    fy, fx = fy * fy * (3 - 2 * fy), fx * fx * (3 - 2 * fx)
    i, j, below, right = i % cells, j % cells, (i + 1) % cells, (j + 1) % cells
    upper = lattice[i, j] * (1 - fx) + lattice[i, right] * fx
    lower = lattice[below, j] * (1 - fx) + lattice[below, right] * fx
    return upper * (1 - fy) + lower * fy


def layered_noise(rows: Floats, columns: Floats, seed: int, cells: int, octaves: int) -> Floats:
    """Octaves of `smooth_noise`, each finer and half as strong, in [0,1]."""
    layers = [smooth_noise(rows, columns, seed + k, cells << k) * 0.5**k for k in range(octaves)]
    return np.sum(layers, axis=0) / np.sum(0.5 ** np.arange(octaves))


def pixel_grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Centres of pixels in the unit square: (row, column) arrays (H,W), row 0 at the top."""
    rows, columns = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    return rows, columns


def ramp(low: float, high: float, x: Floats) -> Floats:
    """0 below `low`, 1 above `high`, smooth in between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def sky(height: int = 128) -> Floats:
    """Radiance (H,2H,3) of a clear afternoon: a low warm sun to the left, thin clouds, a dull ground."""
    rows, columns = pixel_grid(height, 2 * height)
    theta, phi = np.pi * rows, 2 * np.pi * (columns - 0.5)
    up = np.cos(theta)
    direction = np.stack([np.sin(theta) * np.sin(phi), up, -np.sin(theta) * np.cos(phi)], axis=-1)
    sun = np.array([-0.66, 0.6, 0.46])
    towards = np.clip(direction @ (sun / np.linalg.norm(sun)), -1, 1)
    away = np.arccos(towards)
    blue, pale = np.array([0.16, 0.32, 0.75]), np.array([0.75, 0.8, 0.85])
    height_share = np.clip(up, 0, 1)[..., None] ** 0.5
    air = pale * (1 - height_share) + blue * height_share
    warm = np.array([1.0, 0.62, 0.3])
    air = air + 0.9 * np.exp(-3.5 * away)[..., None] * warm
    clouds = ramp(0.5, 0.8, layered_noise(rows * 0.9, columns, 7, 8, 4)) * ramp(0.03, 0.25, up)
    air = air * (1 - 0.55 * clouds[..., None]) + 0.8 * clouds[..., None]
    ground = np.array([0.13, 0.11, 0.09]) * (0.75 + 0.5 * layered_noise(rows, columns, 21, 16, 3))[..., None]
    share = ramp(-0.02, 0.02, up)[..., None]
    glow = 260.0 * np.exp(-((away / np.deg2rad(2.6)) ** 2))[..., None] * np.array([1.0, 0.86, 0.66])
    return ground * (1 - share) + (air + glow) * share


def tiles(size: int = 256) -> dict[str, Floats]:
    """Colour (sRGB), height and roughness of four by four worn tiles, repeating."""
    rows, columns = pixel_grid(size, size)
    y, x = rows * 4, columns * 4
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    border = np.minimum.reduce([y - i, i + 1 - y, x - j, j + 1 - x])
    grain = layered_noise(rows, columns, 3, 16, 4)
    tile = ramp(0.03, 0.1, border + 0.03 * (grain - 0.5))
    random = np.random.default_rng(11).random((4, 4))[i % 4, j % 4]
    dark = ((i + j) % 2)[..., None]
    stone = np.where(dark, np.array([0.23, 0.31, 0.36]), np.array([0.8, 0.72, 0.6]))
    stone = stone * (0.82 + 0.25 * random + 0.3 * (grain - 0.5))[..., None]
    joint = np.array([0.36, 0.33, 0.3]) * (0.8 + 0.4 * grain)[..., None]
    colour = np.round(np.clip(joint * (1 - tile[..., None]) + stone * tile[..., None], 0, 1) * 63) / 63
    wear = layered_noise(rows, columns, 30, 8, 3)
    height = tile * (1 + 0.35 * (wear - 0.5) + 0.25 * (random - 0.5) * (x - j - 0.5)) + 0.05 * grain
    return {"colour": colour, "height": height, "roughness": np.round((0.75 - tile * (0.5 - 0.35 * wear)) * 63) / 63}


def normal_map(height: Floats, depth: float) -> Floats:
    """Tangent-space normals as colours of a repeating height field; `depth` is its height in texture widths."""
    scale = depth * height.shape[1]
    across = 0.5 * (np.roll(height, -1, axis=1) - np.roll(height, 1, axis=1)) * scale
    down = 0.5 * (np.roll(height, -1, axis=0) - np.roll(height, 1, axis=0)) * scale
    normal = np.stack([-across, down, np.ones_like(height)], axis=-1)
    return 0.5 + 0.5 * normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def leaf(size: int = 160) -> tuple[Floats, Floats]:
    """Colour (sRGB) and opacity of a lobed leaf, its stalk at the bottom."""
    rows, columns = pixel_grid(size, size)
    x, y = 2 * columns - 1, 1 - 2 * rows
    angle = np.arctan2(x, y + 0.35)
    radius = np.hypot(x, y + 0.35)
    lobes = 0.5 + 0.5 * np.cos(5 * angle)
    reach = 1.1 * (0.32 + 0.68 * lobes**0.8) * (1 - 0.34 * np.abs(angle / np.pi) ** 1.5)
    reach = reach * (1 - 0.07 * np.abs(np.sin(19 * angle)))
    inside = ramp(-0.015, 0.015, reach * (np.abs(angle) < 2.3) - radius)
    stalk = ramp(-0.01, 0.01, 0.028 - np.abs(x - 0.06 * (y + 0.35))) * (y < -0.2) * (y > -0.97)
    vein = np.exp(-((np.sin(2.5 * angle) * radius / 0.022) ** 2)) * (radius < reach)
    mottle = layered_noise(rows, columns, 40, 5, 4)[..., None]
    colour = np.array([0.78, 0.33, 0.08]) * (1 - mottle) + np.array([0.85, 0.62, 0.14]) * mottle
    colour = colour * (1 - 0.4 * vein[..., None])
    return np.round(colour * 63) / 63, np.maximum(inside, stalk)


def window(size: int = 128) -> Floats:
    """A round window of coloured glass with lead between the panes, linear radiance."""
    rows, columns = pixel_grid(size, size)
    x, y = 2 * columns - 1, 1 - 2 * rows
    radius, angle = np.hypot(x, y), np.arctan2(x, y) / (2 * np.pi)
    rings = np.array([0.0, 0.16, 0.42, 0.7, 0.97])
    panes = np.array([1, 6, 12, 12])
    ring = np.clip(np.searchsorted(rings, radius, side="right") - 1, 0, 3)
    sector = angle * panes[ring] + np.array([0, 0.5, 0, 0.5])[ring]
    pane = np.floor(sector).astype(int) % panes[ring]
    palette = np.array([[8, 4.6, 0.4], [7, 0.2, 0.1], [0.1, 0.8, 7], [0.3, 4, 0.5], [7, 2, 0.15]])
    number = np.choose(ring, [0 * pane, 1 + pane % 2, pane % 3 * 2 % 5, 2 + pane % 3])
    glass = palette[number]
    to_ring = np.abs(radius[..., None] - rings[1:]).min(axis=-1)
    to_side = np.abs(sector - np.round(sector)) / panes[ring] * 2 * np.pi * radius
    lead = np.minimum(to_ring, np.where(ring == 0, 1.0, to_side))
    return glass * (ramp(0.01, 0.03, lead) * (radius < 0.97))[..., None]


def make_images(folder: Path) -> None:
    """Write every image."""
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / "sky.hdr", sky())
    floor = tiles()
    write_image(folder / "tiles.png", floor["colour"], encoding="srgb")
    write_image(folder / "tiles_normal.png", normal_map(floor["height"], 0.018), encoding="srgb")
    write_image(folder / "tiles_roughness.png", floor["roughness"], encoding="srgb")
    colour, opacity = leaf()
    write_image(folder / "leaf.png", colour, encoding="srgb")
    write_image(folder / "leaf_opacity.png", opacity, encoding="srgb")
    write_image(folder / "window.hdr", window())
