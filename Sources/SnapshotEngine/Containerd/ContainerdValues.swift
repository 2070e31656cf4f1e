// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import SwiftProtobuf

import struct Foundation.Data

/// A value with the name of its type: containerd's way of carrying what it does not look into.
public struct TypedValue: Sendable, Hashable {
    /// The type's name, such as `types.containerd.io/opencontainers/runtime-spec/1/Spec`.
    public var typeURL: String
    /// The value, encoded as its type says: JSON for a runtime spec, protobuf for most else.
    public var bytes: [UInt8]

    /// The type of an OCI runtime spec, whose bytes are JSON.
    public static let runtimeSpecification = "types.containerd.io/opencontainers/runtime-spec/1/Spec"

    /// Creates a value from its type's name and its bytes.
    public init(typeURL: String, bytes: [UInt8]) {
        self.typeURL = typeURL
        self.bytes = bytes
    }

    /// The options of the runtime `io.containerd.runc.v2`.
    ///
    /// - Parameters:
    ///   - root: Where runc keeps its state; containerd's default if empty.
    ///   - systemdCgroup: Whether cgroups are made by systemd.
    ///   - outputUser: The owner of the container's output pipes, by numeric user and group.
    public static func runcOptions(
        root: String = "",
        systemdCgroup: Bool = false,
        outputUser: (uid: UInt32, gid: UInt32) = (0, 0)
    ) -> TypedValue {
        var options = Containerd_Runc_V1_Options()
        options.root = root
        options.systemdCgroup = systemdCgroup
        options.ioUid = outputUser.uid
        options.ioGid = outputUser.gid
        // Encoding a message with neither required fields nor Any cannot fail.
        let bytes: [UInt8] = (try? options.serializedBytes()) ?? []
        return TypedValue(typeURL: Containerd_Runc_V1_Options.protoMessageName, bytes: bytes)
    }
}

/// Content by digest, as an image's manifest names it.
public struct ContentDescriptor: Sendable, Hashable {
    /// The media type.
    public var mediaType: String
    /// `sha256:<64 hex>`.
    public var digest: String
    /// The size in bytes.
    public var size: Int64
    /// Annotations.
    public var annotations: [String: String]

    /// Creates a descriptor from its values.
    public init(mediaType: String, digest: String, size: Int64, annotations: [String: String] = [:]) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
    }
}

/// A mount that a snapshotter asks for.
public struct SnapshotMount: Sendable, Hashable {
    /// The file system's type (`overlay`, `bind`).
    public var type: String
    /// What is mounted.
    public var source: String
    /// Where it is mounted, relative to the root; empty for the root.
    public var target: String
    /// The options, as mount(8) takes them (`upperdir=...`).
    public var options: [String]

    /// Creates a mount from its values.
    public init(type: String, source: String, target: String = "", options: [String] = []) {
        self.type = type
        self.source = source
        self.target = target
        self.options = options
    }
}

extension TypedValue {
    init(_ any: Google_Protobuf_Any) {
        self.init(typeURL: any.typeURL, bytes: Array(any.value))
    }

    var message: Google_Protobuf_Any {
        var any = Google_Protobuf_Any()
        any.typeURL = typeURL
        any.value = Data(bytes)
        return any
    }
}

extension ContentDescriptor {
    init(_ message: Containerd_Types_Descriptor) {
        self.init(
            mediaType: message.mediaType,
            digest: message.digest,
            size: message.size,
            annotations: message.annotations
        )
    }

    var message: Containerd_Types_Descriptor {
        var message = Containerd_Types_Descriptor()
        message.mediaType = mediaType
        message.digest = digest
        message.size = size
        message.annotations = annotations
        return message
    }
}

extension SnapshotMount {
    init(_ message: Containerd_Types_Mount) {
        self.init(type: message.type, source: message.source, target: message.target, options: message.options)
    }

    var message: Containerd_Types_Mount {
        var message = Containerd_Types_Mount()
        message.type = type
        message.source = source
        message.target = target
        message.options = options
        return message
    }
}

extension Google_Protobuf_FieldMask {
    init(_ paths: [String]) {
        self.init()
        self.paths = paths
    }
}
