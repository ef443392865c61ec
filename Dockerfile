# One image for every component, from the same lock file as the local start.
#
# Why not apache/airflow: that image brings its own constraints' versions of some 400 packages; our lock would replace
# most of them in a second layer and leave the rest unlocked. From a plain Python, the image holds what was tested.

ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS environment
WORKDIR /build
COPY requirements.txt ./
COPY requirements/ requirements/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/uv.txt
# DEMO=1 adds the example flights, which a production image does not carry.
ARG DEMO=0
RUN locks="-r requirements.txt" \
 && if [ "$DEMO" = 1 ]; then locks="$locks -r requirements/demo.txt"; fi \
 && /opt/venv/bin/uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python --require-hashes $locks \
 && /opt/venv/bin/pip uninstall --yes uv \
 && touch /opt/venv/installed
# ./nightshift asks for that file: here as on one machine it says that the environment is whole.

FROM python:${PYTHON}-slim
# Group 0 and group-writable state, so that a cluster may choose another user id.
RUN useradd --uid 50000 --gid 0 --create-home nightshift \
 && install -d -o 50000 -g 0 -m 0770 /var/lib/nightshift /var/lib/mlflow
COPY --from=environment /opt/venv /opt/venv
WORKDIR /opt/nightshift
COPY requirements.txt airflow_settings.yaml nightshift ./
RUN ln -s /opt/venv .venv
COPY include/ include/
COPY plugins/ plugins/
COPY dags/ dags/
# The commit, which every training run records: docker build --build-arg GIT_SHA=$(git rev-parse HEAD) .
ARG GIT_SHA=unknown
ENV PATH=/opt/nightshift:/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/nightshift:/opt/nightshift/plugins \
    PYTHONUNBUFFERED=1 \
    NIGHTSHIFT_GIT_SHA=$GIT_SHA \
    NIGHTSHIFT_STATE=/var/lib/nightshift \
    AIRFLOW_HOME=/var/lib/nightshift/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/nightshift/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/nightshift/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    NIGHTSHIFT_THREADS=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MKL_NUM_THREADS=1 \
    OMP_WAIT_POLICY=PASSIVE \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    MLFLOW_DISABLE_TELEMETRY=true \
    GX_ANALYTICS_ENABLED=False \
    DO_NOT_TRACK=1 \
    SCARF_ANALYTICS=false \
    GIT_PYTHON_REFRESH=quiet
USER 50000
