"""Model files in, frozen configuration out; every fault of a file at once, with the line, or nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from include.config import environment
from include.config.agreement import Disagreement
from include.config.examples import missing_example
from include.config.naming import reserved_faults
from include.config.near import near
from include.config.personal import unanswered
from include.config.queries import hidden
from include.config.schema import ModelConfig
from include.config.show import show
from include.errors import ConfigError

TAGS = ("python", "files", "sql", "delta", "range", "list")
"""What pydantic adds to a place where one of several kinds may stand."""
DEEPEST = 20
MAX_BYTES = 1_000_000
"""A model file is a page or two; anything this large is a mistake or an attack (YAML aliases expand)."""


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's safe loader, the one in C where it is there, but a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.MarkedYAMLError(problem="a key must be a plain value", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return found


def _read(text: str) -> tuple[Any, yaml.Node | None]:
    """What YAML text says, and where. Aliases are refused before anything is built: a few of them make gigabytes."""
    depth = 0
    for event in yaml.parse(text, Loader=_StrictLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST or isinstance(event, yaml.AliasEvent):
            deep = f"more than {DEEPEST} levels deep"
            problem = deep if depth > DEEPEST else "aliases (*name) are not allowed in a model file"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]
    loader = _StrictLoader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return (None if node is None else loader.construct_document(node)), node
    finally:
        loader.dispose()


def load_model(path: Path) -> ModelConfig:
    """Read one model file. Raises ConfigError with every fault, each with its line where there is one."""
    content, node = _parsed(path)
    config = parse_model(content, str(path), node)
    if config.name != path.stem:
        raise ConfigError(str(path), [f"name: {config.name!r} must equal the file's name {path.stem!r}"])
    return config


def parse_model(content: dict[str, Any], origin: str, node: yaml.Node | None = None) -> ModelConfig:
    """What a model file says, as a configuration; the ConfigError names `origin`, and lines where `node` has them."""
    found = [_located(fault, node) for fault in (*unanswered(content), *reserved_faults(content))]
    try:
        config = ModelConfig.model_validate(content)
    except ValidationError as error:
        found = [fault for detail in error.errors() for fault in _faults(detail, node)] + found
        raise ConfigError(origin, list(dict.fromkeys(found))) from None
    if found:
        raise ConfigError(origin, found)
    return config


def read_content(path: Path) -> dict[str, Any]:
    """The mapping that a model file, or a part of one, holds, before it is checked."""
    return _parsed(path)[0]


def read_value(text: str) -> Any:
    """A value as a model file would write it: `0.05`, `null`, `[a, b]`. Raises ValueError where it is no YAML."""
    try:
        return _read(text)[0]
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{text!r} is not readable as YAML: {type(error).__name__}") from None


def _parsed(path: Path) -> tuple[dict[str, Any], yaml.Node | None]:
    text = _read_text(path)
    try:
        content, node = _read(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(str(path), [f"line {line}: not readable as YAML: {error.problem}"]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(str(path), [f"not readable as YAML: {type(error).__name__}: {error}"]) from None
    if not isinstance(content, dict):
        raise ConfigError(str(path), ["a model file is a mapping that starts with `name:`; see include/models/"])
    return content, node


def load_models(directory: Path | None = None) -> tuple[dict[str, ModelConfig], list[ConfigError]]:
    """Read every `*.yaml` of the folder: the usable models by name, and the errors of the others.

    One faulty file must not take the other models' nights away, so errors are returned, not raised. An example whose
    data is not installed is neither: no night of it could succeed.
    """
    models: dict[str, ModelConfig] = {}
    errors: list[ConfigError] = []
    for path in sorted((directory or environment.models_dir()).glob("*.yaml")):
        try:
            config = load_model(path)
            if not missing_example(config):
                models[path.stem] = config
        except ConfigError as error:
            errors.append(error)
    return models, errors


def hidden_examples() -> dict[str, str]:
    """The examples that ship and are not there, each with why and how to get it."""
    hidden = {}
    for path in sorted(environment.models_dir().glob("*.yaml")):
        with contextlib.suppress(ConfigError):
            if missing := missing_example(load_model(path)):
                hidden[path.stem] = missing
    return hidden


def model_file(named: str) -> Path:
    """The file that a person means by a model's name, or by a file. Raises ConfigError with near misses."""
    folder = environment.models_dir()
    if (folder / f"{named}.yaml").is_file():
        return folder / f"{named}.yaml"
    path = Path(named)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        if path.exists():
            return path
        beside = sorted(str(file) for file in path.parent.glob("*.y*ml"))
        raise ConfigError(named, [f"no such file{near(named, beside)}; models here: {_known(folder)}"])
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    fault = f"no such model file; models here: {_known(folder)}{near(named, known)}"
    raise ConfigError(str(folder / f"{named}.yaml"), [fault])


def find_model(named: str, anywhere: bool = False) -> ModelConfig:
    """Read the model of that name, or of that file; the error lists the names there are, or says what an example lacks.

    :param anywhere: whether a file outside the folder of model files will do: nights know those in it alone
    """
    path = model_file(named) if anywhere else _of_nights(named)
    config = load_model(path)
    if (missing := missing_example(config)) and not anywhere:
        raise ConfigError(str(path), [missing])
    return config


def model_name(named: str) -> str:
    """The name of a model whose file is there, faulty or not: its champion is served all the same."""
    return _of_nights(named).stem


def _of_nights(named: str) -> Path:
    path, folder = model_file(named), environment.models_dir()
    if path.resolve().parent != folder.resolve():
        fault = f"nights run the model files of {folder} alone. Next: cp {named} {folder}/, then name the model"
        raise ConfigError(named, [fault])
    return path


def _known(folder: Path) -> str:
    """The names of the model files, or how to get one."""
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    return ", ".join(known) or f"none in {folder}. Next: ./nightshift new-model NAME --from FILE --target COLUMN"


def config_json(config: ModelConfig) -> str:
    """The resolved configuration, defaults and all, as canonical JSON."""
    return json.dumps(config.model_dump(mode="json"), sort_keys=True)


def parse_config_json(text: str) -> ModelConfig:
    """Read back what `config_json` wrote."""
    return ModelConfig.model_validate_json(text)


def config_hash(config: ModelConfig) -> str:
    """Sixteen hexadecimal digits that change whenever any resolved value changes."""
    return hashlib.sha256(config_json(config).encode()).hexdigest()[:16]


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(str(path), [f"{size:,} bytes; a model file has at most {MAX_BYTES:,}"])
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [f"is not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    if not text.strip():
        raise ConfigError(str(path), ["the file is empty; copy one of include/models/ to start from"])
    return text


def _faults(detail: ErrorDetails, node: yaml.Node | None) -> list[str]:
    """One pydantic error as a fault, or each of the disagreements between sections, by the path that it starts with."""
    disagreement = detail.get("ctx", {}).get("error")
    if not isinstance(disagreement, Disagreement):
        return [_fault(detail, node)]
    return [_located(fault, node) for fault in disagreement.faults]


def _located(fault: str, node: yaml.Node | None) -> str:
    """A fault that starts with the dotted path of its key, with that key's line where there is one."""
    if node is None:
        return fault
    path = fault.partition(":")[0].split(".")
    return f"line {_line(node, tuple(int(part) if part.isdecimal() else part for part in path))}: {fault}"


def _fault(detail: ErrorDetails, node: yaml.Node | None) -> str:
    """One pydantic error as `line 12: training.candidates.0.params: ...`, with what was received and a near miss."""
    location = tuple(part for part in detail["loc"] if part not in TAGS)
    line = f"line {_line(node, location)}: " if node is not None else ""
    where = ".".join(str(part) for part in location) or "the file"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        allowed = sorted(_fields_at(location[:-1]))
        message = f"unknown key{near(str(location[-1]), allowed)}; allowed: {', '.join(allowed)}"
    elif detail["type"] not in ("missing", "value_error"):
        message = f"{message}; received {_short(detail['input'])}"
    return f"{line}{where}: {message}"


def _fields_at(location: tuple[int | str, ...]) -> Iterator[str]:
    """Names of the keys allowed at a place of the model file."""
    found: Any = ModelConfig
    for part in location:
        if isinstance(part, int) or not (isinstance(found, type) and issubclass(found, BaseModel)):
            continue
        field = found.model_fields.get(part)
        found = _section_of(field.annotation) if field else None
    if isinstance(found, type) and issubclass(found, BaseModel):
        yield from found.model_fields


def _section_of(annotation: Any) -> Any:
    """The section class inside `Section`, `tuple[Section, ...]` or `Section | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_of(part)) is not None), None)


def line_of(model: str, location: tuple[int | str, ...]) -> int | None:
    """Line of a model's file at which `location` stands; None where the file cannot be read, or does not say it."""
    try:
        found, node = _parsed(environment.models_dir() / f"{model}.yaml")
    except ConfigError:
        return None
    inside: Any = found
    for part in location:
        try:
            inside = inside[part]
        except (KeyError, IndexError, TypeError):
            return None
    return _line(node, location)


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Line of the deepest part of `location` that stands in the file."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _short(value: Any) -> str:
    text = hidden(show(value, 1000))  # before it is cut, for half a password is one too
    return text if len(text) <= 80 else text[:79] + "…"
