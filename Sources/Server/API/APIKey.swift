// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The secret that clients send with each request. It is kept as its SHA-256 only, and does not print itself.
public struct APIKey: Sendable, Hashable, CustomStringConvertible {
    /// How long a comparison of digests takes tells nothing about the keys.
    private let digest: SHA256Digest

    /// Creates a key, or nil from a text that is blank: a blank key is no key.
    public init?(_ text: String) {
        guard !text.trimmed.isEmpty else { return nil }
        self.init(offered: text)
    }

    /// What a client has sent, whatever it is.
    init(offered text: String) {
        var text = text
        digest = text.withUTF8 { SHA256.hash(data: UnsafeRawBufferPointer($0)) }
    }

    /// Whether a client's key is this one.
    func matches(_ offered: String) -> Bool {
        self == APIKey(offered: offered)
    }

    /// A key that nobody has.
    static func unknown() -> APIKey {
        var generator = SystemRandomNumberGenerator()
        let random = (0..<4).map { _ in String(generator.next(), radix: 16) }
        return APIKey(offered: random.joined())
    }

    /// Dots.
    public var description: String { "***" }
}
