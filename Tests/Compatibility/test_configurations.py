"""The server takes every configuration that stands in the documentation, and warns of nothing in it."""

import subprocess
from pathlib import Path

import pytest

from cluster.page import Page, replaced

KEY = '[server]\napi_key = "k"\n'


def check(program: Path, folder: Path, text: str) -> None:
    """What is not on this machine, as containerd at its usual place, is warned of, and no mistake of the page."""
    file = folder / "stasis.toml"
    file.write_text(text)
    done = subprocess.run(
        [program, "--config", file, "--check-config"], capture_output=True, text=True, timeout=30, env={"HOME": str(folder)}, check=False
    )
    told = [line for line in done.stdout.splitlines()[:-1] if not line.startswith(("warning: local.containerd_socket:", "warning: local.network"))]
    assert done.returncode == 0 and not told, done.stdout


def test_readme(program: Path, tmp_path: Path) -> None:
    for text in Page("../README.md").take("A tour in twenty lines", language="toml"):
        check(program, tmp_path, text)


def test_getting_started(program: Path, tmp_path: Path) -> None:
    login = tmp_path / "config.json"
    login.write_text('{"auths": {}}')
    for text in Page("getting-started.md").take("Snapshots in a registry", language="toml"):
        check(program, tmp_path, KEY + replaced(text, {"/root/.docker/config.json": login}))


@pytest.mark.parametrize(("page", "heading"), [("e2b.md", "The E2B API"), ("ui.md", "Turning it off")])
def test_tables(program: Path, tmp_path: Path, page: str, heading: str) -> None:
    for text in Page(page).take(heading, language="toml"):
        check(program, tmp_path, KEY + text)


def test_kubernetes_with_tenants(program: Path, tmp_path: Path) -> None:
    page = Page("configuration.md")
    tenants, template, kubeconfig = tmp_path / "tenants.toml", tmp_path / "template.yaml", tmp_path / "kubeconfig"
    [text] = page.take("Keys and tenants", language="toml")
    tenants.write_text(text)
    template.write_text("spec: {template: {spec: {restartPolicy: Always}}}\n")
    [example] = page.take("An example for Kubernetes", language="toml")
    check(program, tmp_path, replaced(example, {"/etc/stasis/tenants/tenants.toml": tenants, "/etc/stasis/template.yaml": template}))
    assert not page.rest
