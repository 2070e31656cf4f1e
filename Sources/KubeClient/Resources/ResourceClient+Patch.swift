// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import NIOCore
import NIOHTTP1

/// A change of an object.
public enum KubePatch: Sendable, Hashable {
    /// Members with their new values.
    case merge(MergePatch)
    /// Steps, which are all done or none.
    case json(JSONPatch)
    /// Members with their new values, in which lists are merged by their keys. Only the server's own types know how.
    case strategicMerge(JSONValue)

    var contentType: String {
        switch self {
        case .merge: "application/merge-patch+json"
        case .json: "application/json-patch+json"
        case .strategicMerge: "application/strategic-merge-patch+json"
        }
    }

    var document: JSONValue {
        switch self {
        case .merge(let patch): patch.document
        case .json(let patch): patch.document
        case .strategicMerge(let document): document
        }
    }
}

extension ResourceClient {
    /// Changes an object.
    ///
    /// A merge patch is repeated when the connection breaks: done twice it comes to the same. The others are not.
    ///
    /// - Returns: the object as the server keeps it.
    /// - Throws: `KubeError`, of kind `conflict` if a merge patch requires another state, `invalid` if a test fails.
    public func patch(
        _ name: String,
        _ patch: KubePatch,
        subresource: Subresource? = nil,
        _ options: WriteOptions = WriteOptions()
    ) async throws -> Object {
        var request = try request("patch", .PATCH, name: name, subresource: subresource)
        request.contentType = patch.contentType
        request.body = ByteBuffer(bytes: patch.document.json())
        if case .merge(let merge) = patch {
            request.isRepeatable = merge.document["metadata"]?["resourceVersion"] == nil
        }
        options.apply(to: &request)
        return try await transport.answer(to: request)
    }

    /// Says what some fields shall be (server-side apply), and creates the object if it is not there. Fields that the same
    /// manager said before and does not say any more go.
    ///
    /// - Parameters:
    ///   - object: the fields. Those that the type always writes are said, too; what is not to be said must be optional.
    ///   - manager: who says it.
    ///   - isForced: whether fields are taken from other managers. A controller that owns them by right does that.
    /// - Throws: `KubeError`, of kind `conflict` if others own fields: see `applyConflicts`.
    public func apply(
        _ object: Object,
        manager: String,
        isForced: Bool = false,
        subresource: Subresource? = nil,
        isDryRun: Bool = false
    ) async throws -> Object {
        let document = try JSONValue(encoding: completed(object))
        return try await apply(
            document,
            name: object.metadata.name,
            namespace: namespace(of: object),
            manager: manager,
            isForced: isForced,
            subresource: subresource,
            isDryRun: isDryRun
        )
    }

    /// Says what some fields shall be, with exactly these members besides `apiVersion`, `kind` and the name.
    ///
    /// - Throws: `KubeError`, of kind `conflict` if others own fields: see `applyConflicts`.
    public func apply(
        _ fields: JSONValue,
        to name: String,
        manager: String,
        isForced: Bool = false,
        subresource: Subresource? = nil,
        isDryRun: Bool = false
    ) async throws -> Object {
        var document = fields
        document["apiVersion"] = .string(type.apiVersion)
        document["kind"] = .string(type.kind)
        var metadata = fields["metadata"] ?? [:]
        metadata["name"] = .string(name)
        document["metadata"] = metadata
        return try await apply(
            document,
            name: name,
            namespace: namespace,
            manager: manager,
            isForced: isForced,
            subresource: subresource,
            isDryRun: isDryRun
        )
    }

    private func apply(
        _ document: JSONValue,
        name: String,
        namespace: String?,
        manager: String,
        isForced: Bool,
        subresource: Subresource?,
        isDryRun: Bool
    ) async throws -> Object {
        var request = try request("apply", .PATCH, name: name, subresource: subresource, namespace: namespace)
        // JSON is YAML.
        request.contentType = "application/apply-patch+yaml"
        request.body = ByteBuffer(bytes: document.json())
        request.isRepeatable = true
        request.add("force", isForced ? "true" : nil)
        WriteOptions(fieldManager: manager, isDryRun: isDryRun).apply(to: &request)
        return try await transport.answer(to: request)
    }
}
