// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.URLComponents

/// Where an API server is, and how it proves that it is the right one.
public struct ServerEndpoint: Sendable, Hashable {
    /// How the server proves who it is.
    public enum Verification: Sendable, Hashable {
        /// By a certificate of an authority that this machine trusts.
        case systemAuthorities
        /// By a certificate of one of these authorities.
        case authorities(PEMSource)
        /// Not at all: whoever answers gets our credentials. Only for tests.
        case none
    }

    /// Its address, such as `https://10.96.0.1:443`. A path is put before all others.
    public let address: String
    /// How it proves who it is.
    public var verification: Verification
    /// The name that its certificate must have, if not the address's host.
    public var serverName: String?
    /// The proxy on the way: `http://host:port` or `socks5://host:port`.
    public var proxy: String?

    let scheme: String
    let host: String
    let port: Int
    /// Without a slash at its end.
    let path: String

    /// Creates an endpoint.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration` if the address is none. Without a scheme it is taken for https.
    public init(
        _ address: String,
        verification: Verification = .systemAuthorities,
        serverName: String? = nil,
        proxy: String? = nil
    ) throws(KubeError) {
        let full = address.contains("://") ? address : "https://\(address)"
        guard let parts = URLComponents(string: full), let scheme = parts.scheme?.lowercased(),
            scheme == "https" || scheme == "http", let host = parts.host, !host.isEmpty, parts.user == nil,
            parts.query == nil, parts.fragment == nil, parts.port.map({ 1...65535 ~= $0 }) ?? true
        else {
            throw KubeError(
                .invalidConfiguration,
                operation: "use the server",
                subject: "'\(address.onOneLine(limit: 200))'",
                reason: "it is no address of a web server",
                advice: "it looks like https://host:6443"
            )
        }
        self.address = address
        self.verification = verification
        self.serverName = serverName.flatMap { $0.isEmpty ? nil : $0 }
        self.proxy = proxy.flatMap { $0.isEmpty ? nil : $0 }
        self.scheme = scheme
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? (scheme == "https" ? 443 : 80)
        var path = parts.percentEncodedPath
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    /// `host:port`, as in the Host header.
    var authority: String { Self.bracketed(host) + ":\(port)" }

    /// What requests are addressed to: with the name that the certificate must have, if that is another one.
    var origin: String { "\(scheme)://\(Self.bracketed(serverName ?? host)):\(port)" }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

/// Certificates or a key in PEM form.
public enum PEMSource: Sendable, Hashable {
    /// A file, which is read again from time to time.
    case file(String)
    /// The bytes.
    case bytes([UInt8])
}

extension PEMSource: CustomStringConvertible {
    /// The file's path; never the content, which may be a key.
    public var description: String {
        switch self {
        case .file(let path): path
        case .bytes: "inline data"
        }
    }
}
