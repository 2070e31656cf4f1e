"""Renders charts with the engine beside this file, which is built when it is needed."""

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
CHARTS = ROOT / "deploy" / "helm"
_GO = "/usr/lib/go-1.19/bin/go"

Object = dict[str, Any]


class ChartError(Exception):
    """A chart cannot be rendered with these values. Its text is what Helm would say."""


def engine() -> Path:
    """The engine as a program."""
    sources = sorted((FOLDER / "engine").glob("*.go"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    cache = Path(os.environ.get("STASIS_CACHE_DIR") or Path.home() / ".cache" / "stasis")
    program = cache / "chart-engine" / digest
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        # In the way before modules: from what Debian's packages have put under /usr/share/gocode, and nothing else.
        environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0"}
        environment["GOCACHE"] = str(cache / "chart-engine" / "go")
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            built = Path(folder) / "engine"
            subprocess.run([_GO, "build", "-o", built, *sources], check=True, env=environment, cwd=FOLDER / "engine")
            built.rename(program)
    return program


def run_engine(*arguments: str, standard_input: str | None = None) -> Any:
    """What the engine prints. Raises ChartError with what it complains of."""
    done = subprocess.run([engine(), *arguments], text=True, input=standard_input, capture_output=True, check=False)
    if done.returncode:
        raise ChartError(done.stderr.removeprefix("Error: ").strip())
    return json.loads(done.stdout)


class Rendered:
    """What a chart installs."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.objects: list[Object] = [item["object"] for item in result["objects"]]
        self.hooks: list[Object] = [item["object"] for item in result["hooks"]]
        self.notes: str = result["notes"]

    def __getitem__(self, key: tuple[str, str]) -> Object:
        """The object of a kind and a name."""
        found = self.find(*key)
        assert len(found) == 1, f"{len(found)} objects are {key}"
        return found[0]

    def find(self, kind: str, name: str | None = None) -> list[Object]:
        """The objects of a kind, or of a kind and a name."""
        return [item for item in self.objects if item["kind"] == kind and name in (None, item["metadata"]["name"])]

    def container(self, deployment: str) -> Object:
        """The first container of a Deployment."""
        return self["Deployment", deployment]["spec"]["template"]["spec"]["containers"][0]


def render(chart: str, values: str = "", *arguments: str) -> Rendered:
    """Renders one of our charts.

    values -- a file of values, as YAML; arguments -- more of the engine's own.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(values)
        file.flush()
        return Rendered(run_engine("--values", file.name, *arguments, str(CHARTS / chart)))


def documents(text: str) -> list[Object]:
    """The documents of YAML."""
    return run_engine("--documents", standard_input=text)
