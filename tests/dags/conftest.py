from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Airflow reads these when it is first imported.
os.environ["AIRFLOW_HOME"] = os.environ.get("NIGHTSHIFT_TEST_AIRFLOW_HOME") or tempfile.mkdtemp(prefix="airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(__file__).parents[2] / "plugins")
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(Path(__file__).parents[2] / "dags")
