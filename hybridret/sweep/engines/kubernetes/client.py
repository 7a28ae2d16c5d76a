"""The official client, with its errors as one paragraph."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hybridret.base.errors import UserError
from hybridret.sweep.engines.kubernetes.manifest import MANAGER, OURS

SELECTOR = f"{MANAGER}={OURS}"
ANSWER = 60  # seconds that an API server may take


class Client:
    """Jobs and pods of the cluster of a kubeconfig's context, or of the cluster that this runs in. Raises UserError
    where the client is not installed or there is no config."""

    def __init__(self, context: str | None = None) -> None:
        try:
            import kubernetes
        except ImportError as error:
            raise UserError(
                "hydra/launcher=kubernetes needs its client: pip install 'hybridret[kubernetes]'."
            ) from error
        with answered("The kubeconfig"):
            settings = kubernetes.client.Configuration()
            try:
                path = os.environ.get("KUBECONFIG")  # which the client itself reads at its import only
                kubernetes.config.load_kube_config(path, context=context, client_configuration=settings)
                self.namespace = _namespace(kubernetes, path, context)
            except kubernetes.config.ConfigException:
                if context is not None:
                    raise
                kubernetes.config.load_incluster_config(client_configuration=settings)
                self.namespace = "default"
        api = kubernetes.client.ApiClient(settings)
        self._batch, self._core = kubernetes.client.BatchV1Api(api), kubernetes.client.CoreV1Api(api)
        self._plain = api.sanitize_for_serialization

    def create(self, namespace: str, job: Mapping[str, Any]) -> None:
        """Submit a Job."""
        with answered("Kubernetes"):
            self._batch.create_namespaced_job(namespace, dict(job), _request_timeout=ANSWER)

    def listed(self, namespace: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Our Jobs of a namespace, and their pods, as in their YAML."""
        with answered("Kubernetes"):
            asked = {"label_selector": SELECTOR, "_request_timeout": ANSWER}
            jobs = self._batch.list_namespaced_job(namespace, **asked)
            pods = self._core.list_namespaced_pod(namespace, **asked)
        return self._plain(jobs.items), self._plain(pods.items)

    def delete(self, namespace: str, name: str) -> None:
        """Remove a Job: its pod gets SIGTERM and its grace. One that is not there is left alone."""
        from kubernetes.client.exceptions import ApiException

        with answered("Kubernetes"):
            try:
                self._batch.delete_namespaced_job(
                    name, namespace, propagation_policy="Background", _request_timeout=ANSWER
                )
            except ApiException as error:
                if error.status != 404:
                    raise


def _namespace(kubernetes: Any, path: str | None, context: str | None) -> str:
    contexts, active = kubernetes.config.list_kube_config_contexts(path)
    chosen = next((one for one in contexts if one["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


@contextmanager
def answered(what: str) -> Iterator[None]:
    """An answer of the API server is named by its message, a missing one by what the connection said."""
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config import ConfigException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise UserError(f"{what} refused: {_message(error)}") from error
    except ConfigException as error:
        raise UserError(
            f"{what} cannot be used: {_short(error)}. Set KUBECONFIG or hydra.launcher.context, or write manifests for "
            "`kubectl apply` with hydra.launcher.submit=false."
        ) from error
    except (HTTPError, OSError) as error:
        raise UserError(f"{what} does not answer: {_short(error)}") from error


def _message(error: Any) -> str:
    try:
        return _short(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return _short(f"{error.status} {error.reason}")


def _short(error: object) -> str:
    return " ".join(str(error).split())[:600].rstrip(".")
