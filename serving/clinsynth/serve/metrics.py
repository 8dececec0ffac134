"""What Prometheus reads: this server's own series, and vLLM's. No label holds anything of a client's."""

from __future__ import annotations

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from clinsynth.gate import Verdict

__all__ = ["CONTENT_TYPE", "Metrics"]

_REQUEST_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_GATE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 20)


class Metrics:
    """The server's own series."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "clinsynth_http_requests",
            "Requests answered, by route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "clinsynth_http_request_seconds",
            "From a request's first byte to its answer's last.",
            ("route",),
            buckets=_REQUEST_SECONDS,
            registry=self._registry,
        )
        self.under_way = Gauge(
            "clinsynth_http_requests_under_way", "Requests being answered.", registry=self._registry
        )
        self.tokens = Counter(
            "clinsynth_tokens", "Tokens read and written.", ("kind",), registry=self._registry
        )
        self.gated = Counter(
            "clinsynth_gate_decisions",
            "Looks of the gate, by decision.",
            ("decision",),
            registry=self._registry,
        )
        self.reasons = Counter(
            "clinsynth_gate_reasons",
            "Reasons of the gate, once a look each; *_failed is a check that could not be finished.",
            ("code",),
            registry=self._registry,
        )
        self.gate_seconds = Histogram(
            "clinsynth_gate_seconds",
            "One look of the gate, waiting for a thread included.",
            buckets=_GATE_SECONDS,
            registry=self._registry,
        )
        self.batch_lines = Counter(
            "clinsynth_batch_lines",
            "Lines of batches, by what came of them.",
            ("result",),
            registry=self._registry,
        )
        self.engine_up = Gauge(
            "clinsynth_engine_up", "1 while the engine can take requests.", registry=self._registry
        )
        self.engine_restarts = Counter(
            "clinsynth_engine_restarts", "Engines started after one had died.", registry=self._registry
        )

    def looked(self, verdict: Verdict, seconds: float) -> None:
        """A look of the gate has ended."""
        self.gated.labels(verdict.decision).inc()
        for code in {reason.code for reason in verdict.reasons}:
            self.reasons.labels(code).inc()
        self.gate_seconds.observe(seconds)

    def page(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self._registry) + generate_latest(REGISTRY)
