// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The name of a request, which follows what comes of it: from the server's log to the objects of the cluster, the controller's log
/// and Events, the Job that captures, and the registry.
///
/// It ends up in headers, environments and annotations, and clients choose it. So it is short, and of characters that mean nothing
/// anywhere.
public struct RequestID: Sendable, Hashable, CustomStringConvertible {
    /// A longer name would only serve to fill logs.
    public static let maximumLength = 128

    /// On whose behalf the present task works; nil if nobody has asked for it.
    @TaskLocal public static var current: RequestID?

    /// Letters, digits and some punctuation of ASCII.
    public let text: String

    /// A name as it is.
    ///
    /// - Returns: Nil if it has no character, too many, or one that is not allowed.
    public init?(_ text: String) {
        guard (1...Self.maximumLength).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.text = text
    }

    /// The nearest name: an underscore in the place of each byte that is not allowed, and the beginning of what is too long.
    ///
    /// - Returns: Nil if it has no character.
    public init?(nearest text: String) {
        let bytes = text.utf8.prefix(Self.maximumLength).map { Self.isAllowed($0) ? $0 : UInt8(ascii: "_") }
        guard !bytes.isEmpty else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    /// The name itself.
    public var description: String { text }

    /// Nothing that ends a header, a comment in one, a field of a log, or a word.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: ":"),
            UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "@"):
            true
        default: false
        }
    }
}
