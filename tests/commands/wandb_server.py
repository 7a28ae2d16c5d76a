"""A small stand-in for W&B's server on the loopback address: enough GraphQL and file stream for one client to upload
runs and to resume them. It keeps what a server would show."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

ENTITY = {"id": "1", "name": "us"}


@dataclass
class ServedRun:
    """What the server knows of a run; `history` as it was sent, row by row."""

    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    group: str | None = None

    def bucket(self, name: str) -> dict[str, Any]:
        """As GraphQL gives it."""
        return {
            "id": name, "name": name, "displayName": name, "description": None, "sweepName": None, "notes": None,
            "config": json.dumps(self.config), "summaryMetrics": json.dumps(self.summary), "tags": self.tags,
            "historyLineCount": len(self.history), "eventsLineCount": 0, "logLineCount": 0,
            "historyTail": json.dumps([json.dumps(row) for row in self.history[-1:]]), "eventsTail": "[]",
            "wandbConfig": json.dumps({"t": 1}), "project": {"id": "p", "name": "p", "entity": ENTITY},
        }  # fmt: skip


class Server(ThreadingHTTPServer):
    """`runs` by id."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: dict[str, ServedRun] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def graphql(self, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of the answer."""
        if operation == "Viewer":
            return {"viewer": {"id": "u", "entity": "us", "username": "us", "flags": "{}", "teams": {"edges": []}}}
        if operation == "RunResumeStatus":
            run = self.runs.get(variables["name"])
            bucket = run.bucket(variables["name"]) if run is not None else None
            return {"model": {"id": "p", "name": "p", "entity": ENTITY, "bucket": bucket}}
        if operation == "UpsertBucket":
            name = variables["name"]
            inserted = name not in self.runs
            run = self.runs.setdefault(name, ServedRun())
            run.config |= json.loads(variables.get("config") or "{}")
            run.tags = variables.get("tags") or run.tags
            run.group = variables.get("groupName") or run.group
            return {"upsertBucket": {"bucket": run.bucket(name), "inserted": inserted}}
        if operation == "CreateRunFiles":
            files = [{"name": name, "uploadUrl": f"{self.url}/upload/{name}"} for name in variables["files"]]
            return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}
        if operation == "ServerFeaturesQuery":
            return {"serverInfo": {"features": []}}
        if operation == "ArtifactType":
            return {"project": None}
        if operation == "CreateArtifact":
            artifact = {"id": "a", "state": "COMMITTED", "artifactSequence": {"id": "s", "latestArtifact": None}}
            return {"createArtifact": {"artifact": artifact}}
        return {}  # such as the organisation of a hosted server

    def stream(self, name: str, files: dict[str, Any]) -> None:
        """Lines of a run's files, each from an offset."""
        run = self.runs[name]
        for file, part in files.items():
            rows = [json.loads(line) for line in part["content"]]
            if file == "wandb-history.jsonl":
                run.history[part["offset"] :] = rows
            elif file == "wandb-summary.json":
                run.summary |= rows[-1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed leaves its connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Nothing: pytest shows what matters."""

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self._body()
        self._answer({})

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/graphql":
            asked = json.loads(body)
            operation = asked.get("operationName") or asked["query"].split("(")[0].split("{")[0].split()[-1]
            self._answer({"data": self.server.graphql(operation, asked.get("variables") or {})})
            return
        if self.path.endswith("/file_stream"):
            self.server.stream(self.path.split("/")[-2], json.loads(body).get("files") or {})
        self._answer({})


@contextmanager
def serving() -> Iterator[Server]:
    """A server in a thread of its own for the block."""
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
