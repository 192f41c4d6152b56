"""Views from a file of poses."""

import json
from pathlib import Path

import numpy as np
import pytest

from diffrt.fit.prepare import prepare
from diffrt.io.images import write_image


@pytest.mark.parametrize("relative", [True, False])
def test_pictures_lie_beside_their_poses(relative: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the problem lies: its folder, the working directory and the folder of the pictures are three."""
    folder = tmp_path / "problems"
    frames = []
    for number in range(3):
        write_image(folder / "capture" / f"p{number}.png", np.full((8, 12, 3), 0.1 * (number + 1)))
        pose = np.eye(4)
        pose[2, 3] = 4.0 + number
        frames.append({"file_path": f"p{number}.png", "transform_matrix": pose.tolist()})
    lens = {"w": 12, "h": 8, "fl_x": 10.0, "k1": 0.1}
    (folder / "capture" / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    problem = {
        "scene": {"shapes": [{"name": "ball", "type": "sphere"}]},
        "views_from": {"transforms": "capture/transforms.json", "holdout_every": 3},
        "parameters": {"shapes.ball.vertices": {"learning_rate": 0.01}},
    }
    monkeypatch.chdir(tmp_path)
    setup = prepare(problem, Path("problems") if relative else folder)
    assert [view.name for view in setup.views] == ["p0", "p1", "p2"]
    assert [view.holdout for view in setup.views] == [False, False, True]
    for number, view in enumerate(setup.views):
        np.testing.assert_allclose(view.photo.color, 0.1 * (number + 1), atol=0.003)
        camera = setup.scene.cameras[view.camera]
        assert camera.to_world[2, 3] == 4.0 + number and camera.distortion[0] == 0.1
