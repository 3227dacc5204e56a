# The service in a container: all that it keeps is in /data, or on PostgreSQL (DATABASE_URL).
FROM python:3.13-slim

WORKDIR /src
COPY requirements-postgres.txt ./
RUN pip install --no-cache-dir -r requirements-postgres.txt
COPY pyproject.toml README.md LICENSE .env.example ./
COPY mappings mappings
COPY webhooks webhooks
COPY sync sync
RUN pip install --no-cache-dir --no-deps . \
    && useradd --system --uid 10001 --create-home --home-dir /data handoffs

# A number, so that a platform can see that it is not root.
USER 10001
WORKDIR /data
VOLUME /data

ENV DATABASE_URL=sqlite:////data/handoffs.db LANG=C.UTF-8
EXPOSE 8000
# Of `serve` and `receiver`; a worker answers no requests, so switch it off there.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz\", timeout=4)"]
ENTRYPOINT ["handoffs"]
CMD ["serve"]
