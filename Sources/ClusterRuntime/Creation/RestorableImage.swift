// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// The image of a snapshot that a sandbox can be started from.
struct RestorableImage {
    /// Repository and digest.
    let pinned: String

    /// Finds it: the image of the container that sandboxes are, or the only one.
    ///
    /// - Throws: `SandboxError` with `snapshotNotReady` or `invalidParameter`.
    init(_ snapshot: SandboxSnapshot, id: String) throws(SandboxError) {
        guard snapshot.metadata.deletionTimestamp == nil, let status = snapshot.status, status.phase == .succeed else {
            throw SandboxError(
                .snapshotNotReady,
                "The snapshot '\(id)' is \(Snapshot(snapshot).status.state.rawValue), not Ready."
            )
        }
        let containers = status.containers
        let found =
            containers.first { $0.containerName == Execd.container } ?? (containers.count == 1 ? containers.first : nil)
        guard let found else {
            throw SandboxError(
                .snapshotNotRestorable,
                "The snapshot '\(id)' has \(containers.count) images, none of which is of a container '\(Execd.container)'."
            )
        }
        guard let digest = found.imageDigest, digest.hasPrefix("sha256:") else {
            throw SandboxError(
                .snapshotNotRestorable,
                "The snapshot '\(id)' has no digest, so what it was cannot be told from what its tag is now."
            )
        }
        pinned = "\(Self.repository(of: found.imageUri))@\(digest)"
    }

    /// A reference without its tag and digest.
    static func repository(of reference: String) -> Substring {
        let name = reference.split(separator: "@", maxSplits: 1).first ?? ""
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return name }
        return name[..<colon]
    }
}
