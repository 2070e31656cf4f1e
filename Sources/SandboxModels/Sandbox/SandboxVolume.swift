// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A folder that is mounted into a sandbox. It is no part of the sandbox's root filesystem: a pause does not capture it,
/// and a resume mounts it again.
public struct SandboxVolume: Sendable, Hashable, Codable {
    /// What is mounted.
    public enum Source: Sendable, Hashable, Codable {
        /// A folder or a regular file of the machine, by its absolute path.
        case host(path: String)
        /// A volume that the runtime keeps under a name.
        case named(NamedVolume)
    }

    /// A volume that the runtime keeps under a name, and that outlives sandboxes.
    public struct NamedVolume: Sendable, Hashable, Codable {
        /// The name: lower-case letters, digits and `-`, up to 253.
        public var name: String
        /// Whether it is made if there is none. As part of a sandbox's stored specification it says nothing any more.
        public var createIfAbsent: Bool
        /// Whether it is deleted together with the sandbox. It is only if it was made for that sandbox.
        public var deleteWithSandbox: Bool
        /// The class of storage that it is made of, on a cluster; nil: the cluster's own.
        public var storageClass: String?
        /// How large it is made, in Kubernetes' quantities, on a cluster; nil: the runtime's own size.
        public var storage: String?
        /// How it can be mounted, in Kubernetes' words, on a cluster; nil: `ReadWriteOnce`.
        public var accessModes: [String]?

        /// Creates one from its values.
        public init(
            name: String,
            createIfAbsent: Bool = true,
            deleteWithSandbox: Bool = false,
            storageClass: String? = nil,
            storage: String? = nil,
            accessModes: [String]? = nil
        ) {
            self.name = name
            self.createIfAbsent = createIfAbsent
            self.deleteWithSandbox = deleteWithSandbox
            self.storageClass = storageClass
            self.storage = storage
            self.accessModes = accessModes
        }
    }

    /// What its owner calls it; unique within the sandbox.
    public var name: String
    /// What is mounted.
    public var source: Source
    /// Where it is mounted, an absolute path in the sandbox.
    public var mountPath: String
    /// The folder within the source that is mounted in its place, as a relative path.
    public var subPath: String?
    /// Whether the sandbox can only read it.
    public var isReadOnly: Bool

    /// Creates a volume from its values.
    public init(
        name: String,
        source: Source,
        mountPath: String,
        subPath: String? = nil,
        isReadOnly: Bool = false
    ) {
        self.name = name
        self.source = source
        self.mountPath = mountPath
        self.subPath = subPath
        self.isReadOnly = isReadOnly
    }
}
