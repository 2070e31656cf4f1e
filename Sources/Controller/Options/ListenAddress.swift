// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Where to listen, as Go programs write it: `:8081`, `127.0.0.1:8081`, `[::1]:8081`.
public struct ListenAddress: Sendable, Hashable {
    /// A name or an address; nil for all of this machine's.
    public var host: String?
    /// The port, 0 for any that is free.
    public var port: Int

    /// Creates an address.
    public init(host: String? = nil, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads an address; nil if it is none.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.init(host: host.isEmpty ? nil : String(host), port: Int(port))
    }
}

extension ListenAddress: CustomStringConvertible {
    /// As it is read.
    public var description: String {
        guard let host else { return ":\(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
