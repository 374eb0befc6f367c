"""Gives what was counted to Prometheus: as text for a page, and on a port of its own for processes without pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rugcourse.errors import ConfigError
from rugcourse.metrics.instruments import REGISTRY

MEDIA_TYPE = CONTENT_TYPE_LATEST


class PortTaken(ConfigError):
    """Nothing can listen on the port of the metrics."""


@dataclass(frozen=True, slots=True)
class MetricGauge:
    """A value that is read when Prometheus asks. `values`: the values of the labels, in their order → the number."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


class _Gauges(Collector):
    def __init__(self, gauges: Iterable[MetricGauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for one in self._gauges:
            family = GaugeMetricFamily(one.name, one.help, labels=one.labels)
            for labels, value in one.values.items():
                family.add_metric(labels, value)
            yield family


def text_page(gauges: Iterable[MetricGauge]) -> bytes:
    """Return what this process counted, and `gauges`, in the text format of Prometheus."""
    return generate_latest(REGISTRY) + generate_latest(_Gauges(gauges))


def listen(host: str, port: int) -> Callable[[], None]:
    """Answer on a port with what this process counted; returns what ends that. Raises PortTaken."""
    try:
        server, thread = start_http_server(port, host, REGISTRY)
    except OSError as error:
        raise PortTaken(
            f"metrics can't listen on {host}:{port} ({error.strerror}); choose another RUGCOURSE_METRICS_PORT"
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
