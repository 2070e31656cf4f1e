// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import NIOCore
import NIOHTTP1

/// How something is deleted.
public struct DeleteOptions: Sendable, Hashable {
    /// What becomes of the objects that a deleted one owns.
    public enum Propagation: String, Sendable, Hashable {
        /// They stay.
        case orphan = "Orphan"
        /// They go after it.
        case background = "Background"
        /// They go before it.
        case foreground = "Foreground"
    }

    /// Deletes only the object of this UID, not one that has its name now.
    public var uid: String?
    /// Deletes only this state of it.
    public var resourceVersion: String?
    /// How long it has to end, in seconds; `nil` for as long as it says itself, 0 for not at all.
    public var gracePeriodSeconds: Int?
    /// What becomes of the objects that it owns; `nil` for what is usual for its type.
    public var propagation: Propagation?
    /// Whether it is only tried out.
    public var isDryRun: Bool

    /// Creates options.
    public init(
        uid: String? = nil,
        resourceVersion: String? = nil,
        gracePeriodSeconds: Int? = nil,
        propagation: Propagation? = nil,
        isDryRun: Bool = false
    ) {
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.gracePeriodSeconds = gracePeriodSeconds
        self.propagation = propagation
        self.isDryRun = isDryRun
    }

    var document: JSONValue {
        var document: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
        var preconditions: JSONValue = [:]
        if let uid { preconditions["uid"] = .string(uid) }
        if let resourceVersion { preconditions["resourceVersion"] = .string(resourceVersion) }
        if preconditions != [:] { document["preconditions"] = preconditions }
        if let gracePeriodSeconds { document["gracePeriodSeconds"] = .number(JSONNumber(gracePeriodSeconds)) }
        if let propagation { document["propagationPolicy"] = .string(propagation.rawValue) }
        if isDryRun { document["dryRun"] = ["All"] }
        return document
    }
}

/// What has come of a deletion.
public enum Deletion<Object: KubeObject>: Sendable, Hashable {
    /// It is gone, or all that was selected is.
    case done(Status)
    /// It will go, when it has ended and its finalizers are done.
    case begun(Object)
}

extension ResourceClient {
    /// Deletes an object.
    ///
    /// When the connection breaks it is repeated, and then the server may say that the object is not there.
    ///
    /// - Throws: `KubeError`, of kind `notFound` if there is none, `conflict` if it is not the one that the options say.
    @discardableResult
    public func delete(_ name: String, _ options: DeleteOptions = DeleteOptions()) async throws -> Deletion<Object> {
        var request = try request("delete", .DELETE, name: name)
        request.body = ByteBuffer(bytes: options.document.json())
        let response = try await transport.send(request)
        let body = try await transport.body(of: response, to: request)
        let answer: DynamicObject = try transport.read(body, of: request)
        if answer.kind == "Status", answer.apiVersion == "v1" {
            return .done(try transport.read(body, of: request))
        }
        return .begun(try transport.read(body, of: request))
    }

    /// Deletes all objects that are selected.
    ///
    /// - Parameter selection: which; it says so itself if that is all.
    public func deleteAll(_ selection: ListOptions, _ options: DeleteOptions = DeleteOptions()) async throws {
        var request = try request("delete", .DELETE)
        selection.apply(to: &request)
        request.body = ByteBuffer(bytes: options.document.json())
        request.answer = .text
        let response = try await transport.send(request)
        // A list of what was deleted, which may be long and which nobody needs.
        for try await _ in response.body {}
    }
}
