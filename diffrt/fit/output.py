"""What a run writes into its folder: history.jsonl, fitted.json, views.json, pictures, scores."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem
from diffrt.fit.evaluate import SCORE, response_of, seed_of
from diffrt.fit.prepare import FitSetup
from diffrt.fit.response import respond
from diffrt.fit.views import Target, View
from diffrt.io.compare import compare
from diffrt.io.images import write_image
from diffrt.io.pixels import save
from diffrt.render.render import trace
from diffrt.scene.save import camera_description, format_json

Row = dict[str, Any]
HISTORY, FITTED, VIEWS = "history.jsonl", "fitted.json", "views.json"
SCORE_SAMPLES = 64


class History:
    """The rows of a run, and their file: a JSON object on a line for each iteration.

    Args:
        folder: where the file goes; None keeps the rows in memory only.
        first: the next iteration; rows from there on, of a run that was killed, are dropped.
    """

    def __init__(self, folder: Path | None, first: int) -> None:
        self.path = None if folder is None else folder / HISTORY
        self.rows: list[Row] = [row for row in self._read() if row["iteration"] < first] if first else []
        if self.path is not None:
            save(self.path, "".join(_line(row) for row in self.rows).encode(), field="output")

    def _read(self) -> list[Row]:
        if self.path is None or not self.path.is_file():
            return []
        rows = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break  # a line that a kill cut off; the run makes it again
        return rows

    def add(self, row: Row) -> None:
        """Append a row.

        Raises:
            InputError: the file cannot be written to.
        """
        self.rows.append(row)
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(row))
        except OSError as error:
            raise InputError(Problem("output", f"cannot write {self.path}: {error.strerror or error}")) from None


def _line(row: Row) -> str:
    return json.dumps(_jsonable(row)) + "\n"


def _jsonable(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def picture_of(setup: FitSetup, view: View, spp: int = SCORE_SAMPLES) -> NDArray[np.float64]:
    """What the view's camera records of the scene as it is now, (H, W, 3), at the finest stage's resolution."""
    height, width = view.size(setup.finest)
    camera = setup.scene.cameras[view.camera].resized(width, height)
    number = setup.views.index(view)
    seed = seed_of(setup.problem.seed, SCORE, number)
    image = trace(setup.scene, spp=spp, seed=seed, camera=camera)
    return respond(image.images["radiance"].astype(np.float64), response_of(setup, view))[0]


def scores_of(target: Target, picture: NDArray[np.float64]) -> dict[str, float]:
    """PSNR, SSIM, and FLIP where it is installed, of a picture against a target of its size.

    With a mask the PSNR is that of the pixels inside; for the others all is black outside.
    """
    inside = target.weight[..., None] > 0.0
    result = compare(np.where(inside, picture, 0.0), np.where(inside, target.color, 0.0))
    share = float(inside.mean())  # pixels outside are equal: they must not count among those that differ
    scores = {"psnr": result.psnr + 10.0 * float(np.log10(share)), "ssim": result.ssim}
    return scores if result.flip is None else scores | {"flip": result.flip}


def write_pictures(folder: Path, setup: FitSetup, pictures: dict[str, NDArray[np.float64]], ending: str) -> None:
    """renders/NAME_ENDING.png of every view."""
    for view in setup.views:
        file = quote(view.name, safe=" ()+,;=@")  # a name may hold what must not stand in that of a file
        write_image(folder / "renders" / f"{file}_{ending}.png", pictures[view.name])


def view_descriptions(setup: FitSetup, scores: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """For each view its camera as in a scene file, its camera response if that is fitted, and its scores."""
    result = []
    for view in setup.views:
        response = response_of(setup, view)
        item: dict[str, Any] = {"name": view.name, "holdout": view.holdout}
        item["camera"] = camera_description(setup.scene.cameras[view.camera])
        if not response.at_rest:
            item["camera_response"] = {name: np.asarray(value).tolist() for name, value in vars(response).items()}
        result.append(item | scores.get(view.name, {}))
    return result


def write_result(folder: Path, setup: FitSetup, views: Sequence[dict[str, Any]]) -> None:
    """fitted.json with what it needs, and views.json.

    Raises:
        InputError: the folder cannot be written to.
    """
    setup.result_scene().save(folder / FITTED)
    save(folder / VIEWS, (format_json(_jsonable(list(views))) + "\n").encode(), field="output")
