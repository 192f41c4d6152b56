"""Names for what an importer finds: unique, and fit for parameter names such as `shapes.NAME.vertices`."""

import re

_UNFIT = re.compile(r"[^\w-]+")


class Names:
    """Hands out names that were not handed out before."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def free(self, wanted: str, default: str) -> str:
        """`wanted` with every run of other characters than letters, digits, `_`, `-` as one `_`, and numbered if taken.

        Args:
            wanted: any text, perhaps empty.
            default: used when nothing of `wanted` is left.
        """
        base = _UNFIT.sub("_", wanted).strip("_")[:100] or default
        name, number = base, 2
        while name in self._taken:
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        return name
