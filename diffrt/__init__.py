"""diffrt: a differentiable Monte Carlo path tracer on Taichi.

    import diffrt
    scene = diffrt.load("scene.json")
    image = diffrt.render(scene, spp=64)

The names below are the public interface. Taichi is imported by the first call that renders.
"""

from diffrt._taichi import init
from diffrt.errors import DiffrtError, InputError, Problem
from diffrt.fit.fit import fit
from diffrt.fit.fit_result import FitResult
from diffrt.gradient.backward import render_backward
from diffrt.gradient.budget import GradientVariance, gradient_variance
from diffrt.gradient.check import GradientCheck, gradcheck
from diffrt.gradient.forward import render_forward
from diffrt.log import DiffrtWarning
from diffrt.render.render import render, render_buffers
from diffrt.scene.elements import Camera
from diffrt.scene.parameters import Parameter
from diffrt.scene.scene import Scene

load = Scene.load

__version__ = "0.1.0"
__all__ = [
    "Camera",
    "DiffrtError",
    "DiffrtWarning",
    "FitResult",
    "GradientCheck",
    "GradientVariance",
    "InputError",
    "Parameter",
    "Problem",
    "Scene",
    "fit",
    "gradcheck",
    "gradient_variance",
    "init",
    "load",
    "render",
    "render_backward",
    "render_buffers",
    "render_forward",
]
