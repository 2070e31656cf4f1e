// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// What is said about the image of a snapshot: an in-toto statement, version 1, whose subject is the image's manifest.
public struct SnapshotStatement: Sendable, Hashable, Codable {
    /// in-toto's word for a statement.
    public static let statementType = "https://in-toto.io/Statement/v1"
    /// What kind of statement this is.
    public static let predicateType = "https://stasis.dev/attestations/snapshot/v1"

    private enum CodingKeys: String, CodingKey {
        case type = "_type"
        case subject, predicateType, predicate
    }

    /// `statementType`.
    public var type: String
    /// What it is about.
    public var subject: [Subject]
    /// `predicateType`.
    public var predicateType: String
    /// What is said.
    public var predicate: Predicate

    /// An image.
    public struct Subject: Sendable, Hashable, Codable {
        /// Its repository, for people.
        public var name: String
        /// The digest of its manifest, in hex digits by algorithm.
        public var digest: [String: String]
    }

    /// Where an image comes from.
    public struct Predicate: Sendable, Hashable, Codable {
        /// The uid of the capture.
        public var snapshot: String
        /// The sandbox that was captured.
        public var source: Source
        /// The digest of the image that the container was started from.
        public var parentDigest: String
        /// The digest of the image at the bottom of the stack.
        public var baseDigest: String
        /// The digest of the image's config.
        public var configDigest: String
        /// The digests of the layers that this capture made, from the lowest on.
        public var capturedLayers: [String]
        /// Where the container had something mounted: nothing beneath is in the image.
        public var excludedPaths: [String]
        /// When the image was put together, RFC 3339.
        public var createdAt: String
        /// What captured.
        public var committer: Committer

        /// Creates a predicate from its values.
        public init(
            snapshot: String,
            source: Source,
            parentDigest: String,
            baseDigest: String,
            configDigest: String,
            capturedLayers: [String],
            excludedPaths: [String],
            createdAt: String,
            committer: Committer
        ) {
            self.snapshot = snapshot
            self.source = source
            self.parentDigest = parentDigest
            self.baseDigest = baseDigest
            self.configDigest = configDigest
            self.capturedLayers = capturedLayers
            self.excludedPaths = excludedPaths
            self.createdAt = createdAt
            self.committer = committer
        }
    }

    /// What was captured.
    public struct Source: Sendable, Hashable, Codable {
        /// The sandbox's identity.
        public var sandbox: String
        /// The container in it.
        public var container: String
        /// The namespace.
        public var namespace: String
        /// The pod.
        public var pod: String
        /// The pod's UID.
        public var podUID: String
        /// The node.
        public var node: String

        /// Creates a source from its values.
        public init(sandbox: String, container: String, namespace: String, pod: String, podUID: String, node: String) {
            self.sandbox = sandbox
            self.container = container
            self.namespace = namespace
            self.pod = pod
            self.podUID = podUID
            self.node = node
        }
    }

    /// A program.
    public struct Committer: Sendable, Hashable, Codable {
        /// Its name.
        public var name: String
        /// Its version.
        public var version: String

        /// Creates one from its values.
        public init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// Says something about an image.
    ///
    /// - Parameters:
    ///   - image: The digest of its manifest.
    ///   - name: Its repository.
    public init(about image: Digest, named name: String, _ predicate: Predicate) {
        type = Self.statementType
        subject = [Subject(name: name, digest: [image.algorithm.rawValue: image.hex])]
        predicateType = Self.predicateType
        self.predicate = predicate
    }

    /// Whether an image is among those that it is about.
    public func isAbout(_ image: Digest) -> Bool {
        subject.contains { $0.digest[image.algorithm.rawValue] == image.hex }
    }
}
