// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOHTTP1

/// Which headers pass between clients and sandboxes. Pure.
enum ProxyHeaders {
    /// What would let a sandbox's page reach beyond its own path, to those of other sandboxes and this server's.
    private static let reaching: Set<String> = ["service-worker-allowed"]

    /// What concerns one connection only (RFC 9110, 7.6.1).
    static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// What is meant for this server and nobody behind it.
    private static let ours: Set<String> = [
        "authorization", "cookie", HTTPField.Name.apiKey.canonicalName, HTTPField.Name.secureAccess.canonicalName,
        HTTPField.Name.accessRenew.canonicalName,
    ]

    /// What is a client's way to log in, and no secret of this server's where it asks for another header.
    private static let login: Set<String> = ["authorization", "cookie"]

    /// What only this server may say about where a request comes from.
    private static let forwarding: Set<String> = [
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip",
    ]

    /// Where a request comes from.
    struct Origin: Sendable {
        var address: String?
        var scheme = "http"
        var host: String?
    }

    /// The headers of the request that a sandbox gets, without those that say how long its body is.
    ///
    /// - Parameters:
    ///   - endpoint: Headers that belong to the sandbox's endpoint.
    ///   - isInternal: Whether the server itself asks, and may use the token of the sandbox's sidecar.
    ///   - keepsLogin: Whether `Authorization` and `Cookie` are for the sandbox.
    static func request(
        _ headers: HTTPFields,
        host: String,
        origin: Origin,
        endpoint: [String: String] = [:],
        isInternal: Bool = false,
        keepsLogin: Bool = false
    ) -> HTTPHeaders {
        let dropped = hopByHop.union(keepsLogin ? ours.subtracting(login) : ours).union(forwarding).union(
            named(by: headers[values: .connection])
        )
        .union(["host", "content-length"])
        .union(isInternal ? [HTTPField.Name.egressAuthorization.canonicalName] : [])
        var result: HTTPHeaders = ["Host": host]
        for field in headers where !dropped.contains(field.name.canonicalName) {
            result.add(name: field.name.rawName, value: field.value)
        }
        for (name, value) in endpoint.sorted(by: { $0.key < $1.key }) {
            switch name.lowercased() {
            case HTTPField.Name.secureAccess.canonicalName, "host": continue
            case HTTPField.Name.egressAuthorization.canonicalName where !isInternal: continue
            case let name where hopByHop.contains(name) || forwarding.contains(name): continue
            default: result.replaceOrAdd(name: name, value: value)
            }
        }
        result.add(name: "X-Forwarded-Proto", value: origin.scheme)
        if let host = origin.host { result.add(name: "X-Forwarded-Host", value: host) }
        if let address = origin.address { result.add(name: "X-Forwarded-For", value: address) }
        return result
    }

    /// The headers of a sandbox's answer that a client gets.
    ///
    /// - Parameter prefix: The path of the sandbox's root at this server, which a redirect is kept beneath.
    static func response(_ headers: HTTPHeaders, prefix: String) -> HTTPFields {
        let dropped = hopByHop.union(named(by: headers["Connection"])).union(reaching)
        var result = HTTPFields()
        result.reserveCapacity(headers.count)
        for (name, value) in headers {
            // A name that is none does not pass.
            guard let name = HTTPField.Name(name), !dropped.contains(name.canonicalName) else { continue }
            let isPath = name == .location && value.hasPrefix("/") && !value.hasPrefix("//")
            result.append(HTTPField(name: name, value: isPath ? prefix + value : value))
        }
        return result
    }

    /// The headers that `Connection` names, which concern one connection too.
    private static func named(by connection: [String]) -> [String] {
        connection.flatMap { $0.split(separator: ",") }.map { String($0).trimmed.lowercased() }
    }

    /// Whether a list of tokens, as in `Connection`, has one of them.
    static func list(_ values: [String], has token: String) -> Bool {
        named(by: values).contains(token)
    }
}

extension HTTPField.Name {
    static let accessRenew = known("OpenSandbox-Access-Renew")
    static let egressAuthorization = known("OPENSANDBOX-EGRESS-AUTH")
    static let ingressTo = known("OpenSandbox-Ingress-To")
    static let secureAccess = known("OpenSandbox-Secure-Access")
}
