"""Images, compose file, chart and skaffold agree with each other and with the code."""

import importlib.util
import json
import re

import pytest
import yaml

from ratchet.common.platform import FILES

NOT_SERVICES = {"build", "runtime"}


def module_commands(dockerfile):
    """Return target and module of each `python -m` or `celery -A` command."""
    pattern = r'^FROM runtime AS (\S+)(?:\n(?!FROM).*)*?\nCMD \["(?:python", "-m|celery", "-A)", "([\w.]+)"'
    return dict(re.findall(pattern, dockerfile, re.MULTILINE))


def test_every_target_starts_a_module_that_exists(dockerfile, targets):
    commands = module_commands(dockerfile)
    assert set(commands) == targets - NOT_SERVICES
    for module in commands.values():
        spec = importlib.util.find_spec(module)
        assert spec, module
        package = spec.submodule_search_locations is not None
        assert not package or importlib.util.find_spec(f"{module}.__main__"), module


def test_every_service_has_a_target(root, targets):
    services = {path.parent.name for path in (root / "services").glob("*/pyproject.toml")}
    assert services | {"migrate", "worker", "beat"} == targets - NOT_SERVICES


def test_images_hold_what_their_environment_names(dockerfile, root):
    copied = dict(re.findall(r"^COPY (config|infrastructure\S+) (/opt\S+)$", dockerfile, re.MULTILINE))
    assert f"RATCHET_CONFIG_DIR={copied['config']} " in dockerfile
    assert f"RATCHET_MIGRATIONS_DIR={copied['infrastructure/db/migrations']} " in dockerfile
    assert all((root / source).is_dir() for source in copied)
    assert "USER 10001:10001" in dockerfile


def test_compose_names_targets_and_services_that_exist(compose, targets):
    services = compose["services"]
    built = {name: service["build"]["target"] for name, service in services.items() if "build" in service}
    assert set(built.values()) == targets - NOT_SERVICES
    assert {name for name, target in built.items() if name != target} == {"kernels"}
    for name, service in services.items():
        for other in service.get("depends_on") or {}:
            assert other in services, f"{name} depends on {other}"
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or source.startswith(("$", ".", "/")), volume


def test_compose_targets_are_services_of_the_file(compose):
    environment = compose["services"]["execution"]["environment"]
    hosts = {value.split(":")[0] for name, value in environment.items() if name.endswith("_TARGET")}
    assert hosts <= set(compose["services"])
    assert len(hosts) == 7


def test_compose_runs_read_only_without_rights(compose):
    for name, service in compose["services"].items():
        if "build" in service:
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name


def test_every_workload_of_the_chart_has_an_image(values, targets):
    assert set(values["services"]) == targets - NOT_SERVICES - {"migrate"}


def test_every_workload_is_watched(values):
    for name, service in values["services"].items():
        assert service.get("admin") or service.get("probe"), f"{name} has no liveness probe"
        assert service["resources"]["limits"]["memory"], name


def test_schema_lists_the_configuration_files(root):
    schema = json.loads((root / "deploy/helm/ratchet/values.schema.json").read_text())
    assert set(schema["properties"]["config"]["propertyNames"]["enum"]) == set(FILES)


def test_environment_of_every_deployment_is_known_to_the_code(
    dockerfile, compose, values, templates, variables
):
    given = set(re.findall(r"\b(RATCHET_[A-Z_]+)=", dockerfile))
    for service in compose["services"].values():
        given |= set(service.get("environment", {}))
    given |= set(re.findall(r"\{?\s*name: (RATCHET_[A-Z_]+)[,\n]", templates))
    for service in values["services"].values():
        given |= set(service.get("env", {}))
    ratchet = {name for name in given if name.startswith("RATCHET_")}
    assert len(ratchet) > 15
    assert ratchet <= variables


def test_env_example_holds_what_compose_demands(root):
    text = (root / "infrastructure/docker/compose.yaml").read_text()
    demanded = set(re.findall(r"\$\{(\w+):\?", text)) | set(
        re.findall(r"\$\{(POSTGRES_PASSWORD|REDIS_PASSWORD)", text)
    )
    example = (root / "infrastructure/docker/env.example").read_text()
    assert demanded <= set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_the_chart_names_the_keys_of_its_secret(root, variables):
    text = (root / "deploy/helm/ratchet/values.yaml").read_text()
    keys = set(re.findall(r"^# (RATCHET_.*)$", text, re.MULTILINE))
    named = {name for line in keys for name in line.split()}
    assert {"RATCHET_DATABASE_URL", "RATCHET_REDIS_URL", "RATCHET_RPC_TOKEN"} <= named <= variables


@pytest.fixture(scope="module")
def skaffold(root):
    return yaml.safe_load((root / "skaffold.yaml").read_text())


def test_skaffold_builds_every_image_and_deploys_the_chart(skaffold, targets, root):
    built = {artifact["image"]: artifact["docker"] for artifact in skaffold["build"]["artifacts"]}
    assert {docker["target"] for docker in built.values()} == targets - NOT_SERVICES
    assert all(image == f"ratchet/{docker['target']}" for image, docker in built.items())
    assert all((root / docker["dockerfile"]).is_file() for docker in built.values())
    # A `manifests.helm` beside `deploy.helm` silently deploys nothing.
    assert "manifests" not in skaffold
    (release,) = skaffold["deploy"]["helm"]["releases"]
    assert (root / release["chartPath"] / "Chart.yaml").is_file()
    images = {image.replace("/", "_").replace("-", "_"): docker["target"] for image, docker in built.items()}
    keys = {name: f"services.{target}.image" for name, target in images.items()}
    keys["ratchet_migrate"] = "migrations.image"
    wanted = {key: f"{{{{.IMAGE_FULLY_QUALIFIED_{name}}}}}" for name, key in keys.items()}
    assert release["setValueTemplates"] == wanted
