"""Alerts and the dashboard speak only of metrics and labels that exist."""

import re

import pytest
import yaml

from ratchet.common.metrics import METRICS, exposition

FUNCTIONS = {
    "sum", "max", "min", "avg", "count", "by", "without", "rate", "increase", "topk", "histogram_quantile",
    "on", "ignoring", "and", "or", "unless", "group_left", "bool", "absent",
}  # fmt: skip
SCRAPED = {"instance", "job"}
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
EXPOSED = {f"{metric.name}{suffix}": metric for metric in METRICS for suffix in SUFFIXES[metric.type]}


def metrics_of(expression):
    """Return the metric names of an expression: identifiers that are neither functions nor labels."""
    bare = re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)|\{[^}]*\}|\[[^\]]*\]", "", expression)
    return set(re.findall(r"[a-zA-Z_][a-zA-Z0-9_:]*", bare)) - FUNCTIONS


def labels_of(expression):
    """Return the labels that an expression groups or filters by."""
    grouped = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression)
    filtered = re.findall(r"\{([^}]*)\}", expression)
    names = {name.strip() for group in grouped for name in group.split(",")}
    return names | {match for text in filtered for match in re.findall(r"([a-z_]+)\s*[=!]", text)}


def check_expression(expression):
    names = metrics_of(expression)
    assert names, f"no metric in {expression!r}"
    known = set()
    for name in names - PROCESS:
        assert name in EXPOSED, f"metric {name} of {expression!r} does not exist"
        known |= set(EXPOSED[name].labels) | ({"le"} if name.endswith("_bucket") else set())
    unknown = labels_of(expression) - known - SCRAPED
    assert not unknown, f"labels {unknown} of {expression!r} are not those of {names}"


def shown_labels(text):
    return set(re.findall(r"\$labels\.([a-z_]+)", text)) | set(re.findall(r"\{\{\s*([a-z_]+)\s*\}\}", text))


def test_every_alert_is_about_existing_metrics_and_says_what_to_do(alerts):
    assert len({alert["alert"] for alert in alerts}) == len(alerts) >= 10
    for alert in alerts:
        check_expression(alert["expr"])
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        annotations = alert["annotations"]
        assert annotations["summary"]
        assert annotations["description"]
        shown = shown_labels("".join(annotations.values()))
        assert shown <= labels_of(alert["expr"]), f"{alert['alert']} shows labels that its series lack"


def test_every_panel_is_about_existing_metrics(panels):
    drawn = [panel for panel in panels if panel["type"] != "row"]
    assert drawn
    for panel in drawn:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            check_expression(target["expr"])
            shown = shown_labels(target.get("legendFormat", ""))
            assert shown <= labels_of(target["expr"]) | SCRAPED, f"{panel['title']}: legend {shown}"


@pytest.mark.parametrize(
    "expression",
    [
        "sum(ratchet_orders_totals)",
        "sum by (colour) (ratchet_orders_total)",
        "ratchet_step_seconds",
        'ratchet_orders_total{state="filled"}',
        "rate(ratchet_orders_total_bucket[5m])",
    ],
)
def test_the_check_notices_a_wrong_name(expression):
    with pytest.raises(AssertionError):
        check_expression(expression)


def test_exposition_carries_the_registered_names():
    text = exposition().decode()
    for metric in METRICS:
        family = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
        assert f"# HELP {family}" in text


def test_chart_ships_the_sources_themselves(root, alerts):
    shipped = root / "deploy/helm/ratchet/files"
    for name in ("alerts.yaml", "dashboard.json"):
        assert (shipped / name).read_text() == (root / "deploy/observability" / name).read_text()
    groups = yaml.safe_load((shipped / "alerts.yaml").read_text())["groups"]
    assert [rule for group in groups for rule in group["rules"]] == alerts
