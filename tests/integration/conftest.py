"""What is deployed, parsed once."""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"RATCHET_[A-Z][A-Z_]*[A-Z]")
ROUTE = re.compile(r"@\w+\.(?:get|post|put|delete)\(\s*\"((?:/[^\"]*)?)\"")
PREFIX = re.compile(r"prefix=\"([^\"]+)\"")
# Read by tests and benchmarks only.
OWN_USE = re.compile(r"RATCHET_(TEST|BENCH)_")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def dockerfile():
    return (ROOT / "infrastructure/docker/Dockerfile").read_text()


@pytest.fixture(scope="session")
def targets(dockerfile):
    return set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))


@pytest.fixture(scope="session")
def compose():
    return yaml.safe_load((ROOT / "infrastructure/docker/compose.yaml").read_text())


@pytest.fixture(scope="session")
def values():
    return yaml.safe_load((ROOT / "deploy/helm/ratchet/values.yaml").read_text())


@pytest.fixture(scope="session")
def templates():
    return "\n".join(path.read_text() for path in sorted((ROOT / "deploy/helm/ratchet/templates").iterdir()))


@pytest.fixture(scope="session")
def alerts():
    groups = yaml.safe_load((ROOT / "deploy/observability/alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="session")
def panels():
    return json.loads((ROOT / "deploy/observability/dashboard.json").read_text())["panels"]


@pytest.fixture(scope="session")
def has_route():
    """Return a function that says whether a service's source declares a path; the service may be `*`."""

    def declared(service):
        for source in [*ROOT.glob(f"services/{service}/src/**/*.py"), *ROOT.glob("libs/common/src/**/*.py")]:
            for router in source.read_text().split("APIRouter(")[1:]:
                prefix = match[1] if (match := PREFIX.match(router)) else ""
                yield from (prefix + path for path in ROUTE.findall(router))

    def patterns(service):
        if service not in known:
            known[service] = [
                re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
                for path in set(declared(service))
            ]
        return known[service]

    known = {}
    return lambda service, path: any(pattern.fullmatch(path) for pattern in patterns(service))


def settings_models():
    """Return every settings class of the code, found by its base."""
    models = []
    for source in [*ROOT.glob("libs/common/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]:
        for node in ast.parse(source.read_text()).body:
            bases = {base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)}
            if isinstance(node, ast.ClassDef) and bases & {"Settings", "BaseSettings"}:
                relative = source.relative_to(next(p for p in source.parents if p.name == "src"))
                module = importlib.import_module(".".join(relative.with_suffix("").parts))
                models.append(getattr(module, node.name))
    return models


@pytest.fixture(scope="session")
def settings():
    """Return the variables of all settings classes and their defaults (factories as None)."""
    found = {}
    for model in settings_models():
        assert issubclass(model, BaseSettings)
        prefix = model.model_config["env_prefix"]
        for name, field in model.model_fields.items():
            found.setdefault(f"{prefix}{name.upper()}", field)
    return found


@pytest.fixture(scope="session")
def variables(settings):
    """Return every variable that the code reads, settings or not."""
    named = set(settings)
    for folder in ("libs/common/src", "cli/src"):
        for source in (ROOT / folder).rglob("*.py"):
            strings = (
                node.value
                for node in ast.walk(ast.parse(source.read_text()))
                if isinstance(node, ast.Constant)
            )
            named |= {text for text in strings if isinstance(text, str) and VARIABLE.fullmatch(text)}
    return {name for name in named if not OWN_USE.match(name)}
