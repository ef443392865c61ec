"""The reference page of a model file's keys, and its JSON Schema for editors, made from the schema itself.

python -m include.config.reference > docs/models.md
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from include.config.schema import ModelConfig

HEAD = """# Every key of a model file

Made from `include/config/schema.py` by `make docs`; a test holds the two together. Unknown keys are refused, and
`./nightshift lint` names every fault with its line. A dotted path here is also the parameter's name in MLflow.
"""


DIALECT = "https://json-schema.org/draft/2020-12/schema"


def page() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join(_section(cls, path) for path, cls in _sections(ModelConfig, ""))


def json_schema() -> str:
    """What an editor needs to complete and check a model file as it is typed; what spans keys, lint alone finds."""
    found = ModelConfig.model_json_schema() | {"$schema": DIALECT, "title": "A model of Nightshift"}
    return json.dumps(found, indent=1) + "\n"


def _sections(cls: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The section classes below `cls`, each once, with the dotted path at which it stands."""
    yield path, cls
    for name, field in cls.model_fields.items():
        listed = get_origin(field.annotation) is tuple
        for part in _section_classes(field.annotation):
            yield from _sections(part, f"{path}{name}{'.<n>' if listed else ''}.")


def _section_classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _section_classes(part)


def _section(cls: type[BaseModel], path: str) -> str:
    title = path.rstrip(".") or "The file"
    if "kind" in cls.model_fields:  # one of several sections that may stand here
        title += f", kind {_type(cls.model_fields['kind'].annotation)}"
    rows = "".join(
        f"| `{path}{name}` | {_type(field.annotation)} | {_default(field)} |\n"
        for name, field in cls.model_fields.items()
    )
    return f"\n## {title}\n\n{inspect.cleandoc(cls.__doc__ or '')}\n\n| key | type | default |\n|---|---|---|\n{rows}"


def _type(annotation: Any) -> str:
    """A type in words that a YAML author knows."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in parts if part is not type(None)))
    if origin is tuple:
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return f"mapping of {_type(parts[0])} to {_type(parts[1])}"
    if hasattr(annotation, "__metadata__"):
        return _type(parts[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return {str: "text", int: "integer", float: "number", bool: "true or false"}.get(annotation, "value")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or isinstance(value, BaseModel) or value in ((), {}, None):
        return ""
    return f"`{value}`"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
