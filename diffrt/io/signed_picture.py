"""Pictures of signed numbers with the scale of their colours: blue is negative, white zero, red positive."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffrt.io.color import signed_colors, signed_limit

_GAP = 8
_BAR = 12
_LETTERS = 64
_LEAST_HEIGHT = 96
_INK = (40, 40, 40)


def signed_picture(images: ArrayLike | Mapping[str, ArrayLike], *, limit: float | None = None) -> NDArray[np.float32]:
    """Colours of a signed image, or of several side by side with their names above, and a bar that tells the scale.

    Args:
        images: (H, W) or (H, W, C), of which the mean over the channels is shown; those of a mapping have one size. All
            share one scale.
        limit: the absolute value that gets the full colour; None: `signed_limit` of the first.

    Returns:
        (H', W', 3), sRGB-encoded values in 0..1, ready for a PNG (`encoding="srgb"` of `write_image`).
    """
    from PIL import Image, ImageDraw

    named = images if isinstance(images, Mapping) else {"": images}
    arrays = {name: np.asarray(image) for name, image in named.items()}
    limit = limit or signed_limit(next(iter(arrays.values())))
    height, width = next(iter(arrays.values())).shape[:2]
    top = 16 if any(arrays) else 0
    canvas = Image.new(
        "RGB",
        (len(arrays) * (width + _GAP) + _BAR + _LETTERS, top + max(height, _LEAST_HEIGHT)),
        "white",
    )
    draw = ImageDraw.Draw(canvas)

    def paste(values: NDArray[np.floating], left: int) -> None:
        colors = np.round(255.0 * signed_colors(values, limit=limit)).astype(np.uint8)
        canvas.paste(Image.fromarray(colors), (left, top))

    for number, (name, array) in enumerate(arrays.items()):
        left = number * (width + _GAP)
        paste(array, left)
        draw.text((left, 2), name, fill=_INK)
    left = len(arrays) * (width + _GAP)
    bar = canvas.height - top
    paste(np.repeat(np.linspace(limit, -limit, bar)[:, None], _BAR, axis=1), left)
    for share in (1.0, 0.5, 0.0, -0.5, -1.0):
        y = top + 0.5 * (1.0 - share) * (bar - 1)
        draw.line([(left + _BAR, y), (left + _BAR + 3, y)], fill=_INK)
        at = min(max(y - 6, top), canvas.height - 13)
        draw.text((left + _BAR + 6, at), f"{share * limit:+.2g}" if share else "0", fill=_INK)
    return np.asarray(canvas, dtype=np.float32) / 255.0
