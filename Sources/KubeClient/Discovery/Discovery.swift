// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import Synchronization

/// Which types a server serves. What it has answered is remembered until `forget`, or until a type is looked for that is not
/// among them.
public final class Discovery: Sendable {
    private struct State {
        var groups: [APIGroup]?
        var resources: [String: [APIResource]] = [:]
    }

    private let transport: KubeTransport
    private let state = Mutex(State())

    /// Asks through a client.
    public init(_ client: KubeClient) { transport = client.transport }

    /// Forgets everything.
    public func forget() { state.withLock { $0 = State() } }

    /// The groups, without the core group.
    ///
    /// - Throws: `KubeError`, or `CancellationError`.
    public func groups() async throws -> [APIGroup] {
        if let known = state.withLock({ $0.groups }) { return known }
        let request = KubeRequest(operation: "get", subject: "the API groups", path: "/apis", isRepeatable: true)
        let list: APIGroupList = try await transport.answer(to: request)
        state.withLock { $0.groups = list.groups }
        return list.groups
    }

    /// The types of a version of a group, without subresources.
    ///
    /// - Parameter groupVersion: `v1` for the core group, or such as `batch/v1`.
    /// - Throws: `KubeError`, of kind `notServed` if the server does not know it, or `CancellationError`.
    public func resources(of groupVersion: String) async throws -> [APIResource] {
        if let known = state.withLock({ $0.resources[groupVersion] }) { return known }
        let parts = groupVersion.split(separator: "/", omittingEmptySubsequences: false)
            .map { KubeRequest.encode(String($0)) }
        guard parts.count <= 2, !parts.contains("") else {
            throw KubeError(
                .invalidRequest,
                operation: "get",
                subject: "the types of '\(groupVersion.onOneLine(limit: 80))'",
                reason: "that is no version of a group"
            )
        }
        let request = KubeRequest(
            operation: "get",
            subject: "the types of \(groupVersion)",
            path: (parts.count == 1 ? "/api/" : "/apis/") + parts.joined(separator: "/"),
            isRepeatable: true
        )
        let list: APIResourceList = try await transport.answer(to: request)
        let resources = list.resources.filter { !$0.name.contains("/") }
        state.withLock { $0.resources[groupVersion] = resources }
        return resources
    }

    /// The type of a kind.
    ///
    /// - Parameters:
    ///   - kind: the kind, such as `Job`.
    ///   - apiVersion: `v1`, or such as `batch/v1`.
    /// - Returns: `nil` if the server does not serve it.
    /// - Throws: `KubeError`, or `CancellationError`.
    public func resourceType(kind: String, apiVersion: String) async throws -> ResourceType? {
        for isSecondTry in [false, true] {
            // It may have been installed since.
            if isSecondTry { state.withLock { $0.resources[apiVersion] = nil } }
            let wasKnown = state.withLock { $0.resources[apiVersion] != nil }
            do {
                if let found = try await resources(of: apiVersion).first(where: { $0.kind == kind }) {
                    return Self.type(found, apiVersion)
                }
            } catch let error as KubeError where error.kind == .notServed {
                return nil
            }
            if !wasKnown { break }
        }
        return nil
    }

    private static func type(_ resource: APIResource, _ apiVersion: String) -> ResourceType {
        let parts = apiVersion.split(separator: "/")
        return ResourceType(
            group: parts.count == 2 ? String(parts[0]) : "",
            version: parts.last.map(String.init) ?? "",
            kind: resource.kind,
            plural: resource.name,
            scope: resource.namespaced ? .namespaced : .cluster
        )
    }
}
