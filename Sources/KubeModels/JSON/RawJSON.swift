// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A JSON value that nobody has taken apart. It is written as it was read, byte for byte.
public struct RawJSON: Sendable, Hashable {
    /// The value as text. Two values are the same when their texts are.
    public let text: String

    init(unchecked text: String) { self.text = text }

    /// Creates one from a text.
    ///
    /// - Throws: `JSONError` if the text is no JSON.
    public init(_ text: String) throws(JSONError) { self = try RawJSON(json: text) }

    /// Creates one from a value.
    public init(_ value: some JSONConvertible) { text = value.jsonText }

    /// Takes the value apart.
    ///
    /// - Throws: `JSONError` if it is not of this type.
    public func decoded<Value: JSONConvertible>(as type: Value.Type = Value.self) throws(JSONError) -> Value {
        try Value(json: text)
    }
}

extension RawJSON: JSONConvertible {
    /// Reads a value of any kind.
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readRaw() }
    /// Writes the value as it was.
    public func write(to writer: inout JSONWriter) { writer.write(raw: text) }
}

extension RawJSON: CustomStringConvertible {
    /// The value as text.
    public var description: String { text }
}
