// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Any JSON value, to carry along what we do not know.
///
/// Integers that fit 64 bits stay exact; other numbers go through a `Double`. A number has one form, whichever way it was
/// written.
enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    /// Deeper than any document that means something. What is deep costs more for each value in it, and what is very deep
    /// can be read and not be written.
    private static let depthLimit = 64

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard decoder.codingPath.count <= Self.depthLimit else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "it is nested too deeply")
        }
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? container.decode(Double.self) {
            self = .init(nearest: value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    private init(nearest value: Double) {
        if let integer = Int64(exactly: value) {
            self = .integer(integer)
        } else if let integer = UInt64(exactly: value) {
            self = .unsigned(integer)
        } else {
            self = .number(value)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// A key that is known only when it is read.
struct AnyKey: CodingKey, Hashable {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer where Key == AnyKey {
    /// The members that are not in `known`.
    func others(than known: Set<String>) throws -> [String: JSONValue] {
        var others: [String: JSONValue] = [:]
        for key in allKeys where !known.contains(key.stringValue) {
            others[key.stringValue] = try decode(JSONValue.self, forKey: key)
        }
        return others
    }
}

extension KeyedEncodingContainer where Key == AnyKey {
    /// Writes members that were carried along.
    mutating func encode(others: [String: JSONValue]) throws {
        for (name, value) in others { try encode(value, forKey: AnyKey(name)) }
    }
}
