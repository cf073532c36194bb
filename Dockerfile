# One image for web, workers and beat; what a container is, its command says (docker-compose.yml).

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/dispatcher
ENV PATH=/opt/dispatcher/bin:$PATH
WORKDIR /src
# The libraries first: they change less often than the code, and their layer is kept.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY templates templates
COPY workers workers
COPY dispatcher dispatcher
RUN pip wheel --no-deps --wheel-dir dist . \
    && pip install --no-deps dist/*.whl

FROM python:3.13-slim
ENV PATH=/opt/dispatcher/bin:$PATH \
    DJANGO_SETTINGS_MODULE=dispatcher.settings \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp dispatcher
COPY --from=build /opt/dispatcher /opt/dispatcher
USER dispatcher
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=8)"]
CMD ["granian", "--interface=wsgi", "--host=0.0.0.0", "--port=8000", "--workers=2", "--blocking-threads=8", "--runtime-threads=2", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout=20", "dispatcher.wsgi:application"]
