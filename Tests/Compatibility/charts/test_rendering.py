"""What the charts install, beside what `kubectl apply -k deploy` installs and what the programs take."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from charts import upstream
from charts.rendering import CHARTS, ROOT, ChartError, Object, Rendered, documents, render

#: The charts, each with values without which it does not render, and the same ones as the stand-in for Helm's words.
KEY = "server: {apiKeySecret: {name: key}}"
NEEDED = {"stasis-controller": "", "stasis-server": KEY, "stasis": f"opensandbox-server: {{{KEY}}}"}
SECRETS = "controller: {snapshot: {snapshotPushSecret: registry-snapshot-push-secret, resumePullSecret: registry-pull-secret}"
#: Set to something else, these are errors, and told by tests of their own.
REFUSED = {"server.gateway.enabled"}
#: These say something only together with others.
TOGETHER = {
    "rbac.clusterWide": {"controller.watchNamespaces": ["a"]},
    "networkPolicy.ingress": {"networkPolicy.enabled": True},
    "networkPolicy.egress": {"networkPolicy.enabled": True},
    "crds.annotations": {},
    "controller.metrics.serviceMonitor.interval": {"controller.metrics.serviceMonitor.enabled": True},
    "controller.metrics.serviceMonitor.labels": {"controller.metrics.serviceMonitor.enabled": True},
    "controller.leaderElection.enabled": {"controller.replicaCount": 1},
    "controller.livenessProbe.httpGet.port": {"controller.readinessProbe.httpGet.port": 9999},
    "controller.readinessProbe.httpGet.port": {"controller.livenessProbe.httpGet.port": 9999},
    "server.apiKeySecret.key": {},
    "serviceAccount.create": {"serviceAccount.name": "somebody"},
}


@pytest.fixture(scope="session")
def programs() -> Path:
    folder = Path(os.environ.get("STASIS_BIN_DIR", ""))
    assert folder.is_absolute(), "STASIS_BIN_DIR names the folder with the built programs"
    return folder


def applied(*folders: str) -> dict[tuple[str, str], Object]:
    """What is applied of folders of deploy, by kinds and names."""
    found = {}
    for folder in folders:
        for path in sorted((ROOT / "deploy" / folder).glob("*.yaml")):
            for item in documents(path.read_text()):
                if item.get("kind") not in (None, "Kustomization") and "metadata" in item:
                    found[item["kind"], item["metadata"]["name"]] = item
    return found


def dialects() -> list[str]:
    """The dialects besides OpenSandbox's that the chart has."""
    return sorted(path.name for path in (CHARTS / "stasis-controller" / "files").iterdir() if path.name not in ("crds", "controller"))


def of_all_dialects(more: str = "") -> Rendered:
    names = ", ".join(dialects())
    return render("stasis-controller", f"controller: {{dialects: [{names}]}}\n{more}", "--api-version", "policy/v1/PodDisruptionBudget")


def flags(rendered: Rendered, name: str = "stasis-controller") -> dict[str, str]:
    return dict(argument.removeprefix("--").split("=", 1) for argument in rendered.container(name)["args"])


# MARK: The definitions


def test_definitions_are_those_of_deploy() -> None:
    wanted = applied("crds", *(f"{dialect}/crds" for dialect in dialects()))
    found = {("CustomResourceDefinition", item["metadata"]["name"]): item for item in of_all_dialects().find("CustomResourceDefinition")}
    assert found.keys() == wanted.keys()
    for key, item in found.items():
        assert item["spec"] == wanted[key]["spec"], key
        assert (wanted[key]["metadata"].get("annotations") or {}).items() <= item["metadata"]["annotations"].items()
        assert item["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_each_dialect_is_in_the_chart() -> None:
    for role in (ROOT / "deploy").glob("*/controller/controller-role.yaml"):
        assert role.parents[1].name in dialects(), f"link {role.parents[1]} into the chart's files"


def test_definitions_can_be_left_out_and_need_not_stay() -> None:
    assert not render("stasis-controller", "crds: {install: false}").find("CustomResourceDefinition")
    for item in render("stasis-controller", "crds: {keep: false}").find("CustomResourceDefinition"):
        assert "helm.sh/resource-policy" not in (item["metadata"].get("annotations") or {})
    assert not (CHARTS / "stasis-controller" / "crds").exists(), "Helm never upgrades what is in a folder of that name"


# MARK: Rights


def test_rights_are_those_of_deploy() -> None:
    there = [dialect for dialect in dialects() if (ROOT / "deploy" / dialect).is_dir()]
    wanted = applied("controller", *(f"{dialect}/controller" for dialect in there))
    rendered = render("stasis-controller", f"{SECRETS}, dialects: [{', '.join(there)}]}}")
    for kind in ("ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"):
        assert {item["metadata"]["name"] for item in rendered.find(kind)} == {name for of, name in wanted if of == kind}
        for item in rendered.find(kind):
            same = wanted[kind, item["metadata"]["name"]]
            for field in ("rules", "roleRef"):
                assert item.get(field) == same.get(field), (kind, item["metadata"]["name"])
            for subject in item.get("subjects", ()):
                assert subject == {"kind": "ServiceAccount", "name": "stasis-controller", "namespace": "default"}


def test_server_has_the_rights_of_deploy_where_its_sandboxes_are() -> None:
    wanted = applied("server-namespace")
    rendered = render("stasis-server", KEY + "\nrbac: {namespaces: [red, blue]}")
    for kind in ("Role", "RoleBinding"):
        assert {item["metadata"]["namespace"] for item in rendered.find(kind)} == {"red", "blue"}
        for item in rendered.find(kind):
            assert item.get("rules") == wanted[kind, "stasis-server"].get("rules")
    assert not rendered.find("ClusterRole")


def test_no_secret_can_be_read_without_a_name() -> None:
    for values, names in (("", None), ("controller: {snapshot: {resumePullSecret: one}}", ["one"])):
        rules = [rule for rule in render("stasis-controller", values)["ClusterRole", "stasis-controller"]["rules"] if "secrets" in rule["resources"]]
        assert [rule["resourceNames"] for rule in rules] == ([names] if names else [])


def test_a_confined_controller_has_its_rights_in_some_namespaces() -> None:
    rendered = render("stasis-controller", "controller: {watchNamespaces: [red, blue]}\nrbac: {clusterWide: false}")
    assert [item["metadata"]["name"] for item in rendered.find("ClusterRoleBinding")] == ["stasis-controller-metrics-access"]
    confined = {item["metadata"]["namespace"] for item in rendered.find("RoleBinding", "stasis-controller")}
    assert confined == {"red", "blue"}
    assert flags(rendered)["watch-namespaces"] == "red,blue"


def test_who_uninstalls_may_patch_all_that_has_finalizers() -> None:
    rendered = of_all_dialects()
    (role,) = [item for item in rendered.hooks if item["kind"] == "ClusterRole"]
    assert all(rule["verbs"] == ["get", "list", "patch"] for rule in role["rules"])
    allowed = {f"{kind}.{group}" for rule in role["rules"] for group in rule["apiGroups"] for kind in rule["resources"]}
    assert allowed == {
        "batchsandboxes.sandbox.opensandbox.io", "sandboxsnapshots.sandbox.opensandbox.io", "sandboxes.agents.kruise.io",
        "checkpoints.agents.kruise.io", "sandboxes.agents.x-k8s.io",
    }
    assert {item["metadata"]["annotations"]["helm.sh/hook"] for item in rendered.hooks} == {"post-delete"}
    weights = [(int(item["metadata"]["annotations"]["helm.sh/hook-weight"]), item["kind"]) for item in rendered.hooks]
    assert weights[-1] == (0, "Job") and all(weight < 0 for weight, _ in weights[:-1])


# MARK: Flags


def test_flags_are_known_to_the_controller(programs: Path) -> None:
    help_text = subprocess.run([programs / "stasis-controller", "--help"], check=True, text=True, stdout=subprocess.PIPE).stdout
    served = re.findall(r"The families of kinds that are worked on: ([^.]*)\.", help_text)[0].split(", ")
    names = [dialect for dialect in dialects() if dialect in served]
    rendered = render("stasis-controller", f"controller: {{dialects: [{', '.join(names)}]}}")
    known = set(re.findall(r"^  --([a-z0-9-]+)", help_text, re.MULTILINE))
    full = render("stasis-controller", "controller:\n" + upstream.indented(FULL))
    for chart in (rendered, full):
        assert flags(chart).keys() <= known
    # What is wrong with their values is told with 64; that there is no such cluster, with 1.
    for chart in (rendered, full):
        command = [programs / "stasis-controller", *chart.container("stasis-controller")["args"], "--kubeconfig=/nowhere"]
        done = subprocess.run(command, text=True, capture_output=True, timeout=30, check=False)
        assert done.returncode == 1, done.stderr


FULL = """\
logLevel: debug
logEncoder: console
kubeClient: {qps: 50.5, burst: 100}
dialects: [kruise]
watchNamespaces: [a, b]
metrics: {enabled: true, port: 9443, secure: false}
flags: {resume-timeout: 5m, max-pause-replicas: 4, zap-devel: true}
snapshot:
  imageCommitterImage: registry.example/stasis-committer@sha256:0000000000000000000000000000000000000000000000000000000000000000
  containerdSocketPath: /run/k3s/containerd/containerd.sock
  containerdRoot: ""
  commitJobTimeout: 5m
  registry: registry.example/snapshots
  registryInsecure: true
  snapshotPushSecret: push
  resumePullSecret: pull
  deletePolicy: Delete
  retention: 3
"""


def test_values_become_flags() -> None:
    found = flags(render("stasis-controller", "controller:\n" + upstream.indented(FULL)))
    assert found == {
        "commit-job-timeout": "5m", "containerd-root": "", "containerd-socket-path": "/run/k3s/containerd/containerd.sock",
        "dialects": "opensandbox,kruise", "health-probe-bind-address": ":8081",
        "image-committer-image": "registry.example/stasis-committer@sha256:" + "0" * 64, "kube-client-burst": "100",
        "kube-client-qps": "50.5", "leader-elect": "true", "leader-election-namespace": "default", "max-pause-replicas": "4",
        "metrics-bind-address": ":9443", "metrics-secure": "false", "resume-pull-secret": "pull", "resume-timeout": "5m",
        "snapshot-delete-policy": "Delete", "snapshot-push-secret": "push", "snapshot-registry": "registry.example/snapshots",
        "snapshot-registry-insecure": "true", "snapshot-retention": "3", "watch-namespaces": "a,b", "zap-devel": "true",
        "zap-encoder": "console", "zap-log-level": "debug",
    }


def test_defaults_are_those_of_deploy_and_of_the_controller(programs: Path) -> None:
    found = flags(render("stasis-controller"))
    (written,) = documents((ROOT / "deploy" / "controller" / "controller.yaml").read_text())
    for name, value in written.items():
        assert found[name] == str(value).replace("True", "true"), name
    help_text = subprocess.run([programs / "stasis-controller", "--help"], check=True, text=True, stdout=subprocess.PIPE).stdout
    defaults = dict(re.findall(r"^  --([a-z0-9-]+)\S* \((.*)\)$", help_text, re.MULTILINE))
    own = {"leader-election-namespace", "image-committer-image", "metrics-bind-address", *written}
    for name in found.keys() - own:
        assert found[name] == defaults.get(name), name


# MARK: Pods


@pytest.mark.parametrize("program", ["controller", "server"])
def test_pods_are_those_of_deploy(program: str) -> None:
    name = f"stasis-{program}"
    pod = render(name, NEEDED[name])["Deployment", name]["spec"]["template"]["spec"]
    same = applied(program)["Deployment", name]["spec"]["template"]["spec"]
    (container,), (other,) = pod["containers"], same["containers"]
    for field in ("securityContext", "resources", "ports", "name"):
        assert container[field] == other[field], field
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == other[probe]["httpGet"]["path"]
        assert {key: value for key, value in other[probe].items() if key != "httpGet"}.items() <= container[probe].items()
    if program == "controller":
        assert container["env"] == other["env"]
    for field in ("securityContext", "serviceAccountName", "terminationGracePeriodSeconds", "enableServiceLinks"):
        assert pod[field] == same[field], field


def test_images() -> None:
    digest = "sha256:" + "a" * 64
    for values, controller, committer in (
        ("", "stasis-controller:0.1.0", "stasis-committer:0.1.0"),
        ("global: {imageRegistry: r.example/x/}", "r.example/x/stasis-controller:0.1.0", "r.example/x/stasis-committer:0.1.0"),
        ("controller: {image: {repository: r/y/controller, tag: 1}}", "r/y/controller:1", "r/y/stasis-committer:1"),
        (f"controller: {{image: {{digest: '{digest}'}}}}", f"stasis-controller@{digest}", "stasis-committer:0.1.0"),
        ("controller: {snapshot: {imageCommitterImage: r/c:2}}", "stasis-controller:0.1.0", "r/c:2"),
    ):
        rendered = render("stasis-controller", values)
        assert rendered.container("stasis-controller")["image"] == controller
        assert flags(rendered)["image-committer-image"] == committer


def test_pull_secrets_of_the_release_and_of_the_chart() -> None:
    rendered = render("stasis", NEEDED["stasis"] + "\nglobal: {imagePullSecrets: [{name: a}]}\nopensandbox-controller: {imagePullSecrets: [{name: b}]}")
    for name, wanted in (("stasis-controller", ["b", "a"]), ("stasis-server", ["a"])):
        pod = rendered["Deployment", name]["spec"]["template"]["spec"]
        assert [secret["name"] for secret in pod["imagePullSecrets"]] == wanted


def test_a_disruption_budget_is_of_the_version_that_is_served() -> None:
    for served, version in (((), "policy/v1beta1"), (("--api-version", "policy/v1/PodDisruptionBudget"), "policy/v1")):
        assert render("stasis-controller", "", *served)["PodDisruptionBudget", "stasis-controller"]["apiVersion"] == version
    assert not render("stasis-controller", "controller: {replicaCount: 1}").find("PodDisruptionBudget")


# MARK: Values


def leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value with the path of names to it. An empty map is one."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


def other(path: str, value: Any) -> Any:
    """Another value of the same type."""
    name = path.rpartition(".")[2]
    words = {"affinity": {"nodeAffinity": {}}, "digest": "sha256:" + "1" * 64, "pullPolicy": "Always", "logEncoder": "console"}
    words |= {"deletePolicy": "Delete", "commitJobTimeout": "7m", "interval": "7s", "containerdSocketPath": "/other", "drop": ["X"]}
    words |= {"dialects": ["kruise"], "watchNamespaces": ["other"], "namespaces": ["other"], "repository": "other", "path": "/other"}
    words |= {"flags": {"resume-timeout": "7m"}, "tenantsToml": 'namespace = "other"', "batchsandboxTemplate": "spec: {a: b}\n"}
    if name in words:
        return words[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return 9999 if name == "port" else value + 3
    if isinstance(value, dict):
        return {"other": "1"}
    if isinstance(value, list):
        return [{"name": "other"}]
    return f"{value}other" if name == "configToml" else "other"


def put(values: dict[str, Any], path: str, value: Any) -> None:
    *names, last = path.split(".")
    for name in names:
        values = values.setdefault(name, {})
    values[last] = value


@pytest.mark.parametrize("chart", ["stasis-controller", "stasis-server"])
def test_each_value_says_something(chart: str) -> None:
    (defaults,) = documents((CHARTS / chart / "values.yaml").read_text())
    (needed,) = documents(NEEDED[chart] or "{}")
    silent = []
    known: dict[str, str] = {}

    def rendered(values: dict[str, Any]) -> str:
        text = json.dumps(values)
        if text not in known:
            found = render(chart, text)
            known[text] = json.dumps([found.objects, found.hooks])
        return known[text]

    for path, value in leaves(defaults):
        if path in REFUSED:
            continue
        before: dict[str, Any] = deepcopy(needed)
        for name, also in TOGETHER.get(path, {}).items():
            put(before, name, also)
        after = deepcopy(before)
        put(after, path, other(path, value))
        if path.endswith("Probe.httpGet.port"):
            before = deepcopy(needed)
        if rendered(before) == rendered(after):
            silent.append(path)
    assert not silent, f"nothing comes of {silent}"


@pytest.mark.parametrize("chart", ["stasis-controller", "stasis-server", "stasis"])
def test_unknown_values_are_reported(chart: str) -> None:
    (schema,) = [json.loads((CHARTS / chart / "values.schema.json").read_text())]
    (defaults,) = documents((CHARTS / chart / "values.yaml").read_text())
    paths = {""} | {path.rpartition(".")[0] for path, _ in leaves(defaults)}
    closed = set()
    for path in sorted(paths):
        described = schema
        for name in filter(None, path.split(".")):
            described = described.get("properties", {}).get(name, {})
        if described.get("additionalProperties") is not False:
            continue
        values = documents(NEEDED[chart])[0] if NEEDED[chart] else {}
        put(values, f"{path}.replicacount" if path else "replicacount", 1)
        with pytest.raises(ChartError, match="replicacount is not allowed"):
            render(chart, json.dumps(values))
        closed.add(path)
    assert closed >= {"stasis-controller": {"", "controller", "crds"}, "stasis-server": {"", "server"}, "stasis": {""}}[chart]


def test_unknown_values_of_subcharts_are_reported() -> None:
    with pytest.raises(ChartError, match=r"(?s)opensandbox-controller:.*contoller is not allowed"):
        render("stasis", NEEDED["stasis"] + "\nopensandbox-controller: {contoller: {}}")


def test_wrong_types_are_reported() -> None:
    for values, message in (
        ("controller: {replicaCount: two}", "controller.replicaCount: Invalid type"),
        ("controller: {snapshot: {commitJobTimeout: ten minutes}}", "commitJobTimeout: Does not match pattern"),
        ("controller: {snapshot: {deletePolicy: Never}}", "deletePolicy must be one of"),
    ):
        with pytest.raises(ChartError, match=message):
            render("stasis-controller", values)


@pytest.mark.parametrize(
    ("chart", "values", "message"),
    [
        ("stasis-controller", "controller: {leaderElection: {enabled: false}}", "without controller.leaderElection.enabled there may be one only"),
        ("stasis-controller", "controller: {dialects: [other]}", "this chart has no dialect other"),
        ("stasis-controller", "controller: {image: {repository: r.example/opensandbox/controller}}", "is OpenSandbox's controller"),
        ("stasis-controller", "controller: {snapshot: {imageCommitterImage: 'r.example/image-committer:v0.1.0'}}", "is OpenSandbox's committer"),
        ("stasis-controller", "controller: {readinessProbe: {httpGet: {port: 1}}}", "both probes are answered at one port"),
        ("stasis-controller", "serviceAccount: {create: false}", "name the account that there is"),
        ("stasis-server", "", "name a Secret with the API key"),
        ("stasis-server", KEY[:-1] + ", gateway: {enabled: true}}", "ingress gateway is no part of this chart"),
        ("stasis-server", "server: {image: {repository: r.example/opensandbox/server}}\nconfigToml: 'api_key = \"a\"'", "is OpenSandbox's server"),
    ],
)
def test_what_cannot_work_is_said(chart: str, values: str, message: str) -> None:
    with pytest.raises(ChartError, match=message):
        render(chart, values)


def test_names() -> None:
    values = "fullnameOverride: mine\nnamespaceOverride: there"
    for chart in ("stasis-controller", "stasis-server"):
        rendered = render(chart, f"{NEEDED[chart]}\n{values}", "--namespace", "elsewhere")
        for item in rendered.objects + rendered.hooks:
            name, namespace = item["metadata"]["name"], item["metadata"].get("namespace")
            if item["kind"] != "CustomResourceDefinition":
                assert name.startswith("mine"), name
                assert namespace in (None, "there") or chart == "stasis-server" and namespace == "opensandbox"
    assert flags(render("stasis-controller", values), "mine")["leader-election-namespace"] == "there"


def test_all_in_one_is_its_parts() -> None:
    whole = render("stasis", NEEDED["stasis"])
    parts = render("stasis-controller").objects + render("stasis-server", KEY).objects
    assert sorted(map(json.dumps, whole.objects)) == sorted(map(json.dumps, parts))
    for part, other_part in (("controller", "server"), ("server", "controller")):
        values = f"opensandbox-{other_part}: {{enabled: false}}\n" + (f"opensandbox-server: {{{KEY}}}" if part == "server" else "")
        names = {item["metadata"]["name"] for item in render("stasis", values).find("Deployment")}
        assert names == {f"stasis-{part}"}


def test_notes_say_what_to_do_next() -> None:
    assert "set controller.snapshot.registry" in render("stasis-controller").notes
    ready = render("stasis-controller", SECRETS.replace("snapshot: {", "snapshot: {registry: r/x, ") + "}", "--namespace", "there").notes
    assert "rollout status deployment/stasis-controller --namespace there" in ready
    assert "docker-registry registry-snapshot-push-secret" in ready and "Nothing can be paused" not in ready
    assert "port-forward service/stasis-server 8080:80 --namespace default" in render("stasis", NEEDED["stasis"]).notes


# MARK: The server's configuration


def check_config(programs: Path, rendered: Rendered, folder: Path) -> str:
    """What the server says of the configuration that a chart gives it."""
    data = rendered["ConfigMap", "stasis-server-config"]["data"]
    for name, text in data.items():
        (folder / name).write_text(text.replace("/etc/opensandbox/", f"{folder}/"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "443"}
    for variable in rendered.container("stasis-server")["env"]:
        environment[variable["name"]] = variable.get("value", "a-key")
    if secrets := rendered.find("Secret"):
        (folder / "tenants.toml").write_bytes(base64.b64decode(secrets[0]["data"]["tenants.toml"]))
        environment["SANDBOX_TENANTS_CONFIG_PATH"] = str(folder / "tenants.toml")
    command = [programs / "stasis-server", "--config", folder / "config.toml", "--check-config"]
    done = subprocess.run(command, text=True, capture_output=True, env=environment, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_server_takes_its_configuration(programs: Path, tmp_path: Path) -> None:
    rendered = render("stasis-server", KEY)
    check_config(programs, rendered, tmp_path)
    written = documents(json.dumps({"text": (ROOT / "deploy" / "server" / "stasis.toml").read_text()}))[0]["text"]
    without_comment = written.partition("\n")[2]
    assert rendered["ConfigMap", "stasis-server-config"]["data"]["config.toml"] == without_comment


def test_tenants(programs: Path, tmp_path: Path) -> None:
    tenants = '[[tenants]]\nname = "red"\nnamespace = "sandboxes-red"\napi_keys = ["a-long-random-text"]\n'
    configuration = '[server]\nport = 8080\n[tenants]\n[runtime]\ntype = "kubernetes"\nexecd_image = "x"\n'
    values = json.dumps({"tenantsToml": tenants, "configToml": configuration})
    rendered = render("stasis-server", values)
    check_config(programs, rendered, tmp_path)
    assert [item["metadata"]["namespace"] for item in rendered.find("Role")] == ["sandboxes-red"]
    assert "a-long-random-text" not in json.dumps(rendered.find("ConfigMap"))


def test_a_port_that_nobody_may_have_is_another_one() -> None:
    for given, port in (("80", 8080), ("1023", 8080), ("1024", 1024), ("9000", 9000), ("443   # tls", 8080)):
        values = {"configToml": f'[server]\nmetrics_port = 9090\nport = {given}\napi_key = "a"\n'}
        rendered = render("stasis-server", json.dumps(values))
        assert rendered.container("stasis-server")["ports"] == [{"name": "http", "containerPort": port}]
        text = rendered["ConfigMap", "stasis-server-config"]["data"]["config.toml"]
        assert f"\nport = {port}" in text and "metrics_port = 9090" in text


# MARK: OpenSandbox's values


def test_values_of_upstream_s_controller_chart() -> None:
    rendered = render("stasis-controller", upstream.CONTROLLER)
    found = flags(rendered)
    assert found["snapshot-registry"] == "registry.example.com/sandboxes" and found["kube-client-burst"] == "200"
    assert found["image-committer-image"] == "stasis-committer:0.1.0"
    deployment = rendered["Deployment", "stasis-controller"]
    assert deployment["metadata"]["namespace"] == "opensandbox-system" and deployment["spec"]["replicas"] == 1
    container = rendered.container("stasis-controller")
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "128Mi"}
    assert {"name": "CUSTOM_VAR", "value": "custom-value"} in container["env"]
    assert container["livenessProbe"]["timeoutSeconds"] == 1


def test_values_of_upstream_s_server_chart(programs: Path, tmp_path: Path) -> None:
    rendered = render("stasis-server", upstream.SERVER)
    assert " 0 errors, 4 warnings" in check_config(programs, rendered, tmp_path)
    assert rendered["Service", "stasis-server"]["spec"]["ports"][0]["port"] == 80
    assert [item["metadata"]["namespace"] for item in rendered.find("Role")] == ["opensandbox"]


def test_values_of_upstream_s_all_in_one_chart() -> None:
    rendered = render("stasis", upstream.ALL_IN_ONE)
    assert flags(rendered)["snapshot-push-secret"] == "registry-snapshot-push-secret"
    assert rendered["Deployment", "stasis-server"]["spec"]["replicas"] == 2
