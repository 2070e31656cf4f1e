// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Which servers are reached through a proxy, as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say it to most programs.
///
/// Loopback addresses are never reached through one.
public struct ProxySettings: Sendable, Hashable {
    /// A proxy.
    struct Server: Sendable, Hashable {
        enum Kind: Sendable, Hashable {
            /// HTTP with `CONNECT`, whatever goes through it.
            case http
            /// SOCKS 5.
            case socks
        }

        var kind: Kind
        var host: String
        var port: Int
        /// User and password, if it wants a login.
        var login: RegistryCredentials?

        /// For messages: without the login.
        var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// The proxy for https.
    var https: Server?
    /// The proxy for http.
    var http: Server?
    /// What is reached without a proxy.
    var exceptions: [ProxyException] = []

    /// No proxy.
    public init() {}

    /// Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, or else the same names in lower case.
    ///
    /// A proxy is `[http://][user:password@]host[:port]` or `socks5://host[:port]`. `NO_PROXY` is a list with commas:
    /// `example.org` and all below it, `.example.org` for only those below, addresses, networks as `10.0.0.0/8`, each
    /// but networks with a port if wanted, or `*` for everything.
    ///
    /// - Throws: `RegistryError` of kind `invalidReference` if a proxy is not written as it should be.
    public init(environment: [String: String]) throws(RegistryError) {
        func value(_ name: String) -> String? {
            [name, name.lowercased()].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        if let text = value("HTTPS_PROXY") { https = try Self.server(text, variable: "HTTPS_PROXY") }
        if let text = value("HTTP_PROXY") { http = try Self.server(text, variable: "HTTP_PROXY") }
        exceptions = (value("NO_PROXY") ?? "").split(separator: ",").compactMap { ProxyException($0) }
    }

    /// The proxy on the way to an address; `nil` if there is none.
    func server(for address: WebAddress) -> Server? {
        guard let server = address.scheme == "https" ? https : http else { return nil }
        let (host, port) = (address.host, address.port)
        if host == "localhost" || host.hasSuffix(".localhost") || NetworkAddress(host)?.isLoopback == true {
            return nil
        }
        return exceptions.contains { $0.covers(host: host, port: port) } ? nil : server
    }

    private static func server(_ text: String, variable: String) throws(RegistryError) -> Server {
        func fault(_ reason: String) -> RegistryError {
            // The value may have a password in it.
            RegistryError(
                .invalidReference,
                operation: "use the proxy in",
                subject: variable,
                reason: reason,
                advice: "a proxy looks like http://proxy.example:3128"
            )
        }
        var rest = text[...]
        var kind = Server.Kind.http
        if let end = text.range(of: "://") {
            switch text[..<end.lowerBound].lowercased() {
            case "http": kind = .http
            case "socks5", "socks5h": kind = .socks
            default: throw fault("it begins with neither http:// nor socks5://")
            }
            rest = text[end.upperBound...]
        }
        rest = rest.prefix { $0 != "/" }
        var login: RegistryCredentials?
        if let at = rest.lastIndex(of: "@") {
            guard kind == .http else { throw fault("a login is only understood for http://") }
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let user = parts.first?.removingPercentEncoding,
                let password = (parts.dropFirst().first ?? "").removingPercentEncoding
            else { throw fault("its user or password has a '%' that begins no escape") }
            login = .basic(username: user, password: password)
            rest = rest[rest.index(after: at)...]
        }
        guard let address = WebAddress("http://\(rest)"), !rest.isEmpty else { throw fault("it names no host") }
        let hasPort = rest.drop { $0 != "]" }.contains(":") || (!rest.hasPrefix("[") && rest.contains(":"))
        return Server(
            kind: kind,
            host: address.host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")),
            port: hasPort ? address.port : (kind == .http ? 80 : 1080),
            login: login
        )
    }
}

extension Substring {
    fileprivate var removingPercentEncoding: String? { String(self).removingPercentEncoding }
}
