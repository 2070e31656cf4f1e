// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import SwiftProtobuf

public import struct Foundation.Date

/// A name for an image in containerd's content store.
public struct ContainerdImage: Sendable, Hashable {
    /// The name, usually a reference (`docker.io/library/debian:12`).
    public var name: String
    /// Labels.
    public var labels: [String: String]
    /// The index or manifest that it names.
    public var target: ContentDescriptor
    /// When it was made; containerd sets it.
    public var createdAt: Date
    /// When it was changed last; containerd sets it.
    public var updatedAt: Date

    /// Creates an image from its values.
    public init(
        name: String,
        target: ContentDescriptor,
        labels: [String: String] = [:],
        createdAt: Date = Date(timeIntervalSince1970: 0),
        updatedAt: Date = Date(timeIntervalSince1970: 0)
    ) {
        self.name = name
        self.target = target
        self.labels = labels
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Images.
extension ContainerdClient {
    private var imagesService: Containerd_Services_Images_V1_Images.Client<ContainerdTransport> {
        .init(wrapping: connection.calls)
    }

    /// The image of that name.
    public func image(_ name: String) async throws -> ContainerdImage {
        try await read("Images.Get", "image \(name)") {
            var request = Containerd_Services_Images_V1_GetImageRequest()
            request.name = name
            return ContainerdImage(try await imagesService.get(request, metadata: metadata).image)
        }
    }

    /// The images that match any of the filters; all without filters.
    public func images(filters: [String] = []) async throws -> [ContainerdImage] {
        try await read("Images.List", "images") {
            var request = Containerd_Services_Images_V1_ListImagesRequest()
            request.filters = filters
            return try await imagesService.list(request, metadata: metadata).images.map(ContainerdImage.init)
        }
    }

    /// Makes an image of content that is in the store.
    @discardableResult
    public func createImage(_ image: ContainerdImage) async throws -> ContainerdImage {
        try await call("Images.Create", "image \(image.name)") {
            var request = Containerd_Services_Images_V1_CreateImageRequest()
            request.image = image.message
            return ContainerdImage(try await imagesService.create(request, metadata: metadata).image)
        }
    }

    /// Lets an existing name name another target, and replaces its labels.
    @discardableResult
    public func updateImage(_ image: ContainerdImage) async throws -> ContainerdImage {
        try await call("Images.Update", "image \(image.name)") {
            var request = Containerd_Services_Images_V1_UpdateImageRequest()
            request.image = image.message
            request.updateMask = Google_Protobuf_FieldMask(["target", "labels"])
            return ContainerdImage(try await imagesService.update(request, metadata: metadata).image)
        }
    }

    /// Deletes a name; with `synchronously`, what only it kept is gone when this returns.
    public func deleteImage(_ name: String, synchronously: Bool = false) async throws {
        try await call("Images.Delete", "image \(name)") {
            var request = Containerd_Services_Images_V1_DeleteImageRequest()
            request.name = name
            request.sync = synchronously
            _ = try await imagesService.delete(request, metadata: metadata)
        }
    }
}

extension ContainerdImage {
    fileprivate init(_ message: Containerd_Services_Images_V1_Image) {
        self.init(
            name: message.name,
            target: ContentDescriptor(message.target),
            labels: message.labels,
            createdAt: message.createdAt.date,
            updatedAt: message.updatedAt.date
        )
    }

    fileprivate var message: Containerd_Services_Images_V1_Image {
        var message = Containerd_Services_Images_V1_Image()
        message.name = name
        message.labels = labels
        message.target = target.message
        return message
    }
}
