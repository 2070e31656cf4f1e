// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotEngine

/// What every image has besides its program: users, certificates, and the folders that programs count on. No shell, no
/// package manager, nothing that can be run.
struct BaseFiles: Sendable, Hashable {
    /// A file with the authorities that TLS clients trust, PEM; nil to leave it out.
    var certificates: String?

    /// The entries, without the folders above them.
    var entries: [ListedLayer.Entry] {
        var entries = [
            text("etc/passwd", "root:x:0:0:root:/root:/sbin/nologin", "nonroot:x:65532:65532:nonroot:/:/sbin/nologin"),
            text("etc/group", "root:x:0:", "nonroot:x:65532:"),
            // Without it, versions of the C library differ in whether they look into /etc/hosts.
            text("etc/nsswitch.conf", "passwd: files", "group: files", "hosts: files dns"),
            ListedLayer.Entry("run", .directory, permissions: 0o755),
            ListedLayer.Entry("tmp", .directory, permissions: 0o1777),
        ]
        if let certificates {
            let path = String(ProgramImage.certificatesPath.dropFirst())
            entries.append(ListedLayer.Entry(path, .file(certificates), permissions: 0o644))
        }
        return entries
    }

    private func text(_ path: String, _ lines: String...) -> ListedLayer.Entry {
        let bytes = lines.map { $0 + "\n" }.joined().utf8
        return ListedLayer.Entry(path, .bytes(Array(bytes)), permissions: 0o644)
    }
}
