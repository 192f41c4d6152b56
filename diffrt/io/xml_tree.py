"""XML as a plain tree. Document types and entities are refused: nothing expands, nothing outside is fetched."""

from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat

from diffrt.errors import InputError, Problem

MAX_DEPTH = 200


@dataclass
class XmlNode:
    """An element: its tag, attributes, children in order, and the line where it begins."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list["XmlNode"] = field(default_factory=list)


def parse_xml(data: bytes, name: str) -> XmlNode:
    """Parse a document.

    Args:
        data: the whole file.
        name: what the messages call it.

    Raises:
        InputError: not well-formed, nested deeper than 200 elements, or with a DOCTYPE or ENTITY.
    """
    parser = expat.ParserCreate()
    roots: list[XmlNode] = []
    open_nodes: list[XmlNode] = []

    def refuse(*_: Any) -> NoReturn:
        found = f"line {parser.CurrentLineNumber}: a DOCTYPE or ENTITY declaration"
        raise InputError(Problem(name, found, "plain XML without document type"))

    def start(tag: str, attributes: dict[str, str]) -> None:
        node = XmlNode(tag, attributes, parser.CurrentLineNumber)
        (open_nodes[-1].children if open_nodes else roots).append(node)
        open_nodes.append(node)
        if len(open_nodes) > MAX_DEPTH:
            raise InputError(Problem(name, f"line {node.line}: nested too deeply", f"at most {MAX_DEPTH} levels"))

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_nodes.pop() and None
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(Problem(name, f"line {error.lineno}: not XML: {expat.ErrorString(error.code)}")) from None
    except (ValueError, LookupError) as error:  # an unknown text encoding
        raise InputError(Problem(name, f"not XML: {error}")) from None
    return roots[0]
