"""The official client for Python, in an environment of its own."""

import platform
import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "python_client"


def make_python_environment(cache: Path) -> tuple[Path, Path, str]:
    """Its interpreter, the program to run with it, and its name. Made anew when requirements.txt changes."""
    environment = cache / "kubernetes-client"
    requirements = _FOLDER / "requirements.txt"
    wanted = f"{requirements.read_text()}{sys.version}"
    made_from = environment / "made-from"
    if not made_from.exists() or made_from.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        install = ["install", "--quiet", "--disable-pip-version-check", "--requirement", requirements]
        subprocess.run([environment / "bin/pip", *install], check=True)
        made_from.write_text(wanted)
    client = requirements.read_text().split()[0].replace("==", " ")
    return environment / "bin/python", _FOLDER / "measure.py", f"{client} (Python {platform.python_version()})"
