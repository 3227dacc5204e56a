# The service in a container: everything that it keeps is in /data.
FROM python:3.13-slim

WORKDIR /src
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY pyproject.toml README.md LICENSE .env.example ./
COPY mappings mappings
COPY webhooks webhooks
COPY sync sync
RUN pip install --no-cache-dir --no-deps .

RUN useradd --system --create-home --home-dir /data handoffs
USER handoffs
WORKDIR /data
VOLUME /data

ENV DATABASE_URL=sqlite:////data/handoffs.db LANG=C.UTF-8
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz\", timeout=4)"]
ENTRYPOINT ["handoffs"]
CMD ["serve"]
