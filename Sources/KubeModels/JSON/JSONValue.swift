// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Any JSON value, taken apart: for patches, and for objects whose type is known only when the program runs.
public enum JSONValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number.
    case number(JSONNumber)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object([String: JSONValue])

    /// A value as a tree.
    ///
    /// - Throws: `JSONError` if the value writes no JSON, which none of this module's does.
    public init(encoding value: some JSONConvertible) throws(JSONError) { try self.init(json: value.json()) }

    /// The tree as a value of another type.
    ///
    /// - Throws: `JSONError` if it is not of this type.
    public func decoded<Value: JSONConvertible>(as type: Value.Type = Value.self) throws(JSONError) -> Value {
        try Value(json: json())
    }

    /// A member of an object; `nil` if this is no object or has no such member. Setting a member makes an object of what
    /// was none.
    public subscript(name: String) -> JSONValue? {
        get {
            guard case .object(let members) = self else { return nil }
            return members[name]
        }
        set {
            var members: [String: JSONValue] = [:]
            if case .object(let old) = self { members = old }
            // Or there would be two copies, and the members would be copied for each change.
            self = .null
            members[name] = newValue
            self = .object(members)
        }
    }

    /// An element of an array; `nil` if this is no array or is shorter.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The string, if it is one.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The whole number, if it is one of at most 64 bits.
    public var integer: Int? {
        guard case .number(let value) = self else { return nil }
        return Int(value.text)
    }

    /// True or false, if it is one of them.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements, if it is an array.
    public var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The members, if it is an object.
    public var object: [String: JSONValue]? {
        guard case .object(let value) = self else { return nil }
        return value
    }
}

/// A JSON number as it is spelled, so that none loses digits. `1` and `1.0` are two numbers.
public struct JSONNumber: Sendable, Hashable {
    /// Its spelling.
    public let text: String

    /// A whole number.
    public init(_ value: Int) { text = String(value) }

    /// Any finite number.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = String(describing: value)
    }

    init(unchecked text: String) { self.text = text }
}

extension JSONValue: JSONConvertible {
    /// Reads a value of any kind.
    public init(from reader: inout JSONReader) throws(JSONError) {
        switch try reader.nextKind() {
        case .null:
            _ = try reader.readNull()
            self = .null
        case .bool: self = .bool(try reader.readBool())
        case .number: self = .number(JSONNumber(unchecked: try reader.readNumber()))
        case .string: self = .string(try reader.readString())
        case .array: self = .array(try [JSONValue](from: &reader))
        case .object:
            // Not as a map, which has no place for null.
            var members: [String: JSONValue] = [:]
            try reader.enterObject()
            while let key = try reader.nextKey() {
                let name = try key.name()
                do {
                    members[name] = try JSONValue(from: &reader)
                } catch {
                    throw error.inside(name)
                }
            }
            self = .object(members)
        }
    }

    /// Writes the value, the members of objects ordered by their names.
    public func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.write(raw: "null")
        case .bool(let value): value.write(to: &writer)
        case .number(let value): writer.write(raw: value.text)
        case .string(let value): writer.write(value)
        case .array(let value): value.write(to: &writer)
        case .object(let value): value.write(to: &writer)
        }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    /// An object; of members with one name the last counts.
    public init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(Dictionary(members, uniquingKeysWith: { $1 }))
    }
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: CustomStringConvertible {
    /// The value as JSON.
    public var description: String { jsonText }
}
