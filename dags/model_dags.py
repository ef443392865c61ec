"""Every model file becomes its Airflow DAGs.

`include/models/<model>.yaml` gives `<model>__ingest`, `__retrain`, `__score`, `__monitor`, `__rollback` and, where
versions go on trial, `__shadow`. A file with faults gives none and does not disturb the others; `model_faults.py` shows
its faults in the UI.
"""

from __future__ import annotations

from nightshift.factory import build_dags

from include.config.loader import load_models

models, _ = load_models()
for config in models.values():
    for dag in build_dags(config):
        globals()[dag.dag_id] = dag
