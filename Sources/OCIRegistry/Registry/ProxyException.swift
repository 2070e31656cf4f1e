// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One entry of `NO_PROXY`.
struct ProxyException: Sendable, Hashable {
    private enum Subject: Hashable {
        case everything
        /// A name and, unless `isOnlyBelow`, all names below it.
        case name(String, isOnlyBelow: Bool)
        case network(NetworkAddress, prefix: Int)
    }

    private let subject: Subject
    private let port: Int?

    /// Reads an entry; `nil` if it says nothing.
    init?(_ text: Substring) {
        var rest = text.lowercased()[...]
        while rest.first == " " || rest.first == "\t" { rest = rest.dropFirst() }
        while rest.last == " " || rest.last == "\t" { rest = rest.dropLast() }
        guard !rest.isEmpty else { return nil }
        if rest == "*" {
            (subject, port) = (.everything, nil)
            return
        }
        if let slash = rest.firstIndex(of: "/") {
            guard let network = NetworkAddress(String(rest[..<slash])),
                let prefix = Int(rest[rest.index(after: slash)...]), (0...network.bits).contains(prefix)
            else { return nil }
            (subject, port) = (.network(network, prefix: prefix), nil)
            return
        }
        if let address = NetworkAddress(String(rest)) {
            (subject, port) = (.network(address, prefix: address.bits), nil)
            return
        }
        if let colon = rest.lastIndex(of: ":") {
            guard let number = UInt16(rest[rest.index(after: colon)...]) else { return nil }
            port = Int(number)
            rest = rest[..<colon]
        } else {
            port = nil
        }
        if let address = NetworkAddress(String(rest)) {
            subject = .network(address, prefix: address.bits)
        } else {
            if rest.hasPrefix("*.") { rest = rest.dropFirst() }
            let isOnlyBelow = rest.hasPrefix(".")
            subject = .name(String(isOnlyBelow ? rest.dropFirst() : rest), isOnlyBelow: isOnlyBelow)
        }
    }

    /// Whether a server is reached without a proxy because of this entry.
    func covers(host: String, port: Int) -> Bool {
        if let wanted = self.port, wanted != port { return false }
        switch subject {
        case .everything:
            return true
        case .network(let network, let prefix):
            return NetworkAddress(host)?.isWithin(network, prefix: prefix) ?? false
        case .name(let name, let isOnlyBelow):
            return (host == name && !isOnlyBelow) || host.hasSuffix(".\(name)")
        }
    }
}
