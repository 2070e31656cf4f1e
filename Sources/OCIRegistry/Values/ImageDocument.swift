// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// Reading and writing the JSON documents of an image.
///
/// What is written has sorted keys, no escaped slashes and no white space, so that equal values always have equal
/// bytes and equal digests.
public enum ImageDocument {
    /// The bytes of a manifest, index or config.
    ///
    /// - Throws: `RegistryError` of kind `malformedDocument` if the value cannot be written as JSON.
    public static func encode(_ value: some Encodable) throws(RegistryError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw RegistryError(
                .malformedDocument,
                operation: "write",
                subject: "a \(type(of: value))",
                reason: "it has no JSON form",
                cause: error
            )
        }
    }

    /// Reads a document.
    ///
    /// - Parameter subject: what the bytes are, for the error's sentence.
    /// - Throws: `RegistryError` of kind `malformedDocument`.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self,
        from bytes: [UInt8],
        subject: String
    ) throws(RegistryError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw RegistryError(
                .malformedDocument,
                operation: "read",
                subject: subject,
                reason: "it is not the JSON document that it should be",
                cause: error
            )
        }
    }
}
