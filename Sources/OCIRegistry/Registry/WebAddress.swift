// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.URL

/// An absolute http or https URL, kept as written: registries put signed state into upload URLs.
struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    /// The URL as written.
    let text: String
    /// `http` or `https`.
    let scheme: String
    /// `host` or `host:port`, in lower case, without the scheme's own port.
    let authority: String
    /// The host alone, an IPv6 address in brackets.
    let host: String
    /// The port, if need be the scheme's own.
    let port: Int

    /// Reads an absolute URL; `nil` if it is none, has no host, another scheme or a user in it.
    init?(_ text: String) {
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host(percentEncoded: true)?.lowercased(), !host.isEmpty, url.user == nil
        else { return nil }
        self.text = text
        self.scheme = scheme
        self.host = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        let standardPort = scheme == "https" ? 443 : 80
        port = url.port ?? standardPort
        guard (1...65535).contains(port) else { return nil }
        authority = port == standardPort ? self.host : "\(self.host):\(port)"
    }

    /// Resolves the `Location` of an answer to a request for this URL, relative or absolute.
    ///
    /// A registry behind a TLS proxy may not know that it is, and name itself with `http`: the scheme of the same
    /// host is never lowered.
    func resolving(_ location: String) -> WebAddress? {
        guard let base = URL(string: text),
            let resolved = URL(string: location, relativeTo: base).flatMap({ WebAddress($0.absoluteString) })
        else { return nil }
        if scheme == "https" && resolved.scheme == "http" && host == resolved.host {
            return WebAddress("https" + resolved.text.dropFirst("http".count))
        }
        return resolved
    }

    /// The URL with one more parameter in its query, whose value needs no escaping.
    func adding(_ parameter: String, _ value: String) -> WebAddress? {
        WebAddress(text + (text.contains("?") ? "&" : "?") + "\(parameter)=\(value)")
    }

    /// Whether both name one server: what must not be sent elsewhere may be sent to both.
    func hasSameOrigin(as other: WebAddress) -> Bool { scheme == other.scheme && authority == other.authority }

    /// The URL without its query, which may hold secrets.
    var description: String { String(text.prefix { $0 != "?" }) }
}
