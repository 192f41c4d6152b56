"""Reading whole files, writing them atomically, and following the file names found inside files."""

import os
import uuid
from pathlib import Path, PureWindowsPath

from diffrt.errors import InputError, Problem


def read_bytes(path: Path, *, field: str = "file") -> bytes:
    """The content of a file.

    Raises:
        InputError: it does not exist, is a folder, or may not be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(Problem(field, f"no such file: {path}")) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(Problem(field, f"cannot read {path}: {reason}")) from None
    except ValueError:
        raise InputError(Problem(field, f"not a file name: {str(path)!r}")) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the whole new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(content)
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())  # else a power cut may leave the new name without the content
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def inside(folder: Path, name: str, *, field: str) -> Path:
    """The file `name` of `folder`, for names that come from a file somebody else may have written.

    Raises:
        InputError: `name` is absolute, has a drive or a scheme, or leaves the folder through `..` or a link.
    """
    allowed = f"a relative name that stays in {folder}"
    if "\0" in name or not name or "://" in name:
        raise InputError(Problem(field, f"{name!r} is not the name of a file", allowed))
    foreign = PureWindowsPath(name)
    if name.startswith(("/", "\\")) or foreign.drive or foreign.root:
        raise InputError(Problem(field, f"{name!r} is an absolute path", allowed))
    base = folder.resolve()
    target = (base / name).resolve()
    if not target.is_relative_to(base):
        raise InputError(Problem(field, f"{name!r} leaves the folder of the file", allowed))
    return target
