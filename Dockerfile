# A small image without a compiler, for a user without rights and a read-only root:
#
#     docker build -t activity .
#     docker run --detach --name activity --restart unless-stopped --read-only --tmpfs /tmp \
#         --cap-drop ALL --security-opt no-new-privileges -v activity:/data --env-file .env activity
#
# The database is a file in /data unless DATABASE_URL says otherwise. Without Socket Mode, and for
# /metrics, add `-p 127.0.0.1:3000:3000`. Docker takes quotes in .env as part of the value.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/activity
WORKDIR /src
# the dependencies first: they change less often than the code
COPY constraints.txt ./
RUN /opt/activity/bin/pip install --require-hashes -r constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY reports reports
RUN /opt/activity/bin/pip install --no-deps --no-build-isolation . \
    && /opt/activity/bin/pip uninstall --yes pip setuptools

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin activity \
    && install -d -o activity -g activity -m 700 /data
COPY --from=build /opt/activity /opt/activity
ENV PATH=/opt/activity/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/activity.db
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
# waits for what is being sent; `docker stop` allows 10 seconds unless told otherwise
STOPSIGNAL SIGTERM
# prints what is wrong; asks the bot itself, whatever proxy is set
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; bot = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 3000), timeout=4); bot.request('GET', '/healthz'); said = bot.getresponse(); print(said.read().decode()); sys.exit(said.status != 200)"]
ENTRYPOINT ["activity"]
CMD ["run"]
