"""Every metric of Ratchet. No other module creates one; METRICS lists them for dashboards and alerts."""

from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

# From half a millisecond to a minute.
LATENCY_SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """Name, type (counter, gauge, histogram), labels and meaning of one metric."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str


_listed: list[Metric] = []


def _counter(name: str, text: str, *labels: str) -> Counter:
    _listed.append(Metric(f"ratchet_{name}", "counter", labels, text))
    return Counter(f"ratchet_{name}", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    _listed.append(Metric(f"ratchet_{name}", "gauge", labels, text))
    return Gauge(f"ratchet_{name}", text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str) -> Histogram:
    _listed.append(Metric(f"ratchet_{name}", "histogram", labels, text))
    return Histogram(f"ratchet_{name}", text, labels, registry=REGISTRY, buckets=LATENCY_SECONDS)


# Any service
BUILD_INFO = _gauge("build_info", "Always 1; says which service and version runs.", "service", "version")
READY = _gauge("ready", "1 when the readiness check passes, else 0.", "check")
HEARTBEAT_AGE_SECONDS = _gauge("heartbeat_age_seconds", "Age of the main loop's last sign of life.")
TASK_FAILURES_TOTAL = _counter("task_failures_total", "Background tasks that died.", "task")
RPC_REQUESTS_TOTAL = _counter("rpc_requests_total", "gRPC calls answered.", "service", "method", "code")
RPC_SECONDS = _histogram("rpc_seconds", "Time to answer a gRPC call.", "service", "method")
RPC_CLIENT_RETRIES_TOTAL = _counter("rpc_client_retries_total", "gRPC calls that were tried again.", "method")
ADMIN_REQUESTS_TOTAL = _counter("admin_requests_total", "Requests to the admin API.", "method", "code")

# Streams
STREAM_PUBLISHED_TOTAL = _counter("stream_published_total", "Messages published.", "stream")
STREAM_CONSUMED_TOTAL = _counter("stream_consumed_total", "Messages acknowledged.", "stream", "group")
STREAM_LAG = _gauge("stream_lag", "Messages not yet acknowledged by a group.", "stream", "group")
STREAM_CLAIMED_TOTAL = _counter(
    "stream_claimed_total", "Messages taken over from dead consumers.", "stream", "group"
)
STREAM_LOST_TOTAL = _counter(
    "stream_lost_total", "Pending messages whose entry was deleted.", "stream", "group"
)
DEAD_LETTERS_TOTAL = _counter("dead_letters_total", "Messages that could not be handled.", "stream", "group")
BUS_RECONNECTS_TOTAL = _counter("bus_reconnects_total", "Failed attempts to talk to Redis.")
DATABASE_RECONNECTS_TOTAL = _counter("database_reconnects_total", "Failed attempts to talk to PostgreSQL.")
OUTBOX_PENDING = _gauge("outbox_pending", "Events committed but not yet published.")

# Market data
BARS_TOTAL = _counter("bars_total", "Bars accepted.", "universe")
BARS_QUARANTINED_TOTAL = _counter(
    "bars_quarantined_total", "Bars refused by validation.", "universe", "reason"
)
DATA_QUALITY = _gauge("data_quality", "Quality score of the newest batch, 0 to 1.", "universe")
DATA_AGE_SECONDS = _gauge("data_age_seconds", "Age of the newest bar in live mode.", "universe")
QUOTES_TOTAL = _counter("quotes_total", "Bids and asks that sources told.", "universe", "outcome")
QUOTE_SYMBOLS = _gauge("quote_symbols", "Assets whose bids and asks are subscribed to.", "source")
QUOTE_SOURCE_UP = _gauge("quote_source_up", "1 while the source's bids and asks can arrive.", "source")
QUOTE_AGE_SECONDS = _gauge("quote_age_seconds", "Age of the newest bid and ask.", "universe")
REPLAY_STEPS_TOTAL = _counter("replay_steps_total", "Lock-step batches released.")
REPLAY_PROGRESS_RATIO = _gauge("replay_progress_ratio", "Share of the dataset that was replayed, 0 to 1.")
EVENT_TIME_SECONDS = _gauge("event_time_seconds", "Event time that the service has reached, Unix seconds.")

# Signals and models
SIGNALS_TOTAL = _counter("signals_total", "Consensus signals.", "universe", "direction")
STRATEGY_VOTES_TOTAL = _counter("strategy_votes_total", "Votes that made a signal.", "strategy", "direction")
FEATURE_STEP_SECONDS = _histogram("feature_step_seconds", "Time to update a universe's features.", "universe")
SIGNAL_STEP_SECONDS = _histogram("signal_step_seconds", "Time from bars to signals.", "universe")
LEASES_HELD = _gauge("leases_held", "1 while this process owns the universe.", "universe")
PREDICTIONS_TOTAL = _counter("predictions_total", "Rows predicted.", "universe")
INFERENCE_SECONDS = _histogram("inference_seconds", "Time to predict one batch.", "universe")
MODEL_INFO = _gauge("model_info", "1 for the model that is served.", "universe", "model_id", "version")
MODEL_MISSING = _gauge("model_missing", "1 while a universe has no production model.", "universe")
SENTIMENT_TEXTS_TOTAL = _counter("sentiment_texts_total", "Texts scored.", "source")

# Risk
RISK_EVALUATIONS_TOTAL = _counter("risk_evaluations_total", "Proposals judged.", "intent", "outcome")
RISK_REJECTIONS_TOTAL = _counter("risk_rejections_total", "Proposals rejected, by coded reason.", "reason")
RISK_SECONDS = _histogram("risk_seconds", "Time to judge one request.")
EXPOSURE_RATIO = _gauge("exposure_ratio", "Gross exposure over equity.", "asset_class")
BREAKER_TRIPPED = _gauge("breaker_tripped", "1 while the circuit breaker is tripped.", "breaker")

# Execution
TICK_TO_ORDER_SECONDS = _histogram(
    "tick_to_order_seconds", "Time from a bar's arrival to its order being sent."
)
ORDERS_TOTAL = _counter("orders_total", "Orders by the status that they reached.", "status")
FILLS_TOTAL = _counter("fills_total", "Fills booked.", "side")
ORDERS_OPEN = _gauge("orders_open", "Orders that are working.")
ORDERS_UNKNOWN = _gauge("orders_unknown", "Orders sent without an answer.")
BROKER_SECONDS = _histogram("broker_seconds", "Time of a call to the broker.", "operation")
BROKER_ERRORS_TOTAL = _counter("broker_errors_total", "Calls to the broker that failed.", "operation", "kind")
RECONCILE_DIFFERENCES_TOTAL = _counter(
    "reconcile_differences_total", "Differences found between ledger and broker.", "kind"
)
RECONCILIATION_DRIFT = _gauge(
    "reconciliation_drift",
    "By how much ledger and broker differ: money of cash and positions, number of orders.",
    "kind",
)
STREAM_CONNECTED = _gauge("stream_connected", "1 while the venue's trade updates can arrive.", "venue")
LEADER = _gauge("leader", "1 while this process leads the portfolio.", "portfolio")
TRADING_HALTED = _gauge("trading_halted", "1 while no order that adds risk is sent.", "portfolio")
STEP_SECONDS = _histogram("step_seconds", "Time that the service spent on one step.")

# Portfolio and phases
EQUITY = _gauge("equity", "Equity in the account currency.", "portfolio")
CASH = _gauge("cash", "Cash in the account currency.", "portfolio")
DRAWDOWN_RATIO = _gauge("drawdown_ratio", "Fall of equity from its peak, 0 to 1.", "portfolio")
POSITIONS_OPEN = _gauge("positions_open", "Assets with a position.", "portfolio")
REALIZED_PNL = _gauge("realized_pnl", "Realized profit and loss in the account currency.", "portfolio")
PHASE_ACTIVE = _gauge("phase_active", "1 active, 0.5 reduce-only, 0 locked.", "phase")
PHASE_READY = _gauge("phase_ready", "1 when every requirement of the phase is met.", "phase")
PHASE_CHANGES_TOTAL = _counter("phase_changes_total", "Changes of a phase's status.", "phase", "status")

# Paper exchange
EXCHANGE_ORDERS_TOTAL = _counter("exchange_orders_total", "Orders received by the paper exchange.", "status")
EXCHANGE_FILLS_TOTAL = _counter("exchange_fills_total", "Fills made by the paper exchange.")
EXCHANGE_STREAM_CLIENTS = _gauge("exchange_stream_clients", "WebSocket clients connected.", "stream")

METRICS: tuple[Metric, ...] = tuple(_listed)


def exposition() -> bytes:
    """Return the Prometheus text format of every metric."""
    return generate_latest(REGISTRY)
