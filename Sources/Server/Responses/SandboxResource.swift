// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// A sandbox as the API writes it. What is not there is left out.
struct SandboxResource: Encodable {
    struct Image: Encodable {
        var uri: String
    }

    struct Platform: Encodable {
        var os: String
        var arch: String
    }

    struct Status: Encodable {
        var state: String
        var reason: String?
        var message: String?
        var lastTransitionAt: Date
        /// An addition to upstream's fields, which its clients ignore.
        var progress: SandboxStatus.Progress?
    }

    var id: String
    /// Left out if it was created from a snapshot.
    var image: Image?
    var snapshotId: String?
    var platform: Platform?
    var status: Status
    var metadata: [String: String]?
    var extensions: [String: String]?
    /// Never left out: official clients require it.
    var entrypoint: [String]
    var expiresAt: Date?
    var createdAt: Date
    /// An addition to upstream's fields: when it is paused by itself, if that is known.
    var pausesAt: Date?
    /// An addition to upstream's fields: the image that a resume starts from.
    var artifact: Artifact?

    /// A sandbox as it is got and listed.
    init(_ sandbox: Sandbox) {
        let spec = sandbox.spec
        id = sandbox.id
        image = spec.snapshotID == nil ? Image(uri: spec.image) : nil
        snapshotId = spec.snapshotID
        platform = spec.platform.flatMap { platform in
            let parts = platform.split(separator: "/", maxSplits: 1)
            return parts.count == 2 ? Platform(os: String(parts[0]), arch: String(parts[1])) : nil
        }
        status = Status(
            state: sandbox.status.state.rawValue,
            reason: sandbox.status.reason,
            message: sandbox.status.message,
            lastTransitionAt: sandbox.status.lastTransitionAt,
            progress: sandbox.status.progress
        )
        metadata = spec.metadata.isEmpty ? nil : spec.metadata
        extensions = spec.extensions.isEmpty ? nil : spec.extensions
        entrypoint = spec.entrypoint
        expiresAt = sandbox.expiresAt
        createdAt = sandbox.createdAt
        pausesAt = sandbox.pausesAt
        artifact = sandbox.artifact
    }

    /// A sandbox as the answer to its creation, which does not repeat the image.
    static func created(_ sandbox: Sandbox) -> SandboxResource {
        var resource = SandboxResource(sandbox)
        resource.image = nil
        return resource
    }
}
