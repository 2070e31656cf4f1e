// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import SwiftProtobuf

public import struct Foundation.Date

/// A container as containerd has written it down; whether it runs is for its task to say.
public struct ContainerRecord: Sendable, Hashable {
    /// The ID.
    public var id: String
    /// Labels; the kubelet's name the pod.
    public var labels: [String: String]
    /// The name of the image it was made from.
    public var image: String
    /// The runtime, such as `io.containerd.runc.v2`.
    public var runtime: String
    /// The runtime's options.
    public var runtimeOptions: TypedValue?
    /// The runtime specification, as JSON.
    public var specification: TypedValue?
    /// The snapshotter that has its root file system.
    public var snapshotter: String
    /// The key of its root file system's snapshot.
    public var snapshotKey: String
    /// When it was made; containerd sets it.
    public var createdAt: Date
    /// When it was changed last; containerd sets it.
    public var updatedAt: Date
    /// What clients keep with it.
    public var extensions: [String: TypedValue]

    /// The runtime that runs containers with runc.
    public static let runc = "io.containerd.runc.v2"

    /// Creates a record from its values.
    public init(
        id: String,
        image: String,
        snapshotKey: String,
        specification: TypedValue,
        labels: [String: String] = [:],
        snapshotter: String = ContainerdClient.overlayfs,
        runtime: String = ContainerRecord.runc,
        runtimeOptions: TypedValue? = nil,
        extensions: [String: TypedValue] = [:]
    ) {
        self.id = id
        self.labels = labels
        self.image = image
        self.runtime = runtime
        self.runtimeOptions = runtimeOptions
        self.specification = specification
        self.snapshotter = snapshotter
        self.snapshotKey = snapshotKey
        self.createdAt = Date(timeIntervalSince1970: 0)
        self.updatedAt = Date(timeIntervalSince1970: 0)
        self.extensions = extensions
    }
}

/// Containers.
extension ContainerdClient {
    private var containersService: Containerd_Services_Containers_V1_Containers.Client<ContainerdTransport> {
        .init(wrapping: connection.calls)
    }

    /// The container of that ID.
    public func container(_ id: String) async throws -> ContainerRecord {
        try await read("Containers.Get", "container \(id)") {
            var request = Containerd_Services_Containers_V1_GetContainerRequest()
            request.id = id
            return ContainerRecord(try await containersService.get(request, metadata: metadata).container)
        }
    }

    /// The containers that match any of the filters (within one, `,` means and); all without filters.
    public func containers(filters: [String] = []) async throws -> [ContainerRecord] {
        try await read("Containers.List", "containers") {
            var request = Containerd_Services_Containers_V1_ListContainersRequest()
            request.filters = filters
            return try await containersService.list(request, metadata: metadata).containers.map(ContainerRecord.init)
        }
    }

    /// Writes a container down. Nothing runs yet.
    @discardableResult
    public func createContainer(_ container: ContainerRecord) async throws -> ContainerRecord {
        try await call("Containers.Create", "container \(container.id)") {
            var request = Containerd_Services_Containers_V1_CreateContainerRequest()
            request.container = container.message
            return ContainerRecord(try await containersService.create(request, metadata: metadata).container)
        }
    }

    /// Sets single labels of a container; an empty value removes one.
    @discardableResult
    public func setContainerLabels(_ labels: [String: String], of id: String) async throws -> ContainerRecord {
        try await call("Containers.Update", "labels of container \(id)") {
            var request = Containerd_Services_Containers_V1_UpdateContainerRequest()
            request.container.id = id
            request.container.labels = labels
            request.updateMask = Google_Protobuf_FieldMask(labels.keys.sorted().map { "labels.\($0)" })
            return ContainerRecord(try await containersService.update(request, metadata: metadata).container)
        }
    }

    /// Deletes a container without a task. Its snapshot stays.
    public func deleteContainer(_ id: String) async throws {
        try await call("Containers.Delete", "container \(id)") {
            var request = Containerd_Services_Containers_V1_DeleteContainerRequest()
            request.id = id
            _ = try await containersService.delete(request, metadata: metadata)
        }
    }
}

extension ContainerRecord {
    fileprivate init(_ message: Containerd_Services_Containers_V1_Container) {
        self.id = message.id
        self.labels = message.labels
        self.image = message.image
        self.runtime = message.runtime.name
        self.runtimeOptions = message.runtime.hasOptions ? TypedValue(message.runtime.options) : nil
        self.specification = message.hasSpec ? TypedValue(message.spec) : nil
        self.snapshotter = message.snapshotter
        self.snapshotKey = message.snapshotKey
        self.createdAt = message.createdAt.date
        self.updatedAt = message.updatedAt.date
        self.extensions = message.extensions.mapValues(TypedValue.init)
    }

    fileprivate var message: Containerd_Services_Containers_V1_Container {
        var message = Containerd_Services_Containers_V1_Container()
        message.id = id
        message.labels = labels
        message.image = image
        message.runtime.name = runtime
        if let runtimeOptions {
            message.runtime.options = runtimeOptions.message
        }
        if let specification {
            message.spec = specification.message
        }
        message.snapshotter = snapshotter
        message.snapshotKey = snapshotKey
        message.extensions = extensions.mapValues(\.message)
        return message
    }
}
