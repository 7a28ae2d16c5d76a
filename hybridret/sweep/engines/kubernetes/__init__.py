"""Kubernetes: a batch/v1 Job for each point, submitted with the official client or written for `kubectl apply`."""

from __future__ import annotations

from hybridret.sweep.engines.kubernetes.engine import KubernetesEngine

ENGINE = KubernetesEngine()  # for whoever looks at jobs that somebody else submitted

__all__ = ["ENGINE", "KubernetesEngine"]
