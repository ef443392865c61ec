"""Commands that messages tell a person to type: written in one place, so that a test can find and run them."""

from __future__ import annotations

import shlex


def trigger(model: str, dag: str, **form: object) -> str:
    """The command that runs a DAG of a model, with what its form is given: also what the Airflow UI's form takes."""
    given = "".join(f" {name}={shlex.quote(str(value))}" for name, value in form.items())
    return f"./nightshift trigger {model}__{dag}{given}"
