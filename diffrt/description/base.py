"""What all models of the scene file share: no unknown keys, checked defaults, unions told apart by `type`."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Union, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from diffrt.description.problems import TAG
from diffrt.errors import Problem


class Strict(BaseModel):
    """A model that refuses unknown keys and checks its own defaults.

    `conflicts` sees the raw object, before any check of its fields, and yields what is wrong between them; the `field`
    of each problem is the path below the object (".fov").
    """

    model_config = ConfigDict(
        extra="forbid", validate_default=True, arbitrary_types_allowed=True, frozen=True, defer_build=True
    )
    group: ClassVar[str] = ""

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """Problems between the fields of a raw object, each field by itself being right or not."""
        yield from ()


def default(value: Any, text: str) -> Any:
    """A field that may be left out; its default is checked like input, so it may be written the short way."""
    return Field(default=value, description=text)


def required(text: str) -> Any:
    """A field that must be given."""
    return Field(description=text)


def type_name(model: type[BaseModel]) -> str:
    """The value of `type` that selects a model."""
    return str(get_args(model.model_fields["type"].annotation)[0])


def tag_of(model: type[Strict]) -> str:
    """The tag of a model in its union, e.g. "type=material:diffuse"."""
    return f"{TAG}{model.group}:{type_name(model)}"


def by_type(models: Sequence[type[Strict]], *, otherwise: str | None = None, or_name: bool = False) -> Any:
    """A union of models told apart by their `type`; with `or_name`, a text (the name of one) is allowed as well."""
    group = models[0].group
    members: list[Any] = [Annotated[model, Tag(tag_of(model))] for model in models]
    if or_name:
        from diffrt.description.values import Name

        members.append(Annotated[Name, Tag(f"{TAG}{group}")])
    return Annotated[Union[tuple(members)], Discriminator(_discriminate(group, otherwise, or_name))]  # noqa: UP007


def _discriminate(group: str, otherwise: str | None, or_name: bool) -> Callable[[Any], str | None]:
    def discriminate(value: Any) -> str | None:
        if isinstance(value, dict):
            kind = value.get("type", otherwise)
            return f"{TAG}{group}:{kind}" if isinstance(kind, str) else None
        return f"{TAG}{group}" if or_name and isinstance(value, str) else None

    return discriminate
