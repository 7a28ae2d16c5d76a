"""What a user or a site may ask of Kubernetes beside the resources of a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class KubernetesOptions:
    """None or empty: the cluster's own default.

    - image: of the container, with hybridret and its packages; python: the command of Python in it.
    - context: of the kubeconfig; namespace: None: that of the context, else `default`.
    - volumes: where claims (PersistentVolumeClaim) are mounted, by their names. The folder of the sweep and the data
      must have the same paths in the pods as here.
    - env: variables; secrets: names of Secrets whose keys become variables.
    - node_selector, tolerations, service_account: as in a PodSpec.
    - gpu: the name of the resource that is a GPU.
    - pod: further fields of the PodSpec, as Kubernetes spells them, which win over ours.
    - submit: False: only write manifests.
    - grace: seconds that a point has to save after SIGTERM; keep: seconds after which an ended Job is removed.
    - retries: how often a point that failed is tried again; max_requeues: how often a pod that ended otherwise is
      replaced, disruptions by the cluster not counted.
    """

    image: str = ""
    python: str = "python"
    context: str | None = None
    namespace: str | None = None
    volumes: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    service_account: str | None = None
    gpu: str = "nvidia.com/gpu"
    pod: Mapping[str, Any] = field(default_factory=dict)
    submit: bool = True
    grace: int = 120
    keep: int | None = None
    retries: int = 2
    max_requeues: int = 50
