// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A value that is written in JSON.
///
/// Values are read in one pass over the bytes and written into one array, without a tree between. Objects with fields
/// conform to ``JSONFields`` instead.
public protocol JSONConvertible: Sendable, Hashable {
    /// Reads the value that comes next. `null` is not among them: it is what an absent field is.
    ///
    /// - Throws: `JSONError` if there is something else.
    init(from reader: inout JSONReader) throws(JSONError)

    /// Writes the value.
    func write(to writer: inout JSONWriter)

    /// What JSON the type reads and writes, for comparing schemas with types. Anything, if the type says nothing.
    static var jsonShape: JSONShape { get }
}

extension JSONConvertible {
    /// Reads a document that is this value and nothing more.
    ///
    /// - Throws: `JSONError` that says what is wrong and where.
    public init(json bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var reader = JSONReader(bytes)
        self = try Self(from: &reader)
        try reader.finish()
    }

    /// Reads a document that is this value and nothing more.
    ///
    /// - Throws: `JSONError` that says what is wrong and where.
    public init(json bytes: [UInt8]) throws(JSONError) {
        self = try bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONError) in try Self(json: bytes) }
        }.get()
    }

    /// Reads a document that is this value and nothing more.
    ///
    /// - Throws: `JSONError` that says what is wrong and where.
    public init(json text: String) throws(JSONError) {
        try self.init(json: Array(text.utf8))
    }

    /// The value as a document: on one line, the members of objects in the order of their fields or else their names.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// The value as a document, as a text.
    public var jsonText: String { String(decoding: json(), as: UTF8.self) }
}

extension String: JSONConvertible {
    /// Reads a string.
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readString() }
    /// Writes a string.
    public func write(to writer: inout JSONWriter) { writer.write(self) }
}

extension Bool: JSONConvertible {
    /// Reads `true` or `false`.
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readBool() }
    /// Writes `true` or `false`.
    public func write(to writer: inout JSONWriter) { writer.write(raw: self ? "true" : "false") }
}

extension Int: JSONConvertible {
    /// Reads a whole number.
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readInteger() }
    /// Writes a whole number.
    public func write(to writer: inout JSONWriter) { writer.write(raw: String(self)) }
}

extension Array: JSONConvertible where Element: JSONConvertible {
    /// Reads an array.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self = []
        try reader.enterArray()
        while try reader.hasNextElement() {
            do {
                append(try Element(from: &reader))
            } catch {
                throw error.inside(String(count))
            }
        }
    }

    /// Writes an array.
    public func write(to writer: inout JSONWriter) {
        writer.beginArray()
        for element in self {
            writer.beginElement()
            element.write(to: &writer)
        }
        writer.endArray()
    }
}

extension Dictionary: JSONConvertible where Key == String, Value: JSONConvertible {
    /// Reads an object as a map; of members with one name the last counts. Members that are `null` are left out.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self = [:]
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let name = try key.name()
            if try reader.readNull() {
                self[name] = nil
                continue
            }
            do {
                self[name] = try Value(from: &reader)
            } catch {
                throw error.inside(name)
            }
        }
    }

    /// Writes an object, its members ordered by their names.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        for (name, value) in sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            value.write(to: &writer)
        }
        writer.endObject()
    }
}
