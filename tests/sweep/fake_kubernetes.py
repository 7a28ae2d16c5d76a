"""A stand-in of an API server: it keeps Jobs and answers the calls of the batch API that are made, and lists pods."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml


class FakeKubernetes:
    """`jobs`: by namespace/name; `pods`: what a test says; `refusal`: of the next Job with this number."""

    def __init__(self, folder: Path) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: list[dict[str, Any]] = []
        self.deleted: list[tuple[str, str]] = []
        self.refuse_after: int | None = None
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if fake.refuse_after is not None and len(fake.jobs) >= fake.refuse_after:
                    self.answer(403, {"kind": "Status", "message": "exceeded quota: gpus"})
                    return
                fake.jobs[f"{self.path.split('/')[5]}/{job['metadata']['name']}"] = job
                self.answer(201, job)

            def do_GET(self) -> None:
                kind = "Job" if "/batch/" in self.path else "Pod"
                asked = "labelSelector=app.kubernetes.io/managed-by=hybridret" in unquote(self.path)
                items = (list(fake.jobs.values()) if kind == "Job" else fake.pods) if asked else []
                self.answer(200, {"kind": f"{kind}List", "apiVersion": "v1", "metadata": {}, "items": items})

            def do_DELETE(self) -> None:
                words = self.path.partition("?")[0].split("/")
                found = fake.jobs.pop(f"{words[5]}/{words[7]}", None)
                fake.deleted.append((words[7], self.path.partition("?")[2]))
                self.answer(200 if found else 404, {"kind": "Status", "message": "not found"})

            def answer(self, code: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.config = folder / "kubeconfig"
        server = f"http://127.0.0.1:{self._server.server_port}"
        self.config.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1", "kind": "Config", "current-context": "here",
                    "users": [{"name": "me", "user": {}}],
                    "clusters": [{"name": "c", "cluster": {"server": server}}],
                    "contexts": [{"name": "here", "context": {"cluster": "c", "user": "me", "namespace": "lab"}}],
                }
            )
        )  # fmt: skip

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
