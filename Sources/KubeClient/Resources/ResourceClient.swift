// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import NIOCore
import NIOHTTP1

/// The objects of one type, in one namespace or in all.
///
/// Every call throws `KubeError`, or `CancellationError` when its task is cancelled.
public struct ResourceClient<Object: KubeObject>: Sendable {
    /// The type.
    public let type: ResourceType
    /// The namespace; `nil` for all, and for types that have none.
    public let namespace: String?
    let transport: KubeTransport

    init(_ type: ResourceType, in scope: NamespaceScope, _ transport: KubeTransport) {
        self.type = type
        self.transport = transport
        namespace =
            switch (type.scope, scope) {
            case (.cluster, _), (_, .all): nil
            case (_, .default): transport.configuration.namespace
            case (_, .named(let name)): name
            }
    }

    private init(_ type: ResourceType, namespace: String?, _ transport: KubeTransport) {
        self.type = type
        self.namespace = namespace
        self.transport = transport
    }

    /// The same objects, of which those that are not as their type says are told as they are. Otherwise one of them makes a
    /// whole list, or a watch, fail.
    public var lenient: ResourceClient<Lenient<Object>> {
        ResourceClient<Lenient<Object>>(type, namespace: namespace, transport)
    }

    /// The same objects, over connections and with a limit of their own, so that nobody else's requests hold these up. For the
    /// few requests that must not be late.
    public func reserved(_ limit: RateLimit) -> ResourceClient {
        ResourceClient(type, namespace: namespace, transport.reserved(limit))
    }

    /// The objects of the same type in another namespace, or in all.
    public func `in`(_ scope: NamespaceScope) -> ResourceClient { ResourceClient(type, in: scope, transport) }

    // MARK: Requests

    /// A request about all objects.
    func request(_ operation: String, _ method: HTTPMethod = .GET) throws(KubeError) -> KubeRequest {
        try makeRequest(operation, method, name: nil, namespace: namespace)
    }

    /// A request about one object.
    func request(
        _ operation: String,
        _ method: HTTPMethod = .GET,
        name: String,
        subresource: Subresource? = nil,
        namespace override: String? = nil
    ) throws(KubeError) -> KubeRequest {
        let namespace = override ?? namespace
        var request = try makeRequest(operation, method, name: name, namespace: namespace)
        if type.scope == .namespaced, namespace == nil {
            throw request.fault(
                .invalidRequest,
                "it is not said in which namespace",
                advice: "ask for a client of one namespace"
            )
        }
        if let subresource { request.path += "/\(KubeRequest.encode(subresource.name))" }
        return request
    }

    /// A request that creates an object.
    func creation(of object: Object) throws(KubeError) -> KubeRequest {
        let namespace = try namespace(of: object)
        var request = try makeRequest("create", .POST, name: nil, namespace: namespace, title: object.metadata.name)
        if type.scope == .namespaced, namespace == nil {
            throw request.fault(.invalidRequest, "it is not said in which namespace", advice: "set metadata.namespace")
        }
        request.body = body(object)
        return request
    }

    /// The namespace that an object is in, or goes into.
    func namespace(of object: Object) throws(KubeError) -> String? {
        guard type.scope == .namespaced, let own = object.metadata.namespace, !own.isEmpty else { return namespace }
        guard let namespace, own != namespace else { return own }
        throw KubeError(
            .invalidRequest,
            operation: "write",
            subject: "\(type.kind) \(own)/\(object.metadata.name)",
            reason: "this client is for the namespace '\(namespace)'"
        )
    }

    /// What is sent of an object.
    func body(_ object: Object) -> ByteBuffer { ByteBuffer(bytes: completed(object).json()) }

    /// The object with what a type that is only known at run time has no way of knowing.
    func completed(_ object: Object) -> Object {
        // Asked before it is cast: for each object of a list that would take longer.
        guard Object.self == DynamicObject.self || Object.self == Lenient<DynamicObject>.self else { return object }
        switch object {
        case let dynamic as DynamicObject:
            return completed(dynamic) as? Object ?? object
        case let lenient as Lenient<DynamicObject>:
            guard case .object(let dynamic) = lenient else { return object }
            return Lenient.object(completed(dynamic)) as? Object ?? object
        default:
            return object
        }
    }

    private func completed(_ object: DynamicObject) -> DynamicObject {
        var object = object
        if object.apiVersion.isEmpty { object.apiVersion = type.apiVersion }
        if object.kind.isEmpty { object.kind = type.kind }
        return object
    }

    /// - Parameter title: what it is called in errors, if it has no name in the address.
    private func makeRequest(
        _ operation: String,
        _ method: HTTPMethod,
        name: String?,
        namespace: String?,
        title: String? = nil
    ) throws(KubeError) -> KubeRequest {
        var path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
        let subject =
            if let title = name ?? title {
                "\(type.kind) \((namespace.map { "\($0)/\(title)" } ?? title).onOneLine(limit: 320))"
            } else {
                "\(type.qualifiedPlural)\(namespace.map { " in \($0)" } ?? "")"
            }
        for case let part? in [namespace, name] {
            // The API server takes no such names either, and an address would mean something else with them.
            if part.isEmpty || part == "." || part == ".."
                || part.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") })
            {
                throw KubeError(
                    .invalidRequest,
                    operation: operation,
                    subject: subject,
                    reason: "'\(part.onOneLine(limit: 80))' is no name"
                )
            }
        }
        if let namespace { path += "/namespaces/\(KubeRequest.encode(namespace))" }
        path += "/\(type.plural)"
        if let name { path += "/\(KubeRequest.encode(name))" }
        return KubeRequest(
            operation: operation,
            subject: subject,
            method: method,
            path: path,
            isRepeatable: method == .GET || method == .PUT || method == .DELETE
        )
    }
}

/// A part of an object that is read and written on its own.
public struct Subresource: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Its name in addresses.
    public let name: String

    /// A part by its name.
    public init(stringLiteral name: String) { self.name = name }

    /// What is, apart from what shall be.
    public static let status: Subresource = "status"
    /// How many replicas there are and shall be.
    public static let scale: Subresource = "scale"
}
