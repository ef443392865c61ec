"""The reference page of the DAGs, made from what the factory builds.

python -m nightshift.reference > docs/dags.md
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from include.config.loader import load_models
from include.config.schema import ModelConfig
from nightshift import factory

HEAD = """# The DAGs of each model

Made from `plugins/nightshift/factory.py` by `make docs`; a test holds the two together. `<model>` is the name of a
file in `include/models/`.
"""


def page(models: Iterable[ModelConfig]) -> str:
    """Return the page as Markdown: each DAG's text, form and tasks, from the first model's own DAGs."""
    config = next(iter(models))
    parts = [HEAD]
    for build in factory.BUILDERS:
        dag = build(config)
        parts.append(f"\n## `<model>__{build.__name__}`\n\n{inspect.cleandoc(build.__doc__ or '')}\n")
        for name in dag.params:
            found = dag.params.get_param(name)
            parts.append(f"\n- **{found.schema.get('title', name)}** (`{name}`): {found.description}")
        parts.append("\n\n| task | |\n|---|---|\n")
        for task in dag.topological_sort():
            operator = task.operator_class if task.is_mapped else type(task)
            module = inspect.getmodule(operator)
            line = (inspect.getdoc(module) or "").split(": ", 1)[-1].replace("\n", " ")
            parts.append(f"| `{task.task_id}` | {line} |\n")
    return "".join(parts)


if __name__ == "__main__":
    print(page(load_models()[0].values()), end="")  # noqa: T201
