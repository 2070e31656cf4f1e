// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An image's configuration: how to run it, and which layers it is made of.
///
/// Members that this type does not know are carried along, at every level, so that a config derived from another one
/// loses nothing. A digest is always taken of the bytes received, never of this value written again.
public struct ImageConfig: Sendable, Hashable {
    /// When the image was made, RFC 3339, as written.
    public var created: String?
    /// Who made it.
    public var author: String?
    /// The processor it runs on.
    public var architecture: String
    /// The operating system it runs on.
    public var os: String
    /// The processor's variant.
    public var variant: String?
    /// How to run it.
    public var config: Execution
    /// The layers, unpacked.
    public var rootfs: RootFS
    /// How each layer came to be, lowest first; entries that made no layer say so.
    public var history: [History]
    /// The members that we do not know.
    var others: [String: JSONValue] = [:]

    /// Creates a configuration.
    public init(
        platform: Platform,
        config: Execution = Execution(),
        rootfs: RootFS = RootFS(diffIDs: []),
        history: [History] = [],
        created: String? = nil,
        author: String? = nil
    ) {
        self.created = created
        self.author = author
        self.architecture = platform.architecture
        self.os = platform.os
        self.variant = platform.variant
        self.config = config
        self.rootfs = rootfs
        self.history = history
    }

    /// What it runs on.
    public var platform: Platform { Platform(os: os, architecture: architecture, variant: variant) }

    /// The layers' identity once unpacked; `nil` without layers.
    public var chainID: Digest? { ChainID.of(rootfs.diffIDs) }
}

extension ImageConfig {
    /// How to run an image.
    public struct Execution: Sendable, Hashable {
        /// User, optionally with a group: names or numbers, `user[:group]`.
        public var user: String?
        /// Environment, `NAME=value` each.
        public var env: [String]?
        /// What is always run.
        public var entrypoint: [String]?
        /// Its default arguments, or the command if there is no entry point.
        public var cmd: [String]?
        /// Where it is run.
        public var workingDir: String?
        /// Words of the maker's own.
        public var labels: [String: String]?
        /// Ports that it listens on: `8080/tcp`.
        public var exposedPorts: Set<String>?
        /// Folders that hold data.
        public var volumes: Set<String>?
        /// The signal that asks it to end.
        public var stopSignal: String?
        /// The members that we do not know.
        var others: [String: JSONValue] = [:]

        /// Creates settings.
        public init(
            user: String? = nil,
            env: [String]? = nil,
            entrypoint: [String]? = nil,
            cmd: [String]? = nil,
            workingDir: String? = nil,
            labels: [String: String]? = nil,
            exposedPorts: Set<String>? = nil,
            volumes: Set<String>? = nil,
            stopSignal: String? = nil
        ) {
            self.user = user
            self.env = env
            self.entrypoint = entrypoint
            self.cmd = cmd
            self.workingDir = workingDir
            self.labels = labels
            self.exposedPorts = exposedPorts
            self.volumes = volumes
            self.stopSignal = stopSignal
        }
    }

    /// The layers of an image, unpacked.
    public struct RootFS: Sendable, Hashable {
        /// Always `layers`.
        public var type: String = "layers"
        /// The digests of the uncompressed layers, lowest first.
        public var diffIDs: [Digest]
        /// The members that we do not know.
        var others: [String: JSONValue] = [:]

        /// Creates a list of layers.
        public init(diffIDs: [Digest]) {
            self.diffIDs = diffIDs
        }
    }

    /// One step in the making of an image.
    public struct History: Sendable, Hashable {
        /// When, RFC 3339, as written.
        public var created: String?
        /// By which command.
        public var createdBy: String?
        /// By whom.
        public var author: String?
        /// A word about it.
        public var comment: String?
        /// Whether the step made no layer.
        public var emptyLayer: Bool?
        /// The members that we do not know.
        var others: [String: JSONValue] = [:]

        /// Creates an entry.
        public init(
            created: String? = nil,
            createdBy: String? = nil,
            author: String? = nil,
            comment: String? = nil,
            emptyLayer: Bool? = nil
        ) {
            self.created = created
            self.createdBy = createdBy
            self.author = author
            self.comment = comment
            self.emptyLayer = emptyLayer
        }
    }
}
