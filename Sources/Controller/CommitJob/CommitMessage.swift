// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Data
import class Foundation.JSONDecoder

/// What a committer has left in its container's termination message. Upstream's has the first three fields of a container.
struct CommitMessage: Decodable, Hashable {
    struct Container: Decodable, Hashable {
        var name: String
        var image: String
        var digest: String
        var size: Int64?
        var layers: Int?
        var frozenMilliseconds: Int64?
        var base: String?
    }

    struct Failure: Decodable, Hashable {
        var reason: String
        var message: String
    }

    var containers: [Container]?
    var remark: String?
    var error: Failure?

    /// Reads a message.
    ///
    /// - Returns: Nil if it is none: a program that was killed leaves what it likes.
    init?(_ text: String) {
        guard let message = try? JSONDecoder().decode(CommitMessage.self, from: Data(text.utf8)) else { return nil }
        self = message
    }

    /// The artifact, if there is one digest for each container that was asked for, in that order.
    ///
    /// - Parameters:
    ///   - containers: The names of the containers that were to be captured.
    ///   - provider: Who captured.
    ///   - platform: What was captured, as OCI spells it.
    func artifact(of containers: [String], provider: String, platform: String) -> Artifact? {
        guard let found = self.containers, error == nil else { return nil }
        let parts = containers.compactMap { name in
            found.first { $0.name == name && $0.digest.hasPrefix("sha256:") }.map {
                Artifact.Part(
                    container: $0.name,
                    reference: $0.image,
                    digest: $0.digest,
                    size: $0.size ?? 0,
                    layers: $0.layers,
                    baseDigest: $0.base
                )
            }
        }
        guard parts.count == containers.count, !parts.isEmpty else { return nil }
        let frozen = found.compactMap(\.frozenMilliseconds).max()
        var artifact = Artifact(
            provider: provider,
            parts: parts,
            platform: platform,
            statistics: frozen.map { Artifact.Statistics(frozenMilliseconds: $0, bytesRead: 0, bytesWritten: 0) }
        )
        artifact.remark = remark
        return artifact
    }
}
