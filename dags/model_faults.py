"""Raises, on purpose, every fault of every model file, so that Airflow's banner of DAG import errors shows them.

It holds no DAG of its own: the models without faults keep theirs in `model_dags.py`.
"""

from __future__ import annotations

from include.config.loader import load_models

_, errors = load_models()
if errors:
    raise ExceptionGroup("model files with faults; mend them, then: ./nightshift lint", errors)
