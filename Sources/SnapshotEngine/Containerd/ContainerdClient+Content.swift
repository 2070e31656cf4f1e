// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import GRPCCore
import SwiftProtobuf

public import struct Foundation.Date

/// What containerd knows of one blob.
public struct ContentInfo: Sendable, Hashable {
    /// `sha256:<64 hex>`.
    public var digest: String
    /// The size in bytes.
    public var size: Int64
    /// When it was made.
    public var createdAt: Date
    /// When it was changed last.
    public var updatedAt: Date
    /// Labels; `containerd.io/gc.ref.*` say what else must be kept with it.
    public var labels: [String: String]
}

/// An upload that has begun and not ended.
public struct ContentUploadStatus: Sendable, Hashable {
    /// Its name.
    public var reference: String
    /// Bytes that containerd has.
    public var offset: Int64
    /// Bytes there will be; 0 if nobody said.
    public var total: Int64
    /// The digest there will be; empty if nobody said.
    public var expected: String
}

/// The content store: everything about blobs but their bytes.
extension ContainerdClient {
    var contentService: Containerd_Services_Content_V1_Content.Client<ContainerdTransport> {
        .init(wrapping: connection.calls)
    }

    /// What containerd knows of a blob.
    public func contentInfo(_ digest: String) async throws -> ContentInfo {
        try await read("Content.Info", "content \(digest)") {
            var request = Containerd_Services_Content_V1_InfoRequest()
            request.digest = digest
            return ContentInfo(try await contentService.info(request, metadata: metadata).info)
        }
    }

    /// Sets single labels of a blob; an empty value removes one.
    @discardableResult
    public func setContentLabels(_ labels: [String: String], of digest: String) async throws -> ContentInfo {
        try await call("Content.Update", "labels of content \(digest)") {
            var request = Containerd_Services_Content_V1_UpdateRequest()
            request.info.digest = digest
            request.info.labels = labels
            request.updateMask = Google_Protobuf_FieldMask(labels.keys.sorted().map { "labels.\($0)" })
            return ContentInfo(try await contentService.update(request, metadata: metadata).info)
        }
    }

    /// The blobs that match any of the filters; all without filters.
    public func contentList(filters: [String] = []) async throws -> [ContentInfo] {
        try await read("Content.List", "content") {
            var request = Containerd_Services_Content_V1_ListContentRequest()
            request.filters = filters
            return try await contentService.list(request, metadata: metadata) { response in
                var all: [ContentInfo] = []
                for try await message in response.messages {
                    all += message.info.map(ContentInfo.init)
                }
                return all
            }
        }
    }

    /// Deletes a blob.
    public func deleteContent(_ digest: String) async throws {
        try await call("Content.Delete", "content \(digest)") {
            var request = Containerd_Services_Content_V1_DeleteContentRequest()
            request.digest = digest
            _ = try await contentService.delete(request, metadata: metadata)
        }
    }

    /// How far an upload is.
    public func uploadStatus(_ reference: String) async throws -> ContentUploadStatus {
        try await read("Content.Status", "upload \(reference)") {
            var request = Containerd_Services_Content_V1_StatusRequest()
            request.ref = reference
            return ContentUploadStatus(try await contentService.status(request, metadata: metadata).status)
        }
    }

    /// The uploads that have begun and not ended.
    public func uploads() async throws -> [ContentUploadStatus] {
        try await read("Content.ListStatuses", "uploads") {
            let request = Containerd_Services_Content_V1_ListStatusesRequest()
            return try await contentService.listStatuses(request, metadata: metadata)
                .statuses.map(ContentUploadStatus.init)
        }
    }

    /// Gives an upload up and deletes what containerd has of it.
    public func abortUpload(_ reference: String) async throws {
        try await call("Content.Abort", "upload \(reference)") {
            var request = Containerd_Services_Content_V1_AbortRequest()
            request.ref = reference
            _ = try await contentService.abort(request, metadata: metadata)
        }
    }
}

extension ContentInfo {
    init(_ message: Containerd_Services_Content_V1_Info) {
        self.init(
            digest: message.digest,
            size: message.size,
            createdAt: message.createdAt.date,
            updatedAt: message.updatedAt.date,
            labels: message.labels
        )
    }
}

extension ContentUploadStatus {
    fileprivate init(_ message: Containerd_Services_Content_V1_Status) {
        self.init(
            reference: message.ref,
            offset: message.offset,
            total: message.total,
            expected: message.expected
        )
    }
}
