"""Debian's Prometheus, with the alerts of deploy/monitoring, that scrapes what a test names."""

import json
import re
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from testbed.daemon import Daemon, free_port

MONITORING = Path(__file__).resolve().parents[3] / "deploy" / "monitoring"


class Prometheus:
    """A context manager. It scrapes every second, and its alerts fire as soon as they are so: their windows are the real ones."""

    def __init__(self, folder: Path, targets: dict[str, str]) -> None:
        """targets -- address by the name of the job."""
        self._folder = folder
        self._targets = targets
        self._port = free_port()

    def __enter__(self) -> "Prometheus":
        rules = (MONITORING / "rules.yaml").read_text()
        (self._folder / "rules.yaml").write_text(re.sub(r"^( +for:) .*$", r"\1 0s", rules, flags=re.MULTILINE))
        scrapes = [{"job_name": name, "static_configs": [{"targets": [address]}]} for name, address in self._targets.items()]
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{self._folder}/rules.yaml"],
            "scrape_configs": scrapes,
        }
        (self._folder / "prometheus.yml").write_text(json.dumps(configuration))
        self._daemon = Daemon(
            "prometheus",
            [
                "prometheus", f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/data",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            self._folder / "prometheus.log",
        )
        self._daemon.wait_until(self._is_ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._daemon.stop()

    def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire, by name."""
        alerts = self._get("/api/v1/alerts", {})["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    def values(self, expression: str, start: float, end: float) -> list[float]:
        """All values of an expression between two times, of all series."""
        answer = self._get("/api/v1/query_range", {"query": expression, "start": start, "end": end, "step": 1})
        return [float(value) for series in answer["result"] for _, value in series["values"]]

    def _get(self, path: str, parameters: dict[str, Any]) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}?{query}", timeout=20) as response:
            return json.load(response)["data"]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=2):
                return True
        except OSError:
            return False
