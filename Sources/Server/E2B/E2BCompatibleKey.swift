// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Any key in the form that E2B's SDKs take: `e2b_` and hexadecimal digits. OpenKruise Agents' own encoding.
enum E2BCompatibleKey {
    private static let prefix = "e2b_"
    private static let magic = "6f6b6167" + "01"
    private static let salt = "openkruise-agents/e2b-key-compat/v1"

    /// The form of a key.
    static func encoded(_ raw: String) -> String {
        let bytes = Array(raw.utf8)
        let length = hex(UInt32(truncatingIfNeeded: bytes.count))
        return prefix + magic + length + bytes.map(hex).joined() + checksum(of: bytes)
    }

    /// The key of a form; nil if it is none.
    static func raw(of text: String) -> String? {
        guard text.hasPrefix(prefix + magic) else { return nil }
        let digits = Array(text.utf8.dropFirst((prefix + magic).utf8.count))
        guard digits.count >= 24, (digits.count - 24) % 2 == 0 else { return nil }
        let bytes = stride(from: 8, to: digits.count - 16, by: 2)
            .compactMap { UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) }
        guard UInt32(String(decoding: digits[..<8], as: UTF8.self), radix: 16).map(Int.init) == bytes.count,
            bytes.count == (digits.count - 24) / 2,
            String(decoding: digits[(digits.count - 16)...], as: UTF8.self) == checksum(of: bytes)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func checksum(of bytes: [UInt8]) -> String {
        SHA256.hash(data: Array(salt.utf8) + bytes).prefix(8).map(hex).joined()
    }

    private static func hex(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return text.count < 2 ? "0" + text : text
    }

    private static func hex(_ number: UInt32) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 8 - text.count) + text
    }
}
