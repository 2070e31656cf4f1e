// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads images from a registry without any code of this package: Python fetches every blob, checks every digest and size,
/// unpacks the layers and puts them together as the image specification says.
public enum RegistryReader {
    /// One name in an image's root filesystem.
    public struct File: Decodable, Sendable {
        /// `file`, `directory`, `link` or `other`.
        public var kind: String
        /// Bytes of a file.
        public var size: Int
        /// The SHA-256 of a file's bytes, in hex.
        public var sha256: String
        /// The content of a file of at most 4 KiB of UTF-8.
        public var text: String?
    }

    /// Reads an image.
    ///
    /// - Parameter reference: `127.0.0.1:<port>/<repository>:<tag>` or `@<digest>`.
    /// - Returns: Its files by their paths, without a slash at the beginning.
    /// - Throws: `Command.Failure` if anything is missing or not what its digest says.
    public static func read(_ reference: String) async throws -> [String: File] {
        let text = try await Command.run("python3", ["-c", module + main, reference])
        return try JSONDecoder().decode([String: File].self, from: Data(text.utf8))
    }

    private static let main = #"""

        files = {}
        for path, (kind, data) in read(sys.argv[1]).items():
            entry = {"kind": kind, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            if kind == "file" and len(data) <= 4096:
                try: entry["text"] = data.decode()
                except UnicodeDecodeError: pass
            files[path] = entry
        print(json.dumps(files))
        """#

    /// A Python program's beginning: `read(reference)` gives a dictionary of paths and pairs of a kind and bytes.
    public static let module = #"""
        import functools, gzip, hashlib, io, json, re, subprocess, sys, tarfile, urllib.request

        def fetch(url, digest=None):
            accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
            with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as answer:
                data = answer.read()
                told = digest or answer.headers["Docker-Content-Digest"]
            assert told == "sha256:" + hashlib.sha256(data).hexdigest(), f"{url} is not {told}"
            return data

        @functools.lru_cache(maxsize=64)
        def unpacked(url, digest, size, kind, diff_id):
            data = fetch(f"{url}/blobs/{digest}", digest)
            assert len(data) == size, f"{digest} has {len(data)} bytes, not {size}"
            if kind.endswith("gzip"): data = gzip.decompress(data)
            elif kind.endswith("zstd"): data = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
            assert diff_id == "sha256:" + hashlib.sha256(data).hexdigest(), f"{digest} does not unpack to {diff_id}"
            entries = []
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                for member in tar:
                    path = member.name.removeprefix("./").strip("/")
                    if member.isreg(): entries.append((path, "file", tar.extractfile(member).read()))
                    elif member.islnk(): entries.append((path, "hardlink", member.linkname.removeprefix("./").strip("/").encode()))
                    elif member.isdir(): entries.append((path, "directory", b""))
                    elif member.issym(): entries.append((path, "link", member.linkname.encode()))
                    else: entries.append((path, "other", b""))
            return entries

        def drop(tree, path, itself=True):
            for name in [n for n in tree if n.startswith(path + "/") or itself and n == path or not path]: del tree[name]

        def read(reference):
            registry, repository, tag = re.fullmatch(r"([^/]+)/(.+?)(?:[:@])((?:sha256:)?[^/:]+)", reference).groups()
            url = f"http://{registry}/v2/{repository}"
            manifest = json.loads(fetch(f"{url}/manifests/{tag}"))
            config = json.loads(fetch(f"{url}/blobs/{manifest['config']['digest']}", manifest["config"]["digest"]))
            diff_ids = config["rootfs"]["diff_ids"]
            assert len(diff_ids) == len(manifest["layers"])
            tree = {}
            for layer, diff_id in zip(manifest["layers"], diff_ids):
                entries = unpacked(url, layer["digest"], layer["size"], layer["mediaType"], diff_id)
                for path, kind, data in entries:
                    folder, _, name = path.rpartition("/")
                    if name == ".wh..wh..opq": drop(tree, folder, itself=False)
                    elif name.startswith(".wh."): drop(tree, f"{folder}/{name[4:]}".lstrip("/"))
                for path, kind, data in entries:
                    if path.rpartition("/")[2].startswith(".wh.") or not path: continue
                    if kind != "directory": drop(tree, path, itself=False)
                    tree[path] = tree[data.decode()] if kind == "hardlink" else (kind, data)
            return tree
        """#
}
