// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import SwiftProtobuf

/// A plugin of containerd, such as a snapshotter.
public struct ContainerdPlugin: Sendable, Hashable {
    /// The kind, such as `io.containerd.snapshotter.v1`.
    public var type: String
    /// The name within its kind, such as `overlayfs`.
    public var id: String
    /// What it can do, in words of its own.
    public var capabilities: [String]
    /// What it tells about itself; a snapshotter's `root` is its folder.
    public var exports: [String: String]
    /// Why it could not start; nil if it did.
    public var failure: String?
}

/// The namespaces of containerd, and containerd itself.
extension ContainerdClient {
    /// containerd's version, as it prints it.
    public func version() async throws -> String {
        try await read("Version.Version", socket) {
            try await Containerd_Services_Version_V1_Version.Client(wrapping: connection.calls)
                .version(Google_Protobuf_Empty()).version
        }
    }

    /// containerd's plugins, those that failed to start included.
    public func plugins(filters: [String] = []) async throws -> [ContainerdPlugin] {
        try await read("Introspection.Plugins", "plugins") {
            var request = Containerd_Services_Introspection_V1_PluginsRequest()
            request.filters = filters
            let response = try await Containerd_Services_Introspection_V1_Introspection.Client(
                wrapping: connection.calls
            ).plugins(request)
            return response.plugins.map {
                ContainerdPlugin(
                    type: $0.type,
                    id: $0.id,
                    capabilities: $0.capabilities,
                    exports: $0.exports,
                    failure: $0.hasInitErr ? $0.initErr.message : nil
                )
            }
        }
    }

    /// The names of all namespaces.
    public func namespaces() async throws -> [String] {
        try await read("Namespaces.List", "namespaces") {
            try await Containerd_Services_Namespaces_V1_Namespaces.Client(wrapping: connection.calls)
                .list(Containerd_Services_Namespaces_V1_ListNamespacesRequest(), metadata: metadata).namespaces.map(
                    \.name
                )
        }
    }

    /// The labels of a namespace.
    public func namespaceLabels(_ name: String) async throws -> [String: String] {
        try await read("Namespaces.Get", "namespace \(name)") {
            var request = Containerd_Services_Namespaces_V1_GetNamespaceRequest()
            request.name = name
            return try await Containerd_Services_Namespaces_V1_Namespaces.Client(wrapping: connection.calls)
                .get(request, metadata: metadata).namespace.labels
        }
    }

    /// Makes a namespace. Most calls make the one they are in by themselves.
    public func createNamespace(_ name: String, labels: [String: String] = [:]) async throws {
        try await call("Namespaces.Create", "namespace \(name)") {
            var request = Containerd_Services_Namespaces_V1_CreateNamespaceRequest()
            request.namespace.name = name
            request.namespace.labels = labels
            _ = try await Containerd_Services_Namespaces_V1_Namespaces.Client(wrapping: connection.calls)
                .create(request, metadata: metadata)
        }
    }

    /// Deletes an empty namespace.
    public func deleteNamespace(_ name: String) async throws {
        try await call("Namespaces.Delete", "namespace \(name)") {
            var request = Containerd_Services_Namespaces_V1_DeleteNamespaceRequest()
            request.name = name
            _ = try await Containerd_Services_Namespaces_V1_Namespaces.Client(wrapping: connection.calls)
                .delete(request, metadata: metadata)
        }
    }
}
