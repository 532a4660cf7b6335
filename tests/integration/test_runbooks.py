"""Each alert has a runbook, and what a runbook tells an operator to do can be done."""

import re
import shlex

import pytest
from typer.main import get_command

from ratchet.cli.main import app
from ratchet.common.db import Database
from ratchet.common.metrics import METRICS

SECTIONS = ["Meaning", "What is at risk", "See it", "Do", "Over when", "Afterwards"]
ADMIN_PATH = re.compile(r"/admin/v1(/[\w/{}.-]+)")
COMMAND = re.compile(r"(?:`|^)ratchet ([a-z][a-z-]*(?: [^`#\n]*)?)", re.MULTILINE)
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE_SQL = re.compile(r"`(SELECT [^`]+)`|-c \"(SELECT [^\"]+)\"")


@pytest.fixture(scope="module")
def pages(root):
    return {path.stem: path.read_text() for path in (root / "docs/runbooks").glob("*.md")}


@pytest.fixture(scope="module")
def db(postgres_url):
    db = Database(postgres_url)
    yield db
    db.close()


def statements(text):
    blocks = [body for kind, body in FENCE.findall(text) if kind == "sql"]
    single = [first or second for first, second in INLINE_SQL.findall(text)]
    return [part.strip() for part in [*";".join(blocks).split(";"), *single] if part.strip()]


def test_every_alert_names_its_page_and_every_page_has_its_alert(alerts, pages):
    names = {alert["alert"] for alert in alerts}
    assert pages.keys() - {"README"} == names
    for alert in alerts:
        assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{alert['alert']}.md"


def test_every_page_has_the_same_sections(pages):
    for name in pages.keys() - {"README"}:
        title, *_ = pages[name].splitlines()
        assert title == f"# {name}"
        assert re.findall(r"^## (.+)$", pages[name], re.MULTILINE) == SECTIONS, name


def test_the_overview_lists_every_alert_with_its_severity(alerts, pages):
    listed = re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", pages["README"], re.MULTILINE)
    assert listed == [(alert["alert"], alert["labels"]["severity"]) for alert in alerts]


def test_every_path_of_the_admin_api_exists(pages, has_route):
    named = {(name, path.rstrip(".")) for name, text in pages.items() for path in ADMIN_PATH.findall(text)}
    assert len(named) > 20
    for name, path in named:
        assert has_route("*", path), f"{name}: /admin/v1{path}"


def test_every_command_and_its_options_exist(pages):
    known = get_command(app).commands
    for name, text in pages.items():
        for line in COMMAND.findall(text):
            command, *words = shlex.split(line)
            assert command in known, f"{name}: ratchet {line}"
            options = {option for parameter in known[command].params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, f"{name}: ratchet {line}"


def test_every_metric_exists(pages):
    known = {metric.name for metric in METRICS}
    for name, text in pages.items():
        named = set(re.findall(r"ratchet_[a-z_]+[a-z]", text))
        assert named <= known, f"{name}: {named - known}"


def test_every_variable_exists(pages, variables):
    for name, text in pages.items():
        named = set(re.findall(r"RATCHET_[A-Z_]+[A-Z]", text))
        assert named <= variables, f"{name}: {named - variables}"


def test_every_query_runs_on_the_schema(pages, db):
    found = [(name, statement) for name, text in pages.items() for statement in statements(text)]
    assert len(found) > 15
    for name, statement in found:
        if "pg_terminate_backend" not in statement:
            assert db.query(f"EXPLAIN {statement}"), f"{name}: {statement}"
