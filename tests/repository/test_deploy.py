"""Manifests: they are valid, agree with the image and with the server, and ask for no more than is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from clinsynth.config import load_config
from clinsynth.serve.access import OPEN, scopes_for
from clinsynth.serve.settings import API_KEY_VARIABLE, DATABASE_VARIABLE, ServeConfig

ROOT = Path(__file__).parents[2]
BASE = ROOT / "deploy" / "kubernetes" / "base"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
KUBERNETES = "1.33"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


KUSTOMIZATION = read(BASE / "kustomization.yaml")
COMPOSE = read(ROOT / "deploy" / "compose.yaml")
DEPLOYMENT = read(BASE / "deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]["spec"]
[SERVE] = POD["containers"]


@pytest.mark.parametrize("name", KUSTOMIZATION["resources"])
def test_a_manifest_is_valid(name: str) -> None:
    kubernetes_validate.validate(read(BASE / name), KUBERNETES, strict=True)


def test_the_kustomizations_name_files_that_are_there() -> None:
    files = {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    [generated] = KUSTOMIZATION["configMapGenerator"]
    assert {*KUSTOMIZATION["resources"], *generated["files"]} == files
    gpu = read(BASE.parent / "gpu" / "kustomization.yaml")
    assert gpu["resources"] == ["../base"]
    [patch] = gpu["patches"]
    operations = yaml.safe_load(patch["patch"])
    assert operations[0] == {
        "op": "add",
        "path": "/spec/template/spec/containers/0/resources/limits/nvidia.com~1gpu",
        "value": 1,
    }


def test_the_policies_load_and_requests_may_end() -> None:
    policy = load_config(BASE / "serve.yaml", ServeConfig)
    assert POD["terminationGracePeriodSeconds"] > policy.graceful_seconds + 10
    grace = int(COMPOSE["services"]["serve"]["stop_grace_period"].removesuffix("s"))
    assert grace > ServeConfig().graceful_seconds


def test_probes_ask_what_needs_no_key() -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert SERVE[probe]["httpGet"]["path"] in OPEN
        assert SERVE[probe]["httpGet"]["port"] == "http"
    assert SERVE["livenessProbe"]["httpGet"]["path"] == "/livez", "a dead engine is not a dead server"
    assert SERVE["startupProbe"]["periodSeconds"] * SERVE["startupProbe"]["failureThreshold"] >= 600


def test_the_pod_may_do_no_more_than_it_must() -> None:
    assert POD["securityContext"]["runAsNonRoot"]
    assert f"USER {POD['securityContext']['runAsUser']}" in DOCKERFILE
    assert not POD["automountServiceAccountToken"]
    rights = SERVE["securityContext"]
    assert rights["readOnlyRootFilesystem"]
    assert not rights["allowPrivilegeEscalation"]
    assert rights["capabilities"] == {"drop": ["ALL"]}
    mounts = {mount["mountPath"]: mount for mount in SERVE["volumeMounts"]}
    assert mounts["/model"]["readOnly"]
    assert {"/tmp", "/data", "/home/clinsynth", "/dev/shm"} <= set(mounts)


def test_secrets_come_from_secrets() -> None:
    names = {one["name"] for one in SERVE["env"]}
    assert names == {API_KEY_VARIABLE, DATABASE_VARIABLE}
    assert all("secretKeyRef" in one["valueFrom"] for one in SERVE["env"])
    environment = COMPOSE["services"]["serve"]["environment"]
    assert set(environment) == names
    assert all("${" in value for value in environment.values())


def test_the_network_is_closed_but_for_what_is_named() -> None:
    policy = read(BASE / "network.yaml")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert all(rule["ports"] for rule in (*policy["ingress"], *policy["egress"]))
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 5432}
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert read(BASE / "service.yaml")["spec"]["selector"].items() <= labels.items()


def test_compose_opens_nothing_to_others() -> None:
    services = COMPOSE["services"]
    assert {"serve", "postgres", "prometheus"} == set(services)
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert services["postgres"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"]
    assert f"AS {services['serve']['build']['target']}" in DOCKERFILE
    assert services["serve"]["read_only"]
    config = services["serve"]["command"][-1]
    assert (ROOT / config.removeprefix("/opt/clinsynth/")).is_file()


def test_prometheus_shows_a_key_of_the_right_scope() -> None:
    [job] = read(ROOT / "deploy" / "prometheus.yaml")["scrape_configs"]
    assert (
        job["authorization"]["credentials_file"]
        == COMPOSE["services"]["prometheus"]["configs"][0]["target"]
    )
    assert scopes_for(job.get("metrics_path", "/metrics")) == {"metrics"}
    port = job["static_configs"][0]["targets"][0].split(":")[1]
    assert port in COMPOSE["services"]["serve"]["command"]
