// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The form of a JSON value, as far as the API's descriptions need it (JSON Schema 2020-12).
indirect enum APISchema: Sendable {
    /// One of ``APIDocument/schemas``.
    case reference(String)
    case object([Member])
    /// An object whose members have any names.
    case map(of: APISchema)
    case list(of: APISchema, atLeast: Int = 0)
    case text(format: String? = nil, atLeast: Int = 0, pattern: String? = nil)
    /// One of some words.
    case words([String])
    case integer(ClosedRange<Int>)
    case boolean
    /// Any object.
    case anyObject
    /// One of these forms.
    case either([APISchema])
    case nullable(APISchema)
    case described(String, APISchema)

    /// A member of an object.
    struct Member: Sendable {
        var name: String
        var schema: APISchema
        var isRequired: Bool

        static func required(_ name: String, _ schema: APISchema) -> Member {
            Member(name: name, schema: schema, isRequired: true)
        }

        static func optional(_ name: String, _ schema: APISchema) -> Member {
            Member(name: name, schema: schema, isRequired: false)
        }
    }

    /// A string.
    static let string = APISchema.text()
    /// A moment, as RFC 3339 writes it.
    static let moment = APISchema.text(format: "date-time")
    /// Names with strings.
    static let strings = APISchema.map(of: .string)
    static let count = APISchema.integer(0...Int.max)
}

extension APISchema {
    /// The schema as a document writes it.
    var json: JSONValue {
        switch self {
        case .reference(let name): .object(["$ref": .string("#/components/schemas/\(name)")])
        case .object(let members): Self.json(of: members)
        case .map(let schema): .object(["type": .string("object"), "additionalProperties": schema.json])
        case .list(let schema, let least):
            .object(
                Self.with(
                    least > 0 ? ("minItems", .integer(least)) : nil,
                    ["type": .string("array"), "items": schema.json]
                )
            )
        case .text(let format, let least, let pattern):
            .object(
                Self.with(
                    least > 0 ? ("minLength", .integer(least)) : nil,
                    Self.with(
                        format.map { ("format", .string($0)) },
                        Self.with(pattern.map { ("pattern", .string($0)) }, ["type": .string("string")])
                    )
                )
            )
        case .words(let words): .object(["type": .string("string"), "enum": .array(words.map { .string($0) })])
        case .integer(let bounds):
            .object(
                Self.with(
                    bounds.upperBound < .max ? ("maximum", .integer(bounds.upperBound)) : nil,
                    Self.with(
                        bounds.lowerBound > .min ? ("minimum", .integer(bounds.lowerBound)) : nil,
                        ["type": .string("integer"), "format": .string("int64")]
                    )
                )
            )
        case .boolean: .object(["type": .string("boolean")])
        case .anyObject: .object(["type": .string("object")])
        case .either(let schemas): .object(["anyOf": .array(schemas.map(\.json))])
        case .nullable(let schema): .object(["anyOf": .array([schema.json, .object(["type": .string("null")])])])
        case .described(let text, let schema):
            if case .object(let members) = schema.json {
                .object(members.merging(["description": .string(text)]) { first, _ in first })
            } else {
                schema.json
            }
        }
    }

    private static func json(of members: [Member]) -> JSONValue {
        var object: [String: JSONValue] = ["type": .string("object")]
        object["properties"] = .object(Dictionary(members.map { ($0.name, $0.schema.json) }) { first, _ in first })
        let required = members.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { object["required"] = .array(required) }
        return .object(object)
    }

    private static func with(_ member: (String, JSONValue)?, _ members: [String: JSONValue]) -> [String: JSONValue] {
        guard let member else { return members }
        return members.merging([member.0: member.1]) { first, _ in first }
    }
}
