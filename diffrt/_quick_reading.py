"""Spares Taichi 1.7 work while it reads kernels: what it repeats, and what it writes down in a roundabout way.

The time that Taichi's own passes take grows with the square of what is written down, and every kernel is read again by
every process.
"""

import ast
import functools
import inspect
import linecache
import operator
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_COMPARISONS = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip


def install() -> None:
    """To be called before the first kernel is read."""
    _skip_what_errors_would_show()
    _note_places_of_statements()
    _find_sources_once()
    _compare_directly()
    _assign_directly()
    _add_up_directly()
    _spread_once()


def _note_places_of_statements() -> None:
    """Where a kernel's parts stand in its file is noted statement by statement, and not for each part of one."""
    from taichi.lang.ast import ast_transformer_utils

    builder: Any = ast_transformer_utils.Builder
    original = builder.__call__
    methods: dict[type, Any] = {}

    class Failed:
        """Stands in for a builder: Taichi tells of the error as if it had met it."""

        def __init__(self, error: Exception) -> None:
            self.error = error

        def __getattr__(self, name: str) -> Any:
            def fail(*_: Any) -> None:
                raise self.error

            return fail

    def build(self: Any, context: Any, node: Any) -> Any:
        if not isinstance(node, ast.expr):
            return original(self, context, node)
        kind = type(node)
        if kind not in methods:
            methods[kind] = getattr(self, f"build_{kind.__name__}", None)
        method = methods[kind]
        if method is None:
            return original(self, context, node)
        try:
            return method(context, node)
        except Exception as error:
            return original(Failed(error), context, node)

    builder.__call__ = build


def _compare_directly() -> None:
    """`a < b` is written down as that, and not as `True and a < b` with the branch that `and` takes."""
    from taichi.lang import expr
    from taichi.lang.ast import ast_transformer

    transformer: Any = ast_transformer.ASTTransformer
    original, build = transformer.build_Compare, ast_transformer.build_stmt

    def build_compare(context: Any, node: Any) -> Any:
        compare = _COMPARISONS.get(type(node.ops[0]))
        if len(node.ops) == 1 and compare is not None and not context.is_in_static_scope():
            left, right = build(context, node.left), build(context, node.comparators[0])
            result = compare(left, right)
            if isinstance(result, expr.Expr):
                node.ptr = result
                return result
        return original(context, node)

    transformer.build_Compare = staticmethod(build_compare)


def _assign_directly() -> None:
    """A new variable takes the place of the one that holds the assigned value, and what is there already takes the
    value at once."""
    from taichi.lang import expr, impl
    from taichi.lang.ast import ast_transformer
    from taichi.lang.struct import Struct

    transformer: Any = ast_transformer.ASTTransformer
    original, build = transformer.build_Assign, ast_transformer.build_stmt

    def keep(context: Any, target: Any, value: Any, copied: bool) -> None:
        named = isinstance(target, ast.Name)
        if named and not context.is_var_declared(target.id) and target.id not in context.kernel_args:
            context.create_variable(target.id, value if copied else impl.expr_init(value))
            return
        if not copied and isinstance(value, Struct):  # its members are assigned one by one
            value = impl.expr_init(value)
        transformer.build_assign_basic(context, target, value, False)

    def build_assign(context: Any, node: Any) -> Any:
        target, several = node.targets[0], isinstance(node.targets[0], ast.Tuple)
        if len(node.targets) > 1:
            return original(context, node)
        build(context, node.value)
        value, source = node.value.ptr, node.value
        is_static = hasattr(source, "func") and source.func.ptr is impl.static
        values = value if several and isinstance(value, tuple) else (value,)
        targets = target.elts if several else [target]
        if is_static or len(values) != len(targets) or not all(isinstance(v, (expr.Expr, Struct)) for v in values):
            transformer.build_assign_unpack(context, target, value if is_static else impl.expr_init(value), is_static)
        elif several:
            for one, part in zip(targets, [impl.expr_init(part) for part in values], strict=True):
                keep(context, one, part, True)
        else:
            keep(context, target, value, False)
        return None

    transformer.build_Assign = staticmethod(build_assign)


def _add_up_directly() -> None:
    """Products and lengths of vectors are written down as such, and not as functions that call functions."""
    from taichi.lang import expr, impl, matrix, matrix_ops, ops

    module: Any = matrix_ops

    def once(vector: Any) -> Any:
        return vector if vector.ptr.is_lvalue() else impl.expr_init(vector)

    def entries(vector: Any) -> list[Any]:
        kept, builder = once(vector), impl.get_runtime().compiling_callable.ast_builder()
        return [impl.subscript(builder, kept, k) for k in range(vector.get_shape()[0])]

    def dot(x: Any, y: Any) -> Any:
        return functools.reduce(operator.add, entries(x * y))

    def norm(x: Any, eps: Any = 0.0) -> Any:
        x = once(x)
        squared = dot(x, x)
        return ops.sqrt(squared if isinstance(eps, float) and eps == 0.0 else squared + eps)

    def normalized(x: Any, eps: Any = 0.0) -> Any:
        x = once(x)
        return x * (1.0 / (norm(x) + eps))

    def cross(x: Any, y: Any) -> Any:
        (a, b, c), (u, v, w) = entries(x), entries(y)
        return matrix.make_matrix([b * w - c * v, c * u - a * w, a * v - b * u])

    def shape_of(x: Any) -> Any:
        return x.get_shape() if isinstance(x, expr.Expr) and x.is_tensor() else None

    def replace(function: Callable[..., Any], vectors: int, lengths: tuple[int, ...]) -> None:
        original = getattr(module, function.__name__)

        @functools.wraps(original)
        def chosen(*arguments: Any, **more: Any) -> Any:
            shapes = {shape_of(x) for x in arguments[:vectors]}
            known = len(shapes) == 1 and shapes <= {(length,) for length in lengths}
            return (function if known else original)(*arguments, **more)

        setattr(module, function.__name__, chosen)

    for function in (norm, normalized):
        replace(function, 1, (2, 3, 4))
    replace(dot, 2, (2, 3, 4))
    replace(cross, 2, (3,))


def _spread_once() -> None:
    """Of an operation between a vector and a number, the number is computed once, and not for each entry."""
    from taichi.lang import expr, impl, ops

    module: Any = ops

    def kept(operands: tuple[Any, ...]) -> tuple[Any, ...]:
        if not any(isinstance(x, expr.Expr) and x.is_tensor() for x in operands):
            return operands
        return tuple(
            impl.expr_init(x) if isinstance(x, expr.Expr) and not x.is_tensor() and not x.ptr.is_lvalue() else x
            for x in operands
        )

    for name in ("_binary_operation", "_ternary_operation"):
        original = getattr(module, name)

        def operation(taichi_op: Any, python_op: Any, *operands: Any, original: Any = original) -> Any:
            return original(taichi_op, python_op, *kept(operands))

        setattr(module, name, operation)


def _skip_what_errors_would_show() -> None:
    """Drawing the source of every syntax node in case of an error there (file, line and function remain), and noting
    where every field and array was made for the same reason."""
    from taichi.lang import _ndarray, impl, matrix, snode
    from taichi.lang.ast import ast_transformer_utils

    def position(self: Any, node: Any) -> str:
        return f'File "{self.file}", line {node.lineno + self.lineno_offset}, in {self.func.func.__name__}:\n'

    context: Any = getattr(ast_transformer_utils, "ASTTransformerContext", None)
    if hasattr(context, "get_pos_info"):
        context.get_pos_info = position
    modules: tuple[Any, ...] = (impl, snode, matrix, _ndarray)
    for module in modules:
        if hasattr(module, "get_traceback"):
            module.get_traceback = lambda stacklevel=1: ""


def _find_sources_once() -> None:
    """Instead of for each call of a function, by way of all modules that there are."""
    from taichi.lang import kernel_impl

    reader: Any = kernel_impl
    for name, wrapped in (("getsourcefile", functools.cache), ("getsourcelines", _quick_lines)):
        if hasattr(reader, name):
            setattr(reader, name, wrapped(getattr(reader, name)))
    if hasattr(reader, "textwrap"):
        reader.textwrap = SimpleNamespace(**{**vars(textwrap), "fill": functools.cache(textwrap.fill)})


def _quick_lines(original: Callable[[Any], tuple[list[str], int]]) -> Callable[[Any], tuple[list[str], int]]:
    """A stand-in for `inspect.getsourcelines`, for functions in files."""
    from taichi.lang import kernel_impl

    known = str(Path(__file__).parent), str(Path(kernel_impl.__file__).parents[1])

    @functools.cache
    def source_lines(function: Any) -> tuple[list[str], int]:
        code = function.__code__
        lines = linecache.getlines(code.co_filename, function.__globals__)
        if not lines or hasattr(function, "__wrapped__"):
            return original(function)
        rest = lines[code.co_firstlineno - 1 :]
        at_margin = code.co_filename.startswith(known) and not rest[0][:1].isspace()
        return (_up_to_next(rest) if at_margin else inspect.getblock(rest)), code.co_firstlineno

    return source_lines


def _up_to_next(lines: list[str]) -> list[str]:
    """The first function's lines, if it begins at the margin and all of it but brackets and comments is indented."""
    end = next(i for i, line in enumerate(lines) if line.startswith("def ")) + 1
    while end < len(lines) and lines[end][0] in " \t\n)#":
        end += 1
    while lines[end - 1][0] in "\n#":
        end -= 1
    return lines[:end]
