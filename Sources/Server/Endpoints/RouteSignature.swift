// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// What makes a way through a gateway valid until a time (OSEP-0011). Pure.
struct RouteSignature: Equatable {
    /// When it expires, in seconds since 1970, in base 36.
    var expires: String
    /// Eight hexadecimal digits and the name of the key.
    var signature: String

    /// Signs.
    ///
    /// - Returns: Nil if the active key is none of the keys.
    init?(sandboxID: String, port: Int, expires: UInt64, signing: ServerConfiguration.Ingress.Signing) {
        guard let secret = signing.keys[signing.activeKey] else { return nil }
        self.expires = String(expires, radix: 36)
        let signed = Array("v1\nshort\n\(sandboxID)\n\(port)\n\(self.expires)\n".utf8)
        let digest = SHA256.hash(data: Self.framed(secret) + Self.framed(signed))
        let digits = digest.prefix(4).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        signature = digits.joined() + signing.activeKey
    }

    /// Bytes behind their number, so that no two pairs of them look alike.
    private static func framed(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }
}
