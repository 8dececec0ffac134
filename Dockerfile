# clinsynth on a CPU: two images of the one environment that `make setup` installs.
#
#   docker build --target train -t clinsynth-train .
#   docker run --rm --shm-size=1g -v "$PWD/runs:/data/runs" clinsynth-train train /opt/clinsynth/configs/train/demo.yaml
#
#   docker build --target serve -t clinsynth-serve .
#   docker run --rm --shm-size=1g -p 127.0.0.1:8000:8000 -e CLINSYNTH_API_KEY -v "$PWD/runs/demo/model:/model:ro" clinsynth-serve
#
# With PostgreSQL and Prometheus: deploy/compose.yaml. On Kubernetes: deploy/kubernetes.
#
# Only the build needs a network.

FROM python:3.11-slim AS base
# vLLM's CPU kernels link against libnuma; nothing is compiled, here or at run time.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libnuma1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/clinsynth
ENV PATH=/opt/clinsynth/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    VLLM_NO_USAGE_STATS=1 \
    DO_NOT_TRACK=1 \
    DS_ACCELERATOR=cpu \
    TOKENIZERS_PARALLELISM=false

FROM base AS environment
# The lock and the project's metadata alone, so that a change of source code installs nothing anew.
COPY pyproject.toml README.md LICENSE ./
COPY requirements requirements
RUN mkdir training serving eval \
    && bash requirements/install.sh python3.11 .venv

FROM base AS runtime
RUN useradd --create-home --uid 10001 clinsynth \
    && mkdir /data \
    && chown clinsynth /data
COPY --from=environment /opt/clinsynth ./
COPY training training
COPY serving serving
COPY eval eval
COPY configs configs
USER 10001
WORKDIR /data
ENTRYPOINT ["clinsynth"]

FROM runtime AS train
CMD ["train", "--help"]

FROM runtime AS serve
EXPOSE 8000
# An engine takes up to two minutes to start; until then, and when it has died, /readyz does not answer 200.
HEALTHCHECK --interval=15s --timeout=5s --start-period=180s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["serve", "--model", "/model", "--host", "0.0.0.0", "--port", "8000"]
