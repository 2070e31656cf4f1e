// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

import struct Foundation.Data
import struct Foundation.UUID

/// How sandboxes and snapshots are named.
package enum SandboxIdentity {
    /// A new one.
    package static func random() -> String { UUID().uuidString.lowercased() }

    /// Eight letters and digits at the end of a name, as nobody else has them.
    package static func suffix() -> String {
        // Without vowels there are no words among them.
        String((0..<8).compactMap { _ in "bcdfghjklmnpqrstvwxz2456789".randomElement() })
    }

    /// The one of a request that may be sent again: the same for the same key in the same namespace. It has the form of a
    /// random one (RFC 9562, version 8).
    package static func of(key: String, namespace: String) -> String {
        var bytes = Array(SHA256.hash(data: Data("\(namespace)\n\(key)".utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }
        .joined()
        var parts: [Substring] = []
        var rest = digits[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }

    /// A token that nobody guesses.
    package static func token() -> String {
        (0..<2).map { _ in UUID().uuidString.lowercased().replacing("-", with: "") }.joined()
    }
}
