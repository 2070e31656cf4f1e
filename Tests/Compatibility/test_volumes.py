"""Folders are mounted into sandboxes: they stay through pauses, are in no image, and nothing leads out of them."""

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import OSSFS, PVC, Host, Volume

from conftest import shell_of
from sdk import Sdk
from testbed import Testbed
from wire import Wire


@pytest.fixture
def folder(testbed: Testbed) -> Path:
    """A folder of the machine that may be mounted."""
    folder = testbed.server.shared / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def claim(testbed: Testbed) -> Iterator[tuple[str, Path]]:
    """The name of a volume that does not exist yet, and where it will be."""
    name = f"claim-{uuid.uuid4().hex[:8]}"
    folder = testbed.server.state / "volumes" / name
    yield name, folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def host(path: Path | str, mount_path: str = "/mnt/data", **arguments: Any) -> Volume:
    return Volume(name="data", host=Host(path=str(path)), mount_path=mount_path, **arguments)


def refusal(sdk: Sdk, testbed: Testbed, *volumes: Volume) -> tuple[int, str]:
    with pytest.raises(SandboxApiException) as caught:
        sdk.create(testbed.image, volumes=list(volumes))
    return caught.value.status_code, caught.value.error.code


def files_of_image(reference: str, folder: Path) -> list[str]:
    """The names in the last layer of an image in a registry."""
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", f"docker://{reference}", f"dir:{folder}"],
        check=True,
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    layer = folder / manifest["layers"][-1]["digest"].removeprefix("sha256:")
    return subprocess.check_output(["tar", "-tzf", str(layer)], text=True).splitlines()


def test_a_host_folder_through_a_pause(sdk: Sdk, wire: Wire, testbed: Testbed, folder: Path, tmp_path: Path) -> None:
    (folder / "before").write_text("from outside\n")
    sandbox = sdk.create(testbed.image, volumes=[host(folder)])
    shell = shell_of(sdk, sandbox)
    assert shell.run("cat /mnt/data/before").strip() == "from outside"
    shell.run("echo from inside >/mnt/data/inside; echo root >/in-the-root")
    assert (folder / "inside").read_text() == "from inside\n"

    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    assert testbed.everything_left() == []
    assert sorted(path.name for path in folder.iterdir()) == ["before", "inside"]
    part = wire.get(f"/v1/sandboxes/{sandbox.id}").json["artifact"]["parts"][0]
    names = files_of_image(part["reference"], tmp_path / "image")
    assert "in-the-root" in names and "mnt/data/" in names
    assert not [name for name in names if name.startswith("mnt/data/") and name != "mnt/data/"]

    (folder / "meanwhile").write_text("while it was paused\n")
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    shell = shell_of(sdk, resumed)
    assert shell.run("cat /mnt/data/inside /mnt/data/meanwhile /in-the-root").split("\n")[:3] == [
        "from inside", "while it was paused", "root",
    ]
    sdk(resumed.kill())
    assert sorted(path.name for path in folder.iterdir()) == ["before", "inside", "meanwhile"]


def test_a_folder_that_is_gone_keeps_it_paused(sdk: Sdk, testbed: Testbed, folder: Path) -> None:
    sandbox = sdk.create(testbed.image, volumes=[host(folder)])
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    folder.rmdir()
    sdk(sdk.manager.resume_sandbox(sandbox.id))
    while (info := sdk(sdk.manager.get_sandbox_info(sandbox.id))).status.state == "Resuming":
        time.sleep(0.05)
    assert (info.status.state, info.status.reason) == ("Paused", "VolumeUnavailable")
    folder.mkdir()
    sdk(sdk.manager.resume_sandbox(sandbox.id))
    sdk.wait_for(sandbox.id, "Running")


def test_read_only(sdk: Sdk, testbed: Testbed, folder: Path) -> None:
    (folder / "file").write_text("text\n")
    sandbox = sdk.create(testbed.image, volumes=[host(folder, read_only=True)])
    shell = shell_of(sdk, sandbox)
    assert shell.run("cat /mnt/data/file; touch /mnt/data/new 2>&1 || true; rm /mnt/data/file 2>&1 || true").startswith("text\n")
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_sub_paths_and_a_file(sdk: Sdk, testbed: Testbed, folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "file").write_text("in a\n")
    (folder / "link").symlink_to("a")
    volumes = [
        Volume(name="sub", host=Host(path=str(folder)), mount_path="/sub", sub_path="a"),
        Volume(name="linked", host=Host(path=str(folder)), mount_path="/linked", sub_path="link"),
        Volume(name="made", host=Host(path=str(folder / "new" / "er")), mount_path="/made/here"),
        Volume(name="file", host=Host(path=str(folder / "a" / "file")), mount_path="/etc/file"),
        Volume(name="within", host=Host(path=str(folder / "a")), mount_path="/made/here/within", read_only=True),
    ]
    shell = shell_of(sdk, sdk.create(testbed.image, volumes=volumes))
    assert shell.run("cat /sub/file /linked/file /etc/file /made/here/within/file").splitlines() == ["in a"] * 4
    shell.run("echo x >/made/here/written")
    assert (folder / "new" / "er" / "written").read_text() == "x\n"


@pytest.mark.parametrize("target", ["/", "/etc", "../../..", "loop"])
def test_nothing_leads_out(sdk: Sdk, testbed: Testbed, folder: Path, target: str) -> None:
    """A sandbox that may write in a folder puts links there and asks for another one with them."""
    sandbox = sdk.create(testbed.image, volumes=[host(folder)])
    shell_of(sdk, sandbox).run(f"ln -s {target} /mnt/data/loop")
    expected = 500 if target == "loop" else 400
    status, code = refusal(sdk, testbed, host(folder / "loop"))
    assert status == expected and code in ("VOLUME::HOST_PATH_NOT_ALLOWED", "VOLUME::HOST_PATH_CREATE_FAILED")
    assert refusal(sdk, testbed, host(folder, sub_path="loop")) == (400, "VOLUME::INVALID_SUB_PATH")
    assert refusal(sdk, testbed, host(folder, sub_path="loop/etc")) == (400, "VOLUME::INVALID_SUB_PATH")


def test_what_is_refused(sdk: Sdk, testbed: Testbed, folder: Path) -> None:
    shared = testbed.server.shared
    for volume, code in [
        (host("/etc"), "HOST_PATH_NOT_ALLOWED"),
        (host(f"{shared}-other"), "HOST_PATH_NOT_ALLOWED"),
        (host(shared.parent), "HOST_PATH_NOT_ALLOWED"),
        (host(f"{folder}/../../state"), "INVALID_HOST_PATH"),
        (host(f"{folder}//x"), "INVALID_HOST_PATH"),
        (host(folder, sub_path="../x"), "INVALID_SUB_PATH"),
        (host(folder, sub_path="/x"), "INVALID_SUB_PATH"),
        (host(folder, "/proc/x"), "INVALID_MOUNT_PATH"),
        (host(folder, "/"), "INVALID_MOUNT_PATH"),
        (host(folder, "/a/../../x"), "INVALID_MOUNT_PATH"),
        (Volume(name="Data", host=Host(path=str(folder)), mount_path="/x"), "INVALID_NAME"),
        (Volume(name="d", pvc=PVC(claim_name="../x"), mount_path="/x"), "INVALID_PVC_NAME"),
        (Volume(name="d", pvc=PVC(claim_name="none", create_if_not_exists=False), mount_path="/x"), "PVC_NOT_FOUND"),
        (
            Volume(
                name="d",
                ossfs=OSSFS(bucket="bucket", endpoint="oss.example", access_key_id="a", access_key_secret="b"),
                mount_path="/x",
            ),
            "UNSUPPORTED_BACKEND",
        ),
    ]:
        assert refusal(sdk, testbed, volume) == (400, f"VOLUME::{code}"), volume
    assert refusal(sdk, testbed, host(folder), host(folder, "/other")) == (400, "VOLUME::DUPLICATE_NAME")
    other = Volume(name="other", host=Host(path=str(folder)), mount_path="/mnt/data/")
    assert refusal(sdk, testbed, host(folder), other) == (400, "VOLUME::INVALID_MOUNT_PATH")


def test_a_named_volume_outlives_its_sandboxes(sdk: Sdk, testbed: Testbed, claim: tuple[str, Path]) -> None:
    name, folder = claim
    volume = Volume(name="v", pvc=PVC(claim_name=name), mount_path="/v")
    first = sdk.create(testbed.image, volumes=[volume])
    shell_of(sdk, first).run("echo shared >/v/file; chmod 600 /v/file")
    second = sdk.create(testbed.image, volumes=[volume])
    assert shell_of(sdk, second).run("cat /v/file").strip() == "shared"
    sdk(first.kill())
    sdk(second.kill())
    assert (folder / "file").read_text() == "shared\n"
    deleting = Volume(name="v", pvc=PVC(claim_name=name, delete_on_sandbox_termination=True), mount_path="/v")
    sdk(sdk.create(testbed.image, volumes=[deleting]).kill())
    assert folder.exists(), "it was not made for that sandbox"


def test_a_named_volume_that_goes_with_its_sandbox(sdk: Sdk, testbed: Testbed, claim: tuple[str, Path]) -> None:
    name, folder = claim
    volume = Volume(name="v", pvc=PVC(claim_name=name, delete_on_sandbox_termination=True), mount_path="/v")
    sandbox = sdk.create(testbed.image, volumes=[volume])
    shell_of(sdk, sandbox).run("ln -s / /v/root; mkdir -p /v/a/b; echo kept >/v/a/b/c")
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    assert (folder / "a" / "b" / "c").read_text() == "kept\n"
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert shell_of(sdk, resumed).run("cat /v/a/b/c").strip() == "kept"
    # Another one that uses it keeps it.
    other = sdk.create(testbed.image, volumes=[Volume(name="v", pvc=PVC(claim_name=name), mount_path="/v")])
    sdk(resumed.kill())
    assert folder.exists()
    sdk(other.kill())
    assert folder.exists(), "nobody is left to say that it should go"


def test_a_named_volume_is_gone_with_its_only_sandbox(sdk: Sdk, testbed: Testbed, claim: tuple[str, Path]) -> None:
    name, folder = claim
    volume = Volume(name="v", pvc=PVC(claim_name=name, delete_on_sandbox_termination=True), mount_path="/v")
    sandbox = sdk.create(testbed.image, volumes=[volume])
    shell_of(sdk, sandbox).run("ln -s /bin /v/root; echo kept >/v/file")
    assert folder.exists()
    sdk(sandbox.kill())
    assert not folder.exists()


def test_what_was_made_for_a_sandbox_that_never_came_up_is_gone(sdk: Sdk, testbed: Testbed, claim: tuple[str, Path]) -> None:
    name, folder = claim
    volume = Volume(name="v", pvc=PVC(claim_name=name, delete_on_sandbox_termination=True), mount_path="/v")
    for arguments in ({"image": testbed.image, "entrypoint": ["/no/such/program"]}, {"image": f"{testbed.image}-none"}):
        with pytest.raises(SandboxApiException):
            sdk.create(volumes=[volume], **arguments)
        assert not folder.exists()
