"""`stasis-server --check-config` tells what is wrong, and starts nothing."""

import subprocess
from pathlib import Path

import pytest


def check(program: Path, file: Path, text: str) -> tuple[int, list[str]]:
    file.write_text(text)
    command = [program, "--config", file, "--check-config"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env={"HOME": str(file.parent)})
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "server.toml"


def test_usable(program: Path, file: Path) -> None:
    status, lines = check(program, file, '[server]\napi_key = "k"\nhots = 1\n')
    assert status == 0
    # What is not on this machine now, containerd's usual socket above all, is a warning as well.
    told = [line.split(": ")[:2] for line in lines[:-1]]
    assert ["warning", "server.hots"] in told
    assert {key for _, key in told} <= {"server.hots", "local.containerd_socket", "local.network", "local"}
    assert {kind for kind, _ in told} == {"warning"}
    assert "Was 'server.host' meant?" in "\n".join(lines)
    assert sorted(path.name for path in file.parent.iterdir()) == ["server.toml"], "nothing was made"


def test_not_usable(program: Path, file: Path) -> None:
    status, lines = check(program, file, '[server]\nport = "x"\n[local]\nstate_dir = "relative"\nnovelty = 1\n')
    assert status == 1
    keys = [tuple(line.split(": ")[:2]) for line in lines[:-1]]
    assert keys == [
        ("error", "server.port"), ("error", "server.api_key"), ("error", "local.state_dir"), ("warning", "local.novelty"),
    ]


def test_unknown_argument(program: Path) -> None:
    assert subprocess.run([program, "--no-such-flag"], capture_output=True, timeout=30).returncode == 64


def test_what_it_names_on_this_machine(program: Path, file: Path) -> None:
    (file.parent / "file").write_text("no json")
    text = f'''
[server]
api_key = "k"
[local]
state_dir = "{file.parent}/file/state"
containerd_socket = "{file.parent}/file"
registry_config = "{file.parent}/file"
'''
    status, lines = check(program, file, text)
    assert status == 1
    keys = [line.split(": ")[1] for line in lines if line.startswith("error: ")]
    assert keys == ["local.state_dir", "local.containerd_socket", "local.registry_config"]
    assert sorted(path.name for path in file.parent.iterdir()) == ["file", "server.toml"], "nothing was made"
