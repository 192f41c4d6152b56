"""What the figures were measured on and with, and the shared libraries that Mitsuba needs. No names, no paths."""

import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path

LLVM_VARIABLE = "DRJIT_LIBLLVM_PATH"
LLVM_HINT = (
    "Mitsuba's llvm_ad_rgb needs LLVM's shared library: install it (Debian, Ubuntu: apt install libllvm19; "
    f"macOS: brew install llvm), or set {LLVM_VARIABLE} to its file."
)
_LLVM_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
                 "/usr/lib/llvm-19/lib", "/opt/homebrew/opt/llvm/lib", "/usr/local/opt/llvm/lib")  # fmt: skip


def find_llvm() -> str | None:
    """LLVM's shared library: what the environment variable says, else version 19, else the newest, else None."""
    named = os.environ.get(LLVM_VARIABLE)
    if named:
        return named
    found = []
    for folder in map(Path, _LLVM_FOLDERS):
        for file in (*folder.glob("libLLVM*.so*"), *folder.glob("libLLVM*.dylib")):
            version = re.search(r"(\d+)", file.name.removeprefix("libLLVM"))
            if version:
                number = int(version.group(1))
                found.append((number == 19, number, str(file)))
    return max(found)[2] if found else None


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def mitsuba_installed() -> bool:
    """Whether the extra `peers` is there."""
    return _version("mitsuba") != "not installed"


def description() -> dict[str, str]:
    """The machine and the versions, by what they are."""
    result = {
        "Processor": f"{_processor()}, {cores()} cores used",
        "Memory": _memory(),
        "System": _system(),
        "Python": platform.python_version(),
    }
    for name in ("diffrt", "taichi", "numpy", "mitsuba", "drjit"):
        result[name] = _version(name)
    llvm = find_llvm()
    result["LLVM of Mitsuba"] = Path(llvm).name if llvm else "not found"
    return result


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        pass
    if package == "diffrt":
        import diffrt

        return str(diffrt.__version__)
    return "not installed"


def _processor() -> str:
    if sys.platform == "linux":
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        names = re.findall(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        if names:
            flags = set(re.findall(r"\b(?:avx512f|avx2)\b", text))
            vector = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")
            return str(names[0]).strip() + (f" ({vector})" if vector else "")
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{total / 2**30:.0f} GiB"


def _system() -> str:
    if sys.platform == "linux":
        try:
            name = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
        except OSError:
            name = "Linux"
        return f"{name}, {platform.machine()}"
    return f"{platform.system()} {platform.release()}, {platform.machine()}"
