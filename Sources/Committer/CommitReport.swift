// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels

import struct Foundation.Data
import class Foundation.JSONEncoder

/// What a commit came to, as its callers read it: Kubernetes from the termination log, people and scripts from stdout.
public struct CommitReport: Sendable, Hashable {
    /// One committed container. The first three fields are upstream's; readers ignore what they do not know.
    public struct Container: Sendable, Hashable, Codable {
        /// The container's name in the pod.
        public var name: String
        /// The image, as it was asked for.
        public var image: String
        /// The digest of the image's manifest in the registry.
        public var digest: String
        /// Bytes in the registry that the image refers to.
        public var size: Int64?
        /// How many layers the image has.
        public var layers: Int?
        /// How long the pod was frozen, in milliseconds, every time if it was frozen again; nil if this commit froze
        /// nothing because an earlier one had stored the snapshot.
        public var frozenMilliseconds: Int64?
        /// The digest of the image at the bottom.
        public var base: String?
    }

    /// The containers, in the order in which they were asked for.
    public var containers: [Container]
    /// Whether the pod is still frozen, held by a process that listens; nil if it runs.
    public var held: Bool?

    /// What people should know of how it was made; nil if there is nothing.
    public var remark: String?

    /// The limit that the kubelet sets to a termination log, in bytes.
    public static let terminationLogLimit = 4096

    /// The report on an artifact.
    ///
    /// - Parameters:
    ///   - artifact: What was stored.
    ///   - isHeld: Whether the pod is still frozen.
    public init(_ artifact: Artifact, isHeld: Bool = false) {
        held = isHeld ? true : nil
        remark = artifact.remark
        containers = artifact.parts.map { part in
            Container(
                name: part.container,
                image: part.reference,
                digest: part.digest,
                size: part.size,
                layers: part.layers,
                frozenMilliseconds: artifact.statistics?.frozenMilliseconds,
                base: part.baseDigest
            )
        }
    }

    /// A report from its values.
    public init(containers: [Container]) {
        self.containers = containers
    }

    /// What goes into the termination log: one line of JSON. With many containers, what upstream does not have is left
    /// out to keep within the limit.
    public var terminationMessage: String {
        let full = Self.line(Document(containers: containers, held: held, remark: remark))
        guard full.utf8.count > Self.terminationLogLimit else { return full }
        return Self.line(
            Document(
                containers: containers.map { Container(name: $0.name, image: $0.image, digest: $0.digest) },
                held: held
            )
        )
    }

    /// The lines of stdout that scripts look for: `SNAPSHOT_DIGEST_<CONTAINER>=` for each container, and the older
    /// `SNAPSHOT_DIGEST=` with the first one's.
    public var digestLines: [String] {
        containers.map { "SNAPSHOT_DIGEST_\(Self.variableName($0.name))=\($0.digest)" }
            + (containers.first.map { ["SNAPSHOT_DIGEST=\($0.digest)"] } ?? [])
    }

    /// What goes into the termination log when the commit failed.
    public static func terminationMessage(of error: CommitterError) -> String {
        var message = error.message
        while true {
            let line = line(FailureDocument(error: .init(reason: error.reason, message: message)))
            guard line.utf8.count > terminationLogLimit, !message.isEmpty else { return line }
            message = String(message.prefix(message.count * 3 / 4))
        }
    }

    private struct Document: Encodable {
        var containers: [Container]
        var held: Bool?
        var remark: String?
    }

    private struct FailureDocument: Encodable {
        struct Failure: Encodable {
            var reason: String
            var message: String
        }
        var error: Failure
    }

    static func line(_ document: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and integers can always be encoded.
        let bytes = (try? encoder.encode(document)) ?? Data()
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }

    /// A container's name as part of a variable's: `my-app` becomes `MY_APP`.
    private static func variableName(_ name: String) -> String {
        String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
