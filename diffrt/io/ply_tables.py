"""The tables inside a PLY file: elements of scalar and list properties, ascii and binary.

An ascii body becomes a binary one whose numbers are all doubles, so that one reader serves both.
"""

import struct
import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem

Column = NDArray[np.generic]

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "double": "f8", "float32": "f4", "float64": "f8"},
}
_BYTE_ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}
_MAX_HEADER = 1 << 20


@dataclass
class _Property:
    name: str
    type: str  # NumPy type of the value, or of the items of a list
    count_type: str | None = None  # NumPy type of the item count of a list


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


@dataclass
class List:
    """A list property: rows of items, each row as long as it likes."""

    counts: NDArray[np.int64]  # (rows,) items of each row
    items: Column  # all items, row after row


Table = dict[str, Column | List]


def read_tables(data: bytes, name: str) -> dict[str, Table]:
    """Every element of a PLY file: name -> property -> column (rows,), or `List` for a list property.

    Args:
        data: the whole file.
        name: what the messages call it.

    Raises:
        InputError: not a PLY file, cut short, or a header whose counts are larger than the file.
    """
    elements, is_ascii, start = _header(data, name)
    body = memoryview(data)[start:]
    if is_ascii:
        body = memoryview(_numbers(data[start:], name).tobytes())
        for element in elements:
            for prop in element.properties:
                prop.type, prop.count_type = "<f8", "<f8" if prop.count_type else None
    tables: dict[str, Table] = {}
    offset = 0
    for element in elements:
        tables[element.name], offset = _read_element(body, offset, element, name)
    return tables


def _header(data: bytes, name: str) -> tuple[list[_Element], bool, int]:
    end = data.find(b"end_header", 0, _MAX_HEADER)
    if not data.startswith(b"ply") or end < 0:
        raise InputError(Problem(name, "not a PLY file: it must begin with 'ply' and have an 'end_header' line"))
    newline = data.find(b"\n", end)
    if newline < 0:
        newline = data.find(b"\r", end)
    start = newline + 1 if newline >= 0 else len(data)
    elements: list[_Element] = []
    format_name = ""
    for line in data[3:end].decode("latin-1").replace("\r", "\n").split("\n"):
        words = line.split()
        try:
            match words[:1]:
                case ["format"]:
                    format_name = words[1]
                case ["element"]:
                    elements.append(_Element(words[1], int(words[2])))
                    if elements[-1].count < 0:
                        raise ValueError
                case ["property"] if words[1] == "list":
                    count_type, item_type = _TYPES[words[2]], _TYPES[words[3]]
                    elements[-1].properties.append(_Property(words[4], item_type, count_type))
                case ["property"]:
                    elements[-1].properties.append(_Property(words[2], _TYPES[words[1]]))
                case [] | ["comment"] | ["obj_info"]:
                    pass
                case _:
                    raise ValueError
        except (IndexError, ValueError, KeyError):
            raise InputError(Problem(name, f"header line {line.strip()!r} is not PLY")) from None
    if format_name not in _BYTE_ORDERS:
        raise InputError(Problem(name, f"PLY format {format_name!r}", ", ".join(_BYTE_ORDERS)))
    order = _BYTE_ORDERS[format_name]
    for element in elements:
        names = [prop.name for prop in element.properties]
        if len(set(names)) < len(names):
            raise InputError(Problem(name, f"element {element.name} has two properties of the same name"))
        for prop in element.properties:
            prop.type = order + prop.type
            prop.count_type = order + prop.count_type if prop.count_type else None
    return elements, format_name == "ascii", start


def _numbers(text: bytes, name: str) -> NDArray[np.float64]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(text, dtype=np.float64, sep=" ") if text.strip() else np.zeros(0)
    except (ValueError, DeprecationWarning):
        raise InputError(Problem(name, "the ascii body holds something that is not a number")) from None


def _read_element(body: memoryview, offset: int, element: _Element, name: str) -> tuple[Table, int]:
    """All rows of an element by property name, and where the next element begins."""
    least = sum(np.dtype(prop.count_type or prop.type).itemsize for prop in element.properties)
    if element.count * least > len(body) - offset:
        found = f"the file is cut short, or its header is wrong: {element.count} rows of '{element.name}' do not fit"
        raise InputError(Problem(name, found))
    if element.count == 0 or not element.properties:
        return {prop.name: np.zeros(0) for prop in element.properties}, offset
    rows = _equal_rows(body, offset, element)
    if rows is not None:
        table: Table = {}
        for prop in element.properties:
            column = rows[prop.name]
            if prop.count_type is None:
                table[prop.name] = column
            else:
                table[prop.name] = List(np.full(element.count, column.shape[1]), column.reshape(-1))
        return table, offset + rows.nbytes
    return _unequal_rows(body, offset, element, name)


def _equal_rows(body: memoryview, offset: int, element: _Element) -> NDArray[np.void] | None:
    """Every row as a structured array, when all lists are as long as in the first row; else None."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = []
    lengths: dict[str, int] = {}
    position = offset
    for prop in element.properties:
        if prop.count_type is None:
            fields.append((prop.name, prop.type))
            position += np.dtype(prop.type).itemsize
            continue
        if position + np.dtype(prop.count_type).itemsize > len(body):
            return None
        length = float(np.frombuffer(body, prop.count_type, 1, position)[0])
        if not 0 <= length <= len(body) or length != int(length):
            return None
        count_name = f"{prop.name} count"  # a space: no property can have this name
        lengths[count_name] = int(length)
        fields += [(count_name, prop.count_type), (prop.name, prop.type, (int(length),))]
        position += np.dtype(prop.count_type).itemsize + int(length) * np.dtype(prop.type).itemsize
    dtype = np.dtype(fields)
    if element.count * dtype.itemsize > len(body) - offset:
        return None
    rows = np.frombuffer(body, dtype, element.count, offset)
    if all((rows[count_name] == length).all() for count_name, length in lengths.items()):
        return rows
    return None


def _unequal_rows(body: memoryview, offset: int, element: _Element, name: str) -> tuple[Table, int]:
    """Rows whose lists differ in length: walk the counts, then gather each property's bytes at once."""
    starts = np.empty((len(element.properties), element.count), dtype=np.int64)
    counts = np.ones((len(element.properties), element.count), dtype=np.int64)
    sizes = [np.dtype(prop.type).itemsize for prop in element.properties]
    count_formats = [_count_format(prop) for prop in element.properties]
    for row in range(element.count):
        for column, (count_format, size) in enumerate(zip(count_formats, sizes, strict=True)):
            items = 1
            if count_format is not None:
                if offset + count_format.size > len(body):
                    raise InputError(Problem(name, f"the file is cut short in row {row} of '{element.name}'"))
                number = count_format.unpack_from(body, offset)[0]
                if not 0 <= number <= len(body) or number != int(number):
                    found = f"row {row} of '{element.name}' has a list of length {number:g}"
                    raise InputError(Problem(name, found, "a count of items that fit in the file"))
                counts[column, row] = items = int(number)
                offset += count_format.size
            starts[column, row] = offset
            offset += items * size
            if offset > len(body):
                raise InputError(Problem(name, f"the file is cut short in row {row} of '{element.name}'"))
    raw = np.frombuffer(body, np.uint8)
    table: Table = {}
    for column, prop in enumerate(element.properties):
        size, total = sizes[column], counts[column]
        within = np.arange(int(total.sum())) - np.repeat(np.cumsum(total) - total, total)
        at = np.repeat(starts[column], total) + within * size
        values = raw[at[:, None] + np.arange(size)].view(prop.type).reshape(-1)
        table[prop.name] = values if prop.count_type is None else List(total, values)
    return table, offset


def _count_format(prop: _Property) -> struct.Struct | None:
    return struct.Struct(prop.count_type[0] + np.dtype(prop.count_type).char) if prop.count_type else None
