"""How a rendering runs: equal seeds, threads, pieces, time, interrupts, numbers that are none, memory."""

import itertools
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from parts import body, camera, cornell_box, quad, scene

from diffrt.device import lattice
from diffrt.errors import InputError
from diffrt.log import DiffrtWarning
from diffrt.render import launch
from diffrt.render.render import render, render_buffers, trace
from diffrt.render.rendering import BUFFERS
from diffrt.render.steps import STEP_BITS
from diffrt.scene.scene import Scene

ROOT = Path(__file__).parents[2]


def small(**more: object) -> Scene:
    return cornell_box(camera((0, 0, 4.5), fov=38, size=(20, 14)), **more)


def in_new_process(code: str, **environment: str) -> str:
    """What a program prints that finds the parts of these tests and a Taichi of its own."""
    head = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]\n"
    done = subprocess.run(
        [sys.executable, "-c", head + code], capture_output=True, text=True, timeout=300, cwd=ROOT,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def start_small(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    """Let launches start with `first` samples, to grow to 1024."""
    pieces = launch._Pieces
    monkeypatch.setattr(launch, "_Pieces", lambda pixels, spp: pieces(pixels, spp, size=first))
    monkeypatch.setattr(launch, "_LAUNCH_SECONDS", 1e-6)


# Equal seeds, equal pictures


@pytest.mark.parametrize("sampler", ["lattice", "sobol", "independent"])
def test_equal_seeds_give_equal_pictures(taichi: str, sampler: str) -> None:
    first, again = (render(small(sampler=sampler), spp=4, seed=7) for _ in range(2))
    other = render(small(sampler=sampler), spp=4, seed=8)
    assert np.array_equal(first, again)
    assert np.mean(np.any(first != other, axis=2)) > 0.5


@pytest.mark.parametrize("sampler", ["lattice", "sobol", "independent"])
def test_steps_have_pictures_of_their_own(taichi: str, sampler: str) -> None:
    """Other random numbers at every step, also of the next lattice, and with every seed; a picture alone has none."""
    wanted = [(7, None), (7, 0), (7, 1), (7, 2**STEP_BITS), (8, 1)]
    pictures = [render(small(sampler=sampler), spp=4, seed=seed, step=step) for seed, step in wanted]
    for first, other in itertools.combinations(pictures, 2):
        assert np.mean(np.any(first != other, axis=2)) > 0.5
    assert np.array_equal(pictures[2], render(small(sampler=sampler), spp=4, seed=7, step=1))
    assert np.array_equal(pictures[0], render(small(sampler=sampler), spp=4, seed=7))
    with pytest.raises(InputError, match="step"):
        render(small(sampler=sampler), step=-1)


def test_the_mean_of_steps_has_less_noise_than_that_of_seeds(taichi: str) -> None:
    """Of 16 steps anywhere in a loop: less than half of the variance, and no other expected picture."""
    scene, runs, steps = small(max_depth=3, sampler="lattice"), 24, 16

    def means(of_steps: bool) -> np.ndarray:
        places = [(run, k) for run in range(runs) for k in range(steps)]
        numbers = [(run, 3 + k) if of_steps else (1000 + run * steps + k, None) for run, k in places]
        pictures = [render(scene, spp=4, seed=seed, step=step) for seed, step in numbers]
        return np.array(pictures, dtype=np.float64).reshape(runs, steps, *pictures[0].shape).mean(axis=1)

    even, apart = means(True), means(False)
    variances = [found.var(axis=0, ddof=1) for found in (even, apart)]
    assert variances[0].mean() < 0.5 * variances[1].mean()
    of_means = [found.mean(axis=(1, 2, 3)) for found in (even, apart)]
    error = np.sqrt(sum(found.var(ddof=1) / runs for found in of_means))
    assert abs(of_means[0].mean() - of_means[1].mean()) < 4.0 * error


def test_a_picture_in_between_changes_nothing(taichi: str) -> None:
    """Fields are shared between scenes: nothing of another scene stays behind."""
    sky = {"type": "environment", "radiance": [1, 2, 3]}
    other = scene(camera(size=8), [body("ball", "sphere", subdivisions=3, emission=[1, 1, 1])], lights=[sky])
    first = render(small(), spp=2, seed=7)
    render(other, spp=2)
    assert np.array_equal(first, render(small(), spp=2, seed=7))


def test_threads_do_not_matter(taichi: str) -> None:
    code = """
import hashlib, diffrt
diffrt.init("cpu", threads={threads})
from test_runs import small
picture = diffrt.render_buffers(small(), ["radiance", "variance", "depth"], spp=8, seed=3)
print(*(hashlib.sha256(picture[name].tobytes()).hexdigest() for name in sorted(picture)))
"""
    one, two = (in_new_process(code.format(threads=n)).split() for n in (1, 2))
    assert len(one) == 3
    assert one == two


@pytest.mark.parametrize("first", [1, 37, 280, 1000])
def test_pieces_do_not_matter(taichi: str, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    """However launches cut pixels and samples: the same sums bit by bit."""
    names = ["radiance", "variance", "normal", "mask"]
    whole = render_buffers(small(), names, spp=9, seed=3)
    start_small(monkeypatch, first)
    shares: list[float] = []
    pieces = trace(small(), names, spp=9, seed=3, progress=lambda share, samples: shares.append(share))
    assert len(shares) > 1
    assert np.all(np.diff(shares) > 0) and shares[-1] == 1.0
    for name in names:
        assert np.array_equal(whole[name], pieces.images[name])


def test_more_samples_continue_the_sequence(taichi: str) -> None:
    """Sample k of a pixel does not depend on how many follow: means of one and two samples differ by the second."""
    one, two, three = (render(small(sampler="sobol"), spp=n, seed=3).astype(float) for n in (1, 2, 3))
    assert np.all(2 * two - one > -1e-4) and np.all(3 * three - 2 * two > -1e-4)


# Samplers


def lit_ball(sampler: str) -> Scene:
    """Smoothly lit, by a sky."""
    sky = {"type": "environment", "radiance": [0.4, 0.5, 0.6]}
    floor = quad("floor", "+y", (0, -1, 0), 3.0)
    ball = body("ball", "sphere", (0, -0.3, 0), 0.7, subdivisions=3)
    return scene(camera((0, 1, 4), size=24), [floor, ball], lights=[sky], max_depth=3, sampler=sampler)


def test_even_samples_beat_independent_ones(taichi: str) -> None:
    """Error against many samples, at 64 and at a number that is no power of two."""
    truth = np.mean([render(lit_ball("sobol"), spp=1024, seed=seed) for seed in range(4)], axis=0)

    def error(sampler: str, spp: int) -> float:
        pictures = [render(lit_ball(sampler), spp=spp, seed=10 + k) for k in range(4)]
        return float(np.sqrt(np.mean([(picture - truth) ** 2 for picture in pictures])))

    independent = error("independent", 64)
    assert error("sobol", 64) < 0.6 * independent
    assert error("lattice", 64) < 0.6 * independent
    assert error("lattice", 50) < 0.6 * independent
    assert error("lattice", 50) < error("sobol", 50)


def test_samplers_agree_in_the_mean(taichi: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over many seeds, with a lattice in one block and in several: no sampler is biased."""
    names = {"independent": 4096, "lattice": 4096, "blocks": 40}
    means, errors = {}, {}
    for name, longest in names.items():
        monkeypatch.setattr(lattice, "LONGEST", longest)
        sampler = "lattice" if name == "blocks" else name
        runs = np.array([render(lit_ball(sampler), spp=100, seed=50 + k).mean() for k in range(12)])
        means[name], errors[name] = runs.mean(), runs.std(ddof=1) / np.sqrt(len(runs))
    for name in ("lattice", "blocks"):
        assert abs(means[name] - means["independent"]) < 4 * np.hypot(errors[name], errors["independent"])
        assert errors[name] < errors["independent"]


def test_long_sums_keep_their_digits(taichi: str) -> None:
    """A constant sky at very many samples: the mean of equal numbers is that number."""
    sky = {"type": "environment", "radiance": [0.3, 0.7, 1.1]}
    nothing = scene(camera(size=4), [quad("floor", "+y", (0, -50, 0), 0.1)], lights=[sky], max_depth=1)
    picture = render(nothing, spp=1 << 17, seed=1)
    np.testing.assert_allclose(picture, np.broadcast_to([0.3, 0.7, 1.1], picture.shape), rtol=2e-5)


# Time and interrupts


def test_time_budget(taichi: str) -> None:
    built = small()
    render(built, spp=1)  # compiled
    result = trace(built, ["radiance", "variance"], spp=10**7, time_budget=0.5)
    assert not result.finished
    assert 0 < result.samples < 10**7
    assert result.seconds < 5.0
    reference = render(built, spp=4096, seed=99)
    assert result.images["radiance"].mean() == pytest.approx(reference.mean(), rel=0.05)
    enough = trace(built, spp=2, time_budget=60.0)
    assert enough.finished and enough.samples == 2


@pytest.mark.parametrize("after", [1, 5])
def test_interrupt_keeps_what_is_there(taichi: str, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    start_small(monkeypatch, 280 * 2 if after == 1 else 100)
    calls = []

    def interrupt(share: float, samples: int) -> None:
        calls.append((share, samples))
        if len(calls) == after:
            raise KeyboardInterrupt

    result = trace(small(), spp=64, seed=3, progress=interrupt, keep_on_interrupt=True)
    assert len(calls) == after
    assert not result.finished
    assert result.samples == calls[-1][1] < 64
    whole = render(small(), spp=result.samples, seed=3)
    if after == 1:
        assert np.array_equal(result.images["radiance"], whole)
    with pytest.raises(KeyboardInterrupt):
        calls.clear()
        trace(small(), spp=64, seed=3, progress=interrupt)


def test_ctrl_c_during_a_launch(taichi: str) -> None:
    """The signal comes while a kernel runs: what that kernel added is counted."""
    code = """
import os, signal, threading, numpy as np, diffrt
from diffrt.render.render import trace
from test_runs import small
diffrt.init("cpu")
built = small()
reference = diffrt.render(built, spp=2048, seed=9).mean()
threading.Timer(0.35, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
result = trace(built, spp=10**7, keep_on_interrupt=True)
assert not result.finished and 0 < result.samples < 10**7
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
print(result.images["radiance"].mean() / reference)
"""
    assert float(in_new_process(code)) == pytest.approx(1.0, abs=0.05)


# Numbers that are none


def assert_finite(images: dict[str, np.ndarray]) -> None:
    for name, image in images.items():
        assert np.isfinite(image).all(), name


def test_samples_that_are_no_numbers_are_dropped(taichi: str) -> None:
    """A lamp near the largest number: light samples of it overflow."""
    lamp = quad("lamp", "-y", (0, 1, 0), 5, emission=[3e38, 3e38, 3e38])
    floor = quad("floor", "+y", (0, -1, 0), 2, material={"type": "diffuse", "albedo": 1.0})
    built = scene(camera((0, 0.5, 4), size=16), [floor, lamp])
    with pytest.warns(DiffrtWarning, match=r"\d+ samples were not finite"):
        result = trace(built, ["radiance", "variance"], spp=16)
    assert result.dropped > 0
    assert_finite(result.images)


@pytest.mark.parametrize("emission", [1e15, 1e25, 3e37])
def test_sums_and_squares_may_overflow(taichi: str, emission: float) -> None:
    """Every sample is a number, their squares or their sum are not."""
    built = scene(camera(size=8), [quad("lamp", scale=0.5, emission=[emission] * 3)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiffrtWarning)
        result = trace(built, list(BUFFERS), spp=64)
    assert_finite(result.images)
    assert result.images["radiance"].max() > 0.4 * emission


def test_a_texture_with_infinity(taichi: str) -> None:
    """Not even a value that no checked scene can hold."""
    sheet = quad("sheet", material={"type": "diffuse", "albedo": {"texture": "t"}})
    data = np.full((4, 4, 3), 0.5, np.float32)
    built = scene(
        camera((0, 0, 2), size=8), [sheet], lights=[{"type": "environment", "radiance": [1, 1, 1]}],
        textures={"t": {"data": data, "filter": "nearest"}},
    )  # fmt: skip
    clean = render(built, spp=16)
    broken = data.copy()
    broken[1, 2] = np.inf
    broken[2, 1] = np.nan
    built.textures["t"].data = broken
    built.touch()
    with pytest.warns(DiffrtWarning, match="not finite"):
        result = trace(built, list(BUFFERS), spp=16)
    assert_finite(result.images)
    assert 0 < result.dropped <= 16 * 64
    changed = np.any(result.images["radiance"] != clean, axis=2)
    assert 0 < changed.sum() < 20  # texels of two in sixteen


# Memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_samples(taichi: str) -> None:
    code = """
import gc, diffrt
from test_runs import small
diffrt.init("cpu")
built = small()
def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096
for _ in range(3):
    diffrt.render_buffers(built, ["radiance", "depth"], spp=16)
before = resident()
diffrt.render_buffers(built, ["radiance", "depth"], spp=4096)
for seed in range(20):
    diffrt.render(built, spp=1, seed=seed)
print(resident() - before)
"""
    assert int(in_new_process(code)) < 4 * 2**20
