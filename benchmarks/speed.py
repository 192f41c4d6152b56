"""(a) to (c): paths per second against Mitsuba's."""

from dataclasses import dataclass, replace

from benchmarks.peers import NO_ROULETTE, Job, Peer, Timed
from benchmarks.report import Row, Section, Spread


@dataclass(frozen=True)
class Speed:
    """A picture to time in both programs."""

    point: str
    title: str
    job: Job
    spp: int
    target: float


SPEEDS = (
    Speed("a", "Cornell box", Job("cornell_box.json", 512, 6, NO_ROULETTE), 64, 1.0),
    Speed("b", "100k triangles under an environment", Job("procedural_surface.json", 512, 4, NO_ROULETTE), 32, 0.7),
    Speed("c", "Materials row", Job("materials_row.json"), 64, 0.8),
)


def in_turn(peers: list[Peer], spp: int, runs: int) -> list[list[Timed]]:
    """Pictures of the loaded scene by each of the programs, in turn, after one each for their compilers."""
    for peer in peers:
        peer.render(spp, 0)
    times: list[list[Timed]] = [[] for _ in peers]
    for run in range(runs):
        for peer, list_ in zip(peers, times, strict=True):
            list_.append(peer.render(spp, run + 1))
    return times


def measure(speed: Speed, diffrt: Peer, mitsuba: Peer, runs: int, quick: bool) -> Section:
    """Time one picture in both."""
    left_out = mitsuba.untranslatable(speed.job)
    job = replace(speed.job, without=left_out)
    spp = speed.spp
    if quick:
        job, spp = replace(job, width=64), 4
    width, height = diffrt.load(job)
    if mitsuba.load(job) != (width, height):
        raise RuntimeError("the two programs see films of different sizes")
    ours, theirs = in_turn([diffrt, mitsuba], spp, runs)
    wall = Spread.of([b.wall / a.wall for a, b in zip(ours, theirs, strict=True)])
    cpu = Spread.of([b.cpu / a.cpu for a, b in zip(ours, theirs, strict=True)])
    paths = width * height * spp / 1e6
    what = f"{speed.title}, {width}x{height}, {spp} spp: paths per second, diffrt / Mitsuba"
    section = Section(
        f"({speed.point}) {speed.title}",
        [
            Row(speed.point, what, str(wall), f">= {speed.target:.1f}", wall.median >= speed.target),
            Row(speed.point, "the same by processor time", str(cpu), "", None),
        ],
        _text(speed, left_out),
        ("", "seconds", "million paths per second", "processor seconds"),
    )
    for name, times in (("diffrt", ours), ("Mitsuba", theirs)):
        seconds = Spread.of([t.wall for t in times])
        processor = Spread.of([t.cpu for t in times])
        section.lines.append((name, str(seconds), f"{paths / seconds.median:.2f}", str(processor)))
    return section


def _text(speed: Speed, left_out: tuple[str, ...]) -> str:
    settings = speed.job.load().settings
    roulette = "no roulette" if settings.rr_depth >= NO_ROULETTE else f"roulette from segment {settings.rr_depth} on"
    text = (
        f"`scenes/{speed.job.file}`, max_depth {settings.max_depth}, {roulette}, from the call to the picture as an "
        "array, the scene loaded and the kernels compiled. Mitsuba renders the same triangles, materials and lights, "
        "with its default sampler (independent); diffrt with its own (lattice)."
    )
    if left_out:
        text += f" Left out, as Mitsuba has no such material: {', '.join(left_out)}."
    return text
