"""cosign.py verify|verify-attestation --key KEY --insecure-ignore-tlog [--type TYPE] IMAGE

What cosign does for a key of ECDSA, by its specifications and with openssl: cosign itself is in no package of Debian. It knows nothing of
Stasis. The registry has to be on this machine.
"""

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
SIGNATURE = "dev.cosignproject.cosign/signature"


class Repository:
    """A repository of a registry without TLS."""

    def __init__(self, image: str) -> None:
        name, _, self.digest = image.partition("@")
        authority, _, repository = name.partition("/")
        self._address = f"http://{authority}/v2/{repository}"
        if not self.digest.startswith("sha256:"):
            sys.exit(f"Error: {image} does not name an image by its digest")

    def get(self, path: str) -> bytes:
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self._address}/{path}", headers=accept), timeout=30) as answer:
            return answer.read()

    def layers(self, suffix: str, media_type: str) -> list[tuple[bytes, dict[str, str]]]:
        """The layers of the image that stands beside this one under a tag, with their annotations."""
        tag = f"{self.digest.replace(':', '-')}.{suffix}"
        try:
            manifest = json.loads(self.get(f"manifests/{tag}"))
        except urllib.error.HTTPError as error:
            sys.exit(f"Error: no signatures found: {tag}: {error}")
        wanted = [layer for layer in manifest["layers"] if layer["mediaType"] == media_type]
        return [(self.get(f"blobs/{layer['digest']}"), layer.get("annotations", {})) for layer in wanted]


def is_signed(content: bytes, signature: str, key: str) -> bool:
    """Whether openssl believes a signature."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "signature").write_bytes(base64.b64decode(signature))
        command = ["openssl", "dgst", "-sha256", "-verify", key, "-signature", f"{folder}/signature"]
        return subprocess.run(command, input=content, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def verify(image: Repository, key: str) -> list[Any]:
    """The payloads of plain signatures of the image that the key has made."""
    found = []
    for payload, annotations in image.layers("sig", SIMPLE_SIGNING):
        document = json.loads(payload)
        critical = document["critical"]
        if (
            is_signed(payload, annotations[SIGNATURE], key)
            and critical["type"] == "cosign container image signature"
            and critical["image"]["docker-manifest-digest"] == image.digest
        ):
            found.append(document)
    return found


def verify_attestation(image: Repository, key: str, predicate_type: str) -> list[Any]:
    """The statements of a kind about the image that the key has signed."""
    found = []
    for content, _ in image.layers("att", ENVELOPE):
        envelope = json.loads(content)
        payload = base64.b64decode(envelope["payload"])
        signed = b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(payload), payload)
        if envelope["payloadType"] != IN_TOTO or not any(is_signed(signed, one["sig"], key) for one in envelope["signatures"]):
            continue
        statement = json.loads(payload)
        subjects = [f"sha256:{subject['digest'].get('sha256')}" for subject in statement["subject"]]
        if statement["predicateType"] == predicate_type and image.digest in subjects:
            found.append(statement)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["verify", "verify-attestation"])
    parser.add_argument("--key", required=True)
    parser.add_argument("--insecure-ignore-tlog", action="store_true", required=True)
    parser.add_argument("--type")
    parser.add_argument("image")
    options = parser.parse_args()
    image = Repository(options.image)
    if options.command == "verify":
        found = verify(image, options.key)
    else:
        found = verify_attestation(image, options.key, options.type)
    if not found:
        print("Error: no matching signatures", file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
