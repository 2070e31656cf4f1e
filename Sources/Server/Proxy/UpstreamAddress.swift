// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// `host:port`, as a runtime says where a sandbox is reached.
struct UpstreamAddress: Sendable, Equatable, CustomStringConvertible {
    var host: String
    var port: Int

    /// Reads an address; `[::1]:80` for IPv6. Nil if it is none.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains("/") else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// As a `Host` header has it.
    var description: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
