// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// The content address of a blob: an algorithm and the hash of the bytes.
///
/// Written as the OCI image specification writes it, `sha256:<64 hex digits>`; hex digits are lower case.
public struct Digest: Sendable, Hashable {
    /// The hash functions that the image specification registers.
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// SHA-256, what every registry uses.
        case sha256
        /// SHA-512, which is allowed.
        case sha512

        /// How many hex digits a hash has.
        var digits: Int {
            switch self {
            case .sha256: 64
            case .sha512: 128
            }
        }
    }

    /// The hash function.
    public let algorithm: Algorithm
    /// The hash in lower-case hex digits, as many as the algorithm makes.
    public let hex: String

    /// Reads a digest from its written form.
    ///
    /// - Throws: `RegistryError` of kind `invalidReference` that says what is wrong with it.
    public init(parsing text: String) throws(RegistryError) {
        func fault(_ reason: String) -> RegistryError {
            RegistryError(
                .invalidReference,
                operation: "read the digest",
                subject: "'\(text.prefix(160))'",
                reason: reason,
                advice: "a digest looks like sha256:<64 lower-case hex digits>"
            )
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw fault("it has no ':'") }
        guard let algorithm = Algorithm(rawValue: String(text[..<colon])) else {
            throw fault("the algorithm is neither sha256 nor sha512")
        }
        let hex = text[text.utf8.index(after: colon)...]
        guard hex.utf8.count == algorithm.digits else {
            throw fault("it has \(hex.utf8.count) digits instead of \(algorithm.digits)")
        }
        let isLowerHex = hex.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard isLowerHex else { throw fault("it has other characters than 0-9 and a-f") }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    /// Creates a digest from a hash that was just computed.
    init(algorithm: Algorithm, hash: some Sequence<UInt8>) {
        var hex = ""
        hex.reserveCapacity(algorithm.digits)
        for byte in hash {
            hex.append(Self.hexDigits[Int(byte >> 4)])
            hex.append(Self.hexDigits[Int(byte & 15)])
        }
        self.algorithm = algorithm
        self.hex = hex
    }

    private static let hexDigits = Array("0123456789abcdef")

    /// The SHA-256 digest of some bytes.
    public static func sha256(of bytes: [UInt8]) -> Digest {
        var digester = Digester()
        bytes.withUnsafeBytes { digester.update($0) }
        return digester.finalize()
    }

    /// The SHA-256 digest of a buffer's readable bytes.
    public static func sha256(of buffer: ByteBuffer) -> Digest {
        var digester = Digester()
        digester.update(buffer)
        return digester.finalize()
    }

    /// The digest of some bytes by an algorithm of choice.
    public static func of(_ bytes: [UInt8], algorithm: Algorithm) -> Digest {
        var digester = Digester(algorithm)
        bytes.withUnsafeBytes { digester.update($0) }
        return digester.finalize()
    }
}

extension Digest: CustomStringConvertible {
    /// The written form, `sha256:<hex>`.
    public var description: String { "\(algorithm.rawValue):\(hex)" }
}

extension Digest: Codable {
    /// Reads a digest from a string.
    public init(from decoder: any Decoder) throws {
        self = try Digest(parsing: try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the digest as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
