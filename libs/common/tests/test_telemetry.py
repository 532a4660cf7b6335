"""Traces, logs and metrics: one event can be followed, no secret can be read, every metric is listed."""

import json
import logging
import re

import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ratchet.common import metrics, tracing
from ratchet.common.logging import configure_logging, get_logger, redact

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def output(capsys):
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logging("test", "info")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    tracing.use_span_processor("test", SimpleSpanProcessor(exporter))
    yield exporter.get_finished_spans
    tracing.shutdown_tracing()


def test_context_travels_without_an_exporter():
    with tracing.span("outer", parent=PARENT):
        assert tracing.traceparent() == PARENT
        with tracing.span("inner"):
            assert tracing.current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
    assert tracing.current_trace_id() == ""


@pytest.mark.parametrize("parent", ["", "nonsense", "00-zz-1-01"])
def test_a_missing_or_wrong_parent_starts_a_new_trace(parent):
    with tracing.span("outer", parent=parent):
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", tracing.traceparent())


def test_spans_join_over_processes_when_exported(spans):
    with tracing.span("publish", event_id="e1", universe="crypto"):
        sent = tracing.traceparent()
    with pytest.raises(RuntimeError), tracing.span("consume", parent=sent):
        raise RuntimeError
    publish, consume = spans()
    assert consume.context.trace_id == publish.context.trace_id
    assert consume.parent.span_id == publish.context.span_id
    assert publish.attributes == {"universe": "crypto", "ratchet.event_id": "e1"}
    assert publish.status.is_unset
    assert not consume.status.is_ok


def test_the_exporter_is_off_by_default(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert not tracing.configure_tracing("test")


def test_logs_are_json_with_correlation(output):
    with tracing.span("step", parent=PARENT, event_id="signal-1"):
        get_logger("part").info("order_sent", order="o1")
    logging.getLogger("library").warning("strange %s", "thing")
    ours, theirs = output()
    assert ours["event"] == "order_sent"
    assert (ours["service"], ours["part"], ours["level"]) == ("test", "part", "info")
    assert (ours["trace_id"], ours["event_id"]) == ("0af7651916cd43dd8448eb211c80319c", "signal-1")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("strange thing", "library", "warning")


def test_exceptions_are_logged_with_their_trace(output):
    try:
        int("broken")
    except ValueError:
        get_logger("part").exception("failed")
    assert "ValueError: invalid literal" in output()[0]["exception"]


def test_the_level_is_kept(output):
    get_logger("part").debug("noise")
    logging.getLogger("library").info("noise")
    assert output() == []


def test_secrets_never_reach_the_log():
    event = redact(
        None,
        "",
        {
            "event": "connected to postgresql://ratchet:hunter2@db/ratchet",
            "rpc_token": "hunter2",
            "nested": {"api_key": "hunter2", "url": ["redis://:hunter2@cache/0"]},
            "price": 1.5,
        },
    )
    assert "hunter2" not in json.dumps(event)
    assert event["price"] == 1.5
    assert event["event"] == "connected to postgresql://ratchet:***@db/ratchet"


def test_every_metric_is_listed_with_its_type_labels_and_meaning():
    text = metrics.exposition().decode()
    listed = {metric.name: metric for metric in metrics.METRICS}
    exposed = dict(re.findall(r"^# TYPE (ratchet_\w+) (\w+)$", text, re.MULTILINE))
    created = {name for name in exposed if name.endswith("_created")}
    assert set(exposed) - created == set(listed)
    assert all(exposed[name] == metric.type for name, metric in listed.items())
    assert all(metric.help.endswith(".") for metric in listed.values())


@pytest.mark.parametrize(
    "name",
    [
        "ratchet_tick_to_order_seconds", "ratchet_orders_total", "ratchet_fills_total",
        "ratchet_signals_total",
        "ratchet_risk_rejections_total", "ratchet_stream_lag", "ratchet_data_quality", "ratchet_equity",
        "ratchet_drawdown_ratio", "ratchet_phase_active", "ratchet_trading_halted",
    ],
)  # fmt: skip
def test_metrics_of_the_design_exist(name):
    assert name in {metric.name for metric in metrics.METRICS}
