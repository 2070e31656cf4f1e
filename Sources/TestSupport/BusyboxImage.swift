// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A small OCI image made of Debian's busybox-static, as an image-layout folder.
///
/// It has all of busybox's applets in /bin, the users root and app (1000), and /www/ping, which says `pong`, for
/// `httpd -f -p 8080 -h /www`.
public struct BusyboxImage: Sendable {
    /// The image-layout folder.
    public let layout: String
    /// The image's tag in the layout.
    public let tag: String
    /// The digest of its manifest.
    public let manifestDigest: String

    /// The name that `importInto` gives it.
    public static let name = "stasis.test/busybox:1"

    /// The image, made once for this test process and kept in a temporary folder.
    public static func shared() async throws -> BusyboxImage {
        try await SharedImage.instance.image()
    }

    /// Makes the image in a new layout folder. Needs umoci, which only root may run as it is run here.
    public static func make(layout: String) async throws -> BusyboxImage {
        _ = try await Command.run("sh", ["-euc", script, "make-busybox-image", layout])
        let index = try Data(contentsOf: URL(fileURLWithPath: "\(layout)/index.json"))
        let manifests = try JSONDecoder().decode(Index.self, from: index).manifests
        guard let digest = manifests.first?.digest else {
            throw ContainerdDaemon.Failure(description: "\(layout)/index.json names no image")
        }
        return BusyboxImage(layout: layout, tag: "1", manifestDigest: digest)
    }

    /// Imports it by `ctr`, unpacked, as `stasis.test/busybox:1`; once for each containerd, where it stays.
    public func importInto(_ daemon: ContainerdDaemon) async throws {
        try await SharedImage.instance.importOnce(self, into: daemon)
    }

    /// Imports it by `ctr`, unpacked, as `<repository>:1`, every time: who asks for a name of one's own removes it, and a
    /// later test's registry may be given the same port.
    public func importInto(_ daemon: ContainerdDaemon, repository: String) async throws {
        try await runImport(daemon, repository: repository)
    }

    /// Pushes it by `skopeo` to a registry without TLS, as `<repository>:1`.
    public func push(to repository: String) async throws {
        try await Command.run(
            "skopeo",
            ["copy", "--dest-tls-verify=false", "oci:\(layout):\(tag)", "docker://\(repository):\(tag)"]
        )
    }

    fileprivate func runImport(_ daemon: ContainerdDaemon, repository: String) async throws {
        let archive = "\(daemon.folder)/busybox-\(UInt32.random(in: 0 ... .max)).tar"
        defer { unlink(archive) }
        _ = try await Command.run("tar", ["-C", layout, "-cf", archive, "."])
        try await daemon.ctr("images", "import", "--base-name", repository, archive)
    }

    private struct Index: Decodable {
        struct Entry: Decodable {
            let digest: String
        }
        let manifests: [Entry]
    }

    private static let script = #"""
        layout=$1
        bundle=$(mktemp -d)
        trap 'rm -rf "$bundle"' EXIT
        umoci init --layout "$layout"
        umoci new --image "$layout:1"
        umoci unpack --image "$layout:1" "$bundle/image"
        cd "$bundle/image/rootfs"
        mkdir -p bin dev etc proc root run sys tmp var/lib www home/app
        chmod 1777 tmp
        busybox=$(command -v busybox)
        cp "$busybox" bin/busybox
        bin/busybox --list | while read -r applet; do
            [ "$applet" = busybox ] || ln -s busybox "bin/$applet"
        done
        printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n' >etc/passwd
        printf 'root:x:0:\napp:x:1000:\nextra:x:1001:app\n' >etc/group
        chown 1000:1000 home/app
        echo pong >www/ping
        cd /
        umoci repack --image "$layout:1" "$bundle/image"
        umoci config --image "$layout:1" --config.cmd /bin/sh --config.workingdir / \
            --config.env PATH=/bin --config.env BASE=busybox --clear config.entrypoint
        umoci gc --layout "$layout"
        """#
}

private actor SharedImage {
    static let instance = SharedImage()

    private var making: Task<BusyboxImage, any Error>?
    private var imports: [String: Task<Void, any Error>] = [:]

    func importOnce(_ image: BusyboxImage, into daemon: ContainerdDaemon) async throws {
        let key = "\(daemon.folder) \(image.manifestDigest)"
        if let started = imports[key] {
            return try await started.value
        }
        let task = Task { try await image.runImport(daemon, repository: "stasis.test/busybox") }
        imports[key] = task
        try await task.value
    }

    func image() async throws -> BusyboxImage {
        if let making {
            return try await making.value
        }
        let task = Task {
            let daemon = try await ContainerdDaemon.shared()
            // The daemon's folder is deleted with it.
            return try await BusyboxImage.make(layout: "\(daemon.folder)/busybox")
        }
        making = task
        return try await task.value
    }
}
