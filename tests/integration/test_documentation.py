"""The documentation says what the code says."""

import re

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from ratchet.common.datasets.config import DatasetConfig
from ratchet.common.db import Database
from ratchet.common.platform import FILES
from ratchet.core.market import BarDefect

ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def page(root):
    return lambda name: (root / "docs" / f"{name}.md").read_text()


def rows(text):
    return [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(text)]


def test_every_variable_is_documented_once(page, variables):
    documented = [row[0].strip("`") for row in rows(page("operations")) if row[0].startswith("`RATCHET_")]
    assert len(documented) == len(set(documented))
    assert set(documented) == variables


def test_documented_defaults_are_the_real_ones(page, settings):
    table = {row[0].strip("`"): row[1] for row in rows(page("operations")) if row[0].startswith("`RATCHET_")}
    for name, field in settings.items():
        default = field.default
        if default is PydanticUndefined or name in ("RATCHET_DATABASE_URL", "RATCHET_REDIS_URL"):
            continue
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = "none" if default in (None, "") else str(default)
        assert table[name] == (shown.lower() if isinstance(default, bool) else shown), name


def test_every_field_of_a_dataset_is_documented(page):
    section = page("data").split("## dataset.yaml")[1].split("##")[0]
    documented = {name for row in rows(section) for name in re.findall(r"`(\w+)`", row[0])}
    assert documented == set(DatasetConfig.model_fields)


def test_every_defect_is_documented(page):
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page("data"), re.MULTILINE))
    assert documented == {defect.name for defect in BarDefect if defect is not BarDefect.NONE}


def test_every_configuration_file_and_requirement_is_documented(page, root):
    text = page("configuration")
    folder = root / "libs/core/src/ratchet/core/phases/requirements"
    requirements = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {row[0].strip("`") for row in rows(text) if row[0].endswith(".yaml`")} == set(FILES)
    assert set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) == requirements


def test_what_is_said_to_lie_somewhere_does(page, root):
    section = page("architecture").split("## Where things go")[1].split("\n## ")[0]
    named = re.findall(r"`((?:libs|services|config|proto|cli|infrastructure|deploy|docs)/[^`*]*)`", section)
    assert len(named) > 25
    for path in named:
        assert (root / path).exists(), path


def test_every_table_is_listed_once(page, postgres_url):
    listed = re.findall(r"`([a-z0-9_.]+)`", page("architecture").split("## Storage")[1].split("|---|---|")[1])
    db = Database(postgres_url)
    rows = db.query(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema IN ('public', 'paper')"
    )
    db.close()
    assert sorted(listed) == sorted(
        name if schema == "public" else f"{schema}.{name}" for schema, name in rows
    )


def test_every_page_about_a_feature_tells_its_caveats(root):
    for path in (root / "docs").glob("*.md"):
        if path.name != "architecture.md":
            assert "\n## Caveats\n" in path.read_text(), path.name


def anchors_of(path):
    """Return the fragments that a page's headings can be linked by."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_pages_lead_somewhere(root):
    pages = [root / "README.md", root / "CHANGELOG.md", *(root / "docs").rglob("*.md")]
    for path in pages:
        for link, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", path.read_text()):
            if link.startswith(("http://", "https://")):
                continue
            target = path.parent / link if link else path
            assert target.exists(), f"{path.name}: {link}"
            assert not anchor or anchor in anchors_of(target), f"{path.name}: {link}#{anchor}"


def test_every_page_can_be_found_from_the_readme(root):
    reached, waiting = set(), [root / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for link in re.findall(r"\]\(([^)#]+)", path.read_text()):
            target = (path.parent / link).resolve()
            waiting += [target] if target.suffix == ".md" else sorted(target.glob("*.md"))
    assert set((root / "docs").rglob("*.md")) <= reached


def test_documented_admin_routes_exist(page, has_route):
    section = page("operations").split("## Admin API")[1].split("\n## ")[0]
    for service, cell in [row for row in rows(section) if row[0] not in ("service", "every one")]:
        named = re.findall(r"`(?:(?:GET|POST|PUT) )?([a-z][\w/{}-]*)`", cell)
        assert named, service
        for path in named:
            assert has_route(service, f"/{path}"), f"{service}: {path}"
