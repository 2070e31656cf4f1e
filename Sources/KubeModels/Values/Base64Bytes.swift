// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data

/// Bytes that JSON carries as base64 (RFC 4648, with padding), such as a secret's values.
public struct Base64Bytes: Sendable, Hashable {
    /// The bytes.
    public var bytes: [UInt8]

    /// Creates them.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The UTF-8 of a text.
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// The text, if it is UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }
}

extension Base64Bytes: JSONConvertible {
    /// Reads a string.
    public init(from reader: inout JSONReader) throws(JSONError) {
        let error = reader.error("is no base64")
        // Go's decoder passes over line ends, and people write secrets by hand.
        let text = try reader.readString().filter { $0 != "\n" && $0 != "\r" && $0 != "\r\n" }
        guard let data = Data(base64Encoded: text) else { throw error }
        bytes = Array(data)
    }
    /// Writes a string.
    public func write(to writer: inout JSONWriter) { writer.write(Data(bytes).base64EncodedString()) }
}

extension Base64Bytes: CustomStringConvertible {
    /// How many there are: what they are is often a secret.
    public var description: String { "\(bytes.count) bytes" }
}
