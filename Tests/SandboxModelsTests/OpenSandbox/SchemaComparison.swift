// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// Compares a type with a structural schema, in both directions.
struct SchemaComparison {
    /// What is in only one of them, or differs: a line each.
    private(set) var differences: [String] = []
    /// Fields that the schema does not look into, because it keeps whatever is there.
    private(set) var unchecked: Set<String> = []

    init(_ shape: JSONShape, _ schema: JSONValue) { compare(shape, schema, "") }

    private mutating func compare(_ shape: JSONShape, _ schema: JSONValue, _ path: String) {
        let type = schema["type"]?.string
        if schema["x-kubernetes-preserve-unknown-fields"] == true {
            unchecked.insert(path)
            expect(shape == .any, path, "the type looks into what the schema does not check")
            return
        }
        switch shape {
        case .any: differences.append("\(path): the schema looks into what the type keeps as it is")
        case .boolean: expect(type == "boolean", path, "is a boolean, not \(type ?? "untyped")")
        case .integer:
            expect(type == "integer", path, "is an integer, not \(type ?? "untyped")")
            expect(["int32", "int64"].contains(schema["format"]?.string), path, "has no width")
        case .string:
            expect(type == "string" && schema["format"] == nil, path, "is a string, not \(type ?? "untyped")")
        case .word(let words):
            expect(type == "string", path, "is a string, not \(type ?? "untyped")")
            if let listed = schema["enum"]?.array {
                expect(listed == words.map { .string($0) }, path, "words: \(words), \(listed)")
            }
        case .time: expect(type == "string" && schema["format"] == "date-time", path, "is no date-time")
        case .integerOrString: expect(schema["x-kubernetes-int-or-string"] == true, path, "is no int-or-string")
        case .array(let element):
            expect(type == "array", path, "is an array, not \(type ?? "untyped")")
            compare(element, schema["items"] ?? [:], path + "[]")
        case .map(let value):
            expect(type == "object", path, "is a map, not \(type ?? "untyped")")
            compare(value, schema["additionalProperties"] ?? [:], path + "{}")
        case .object(let fields):
            expect(type == "object", path, "is an object, not \(type ?? "untyped")")
            let properties = schema["properties"]?.object ?? [:]
            for name in Set(fields.keys).union(properties.keys).sorted() {
                let place = path.isEmpty ? name : "\(path).\(name)"
                switch (fields[name], properties[name]) {
                // The API server has its own schema for it.
                case (_?, _?) where place == "metadata": break
                case (let field?, let property?): compare(field, property, place)
                case (_?, nil): differences.append("\(place): not in the schema, which would prune it")
                case (nil, _): differences.append("\(place): not in the type")
                }
            }
            for name in schema["required"]?.array ?? [] {
                expect(fields[name.string ?? ""] != nil, path, "requires \(name), which there is not")
            }
        }
    }

    private mutating func expect(_ isRight: Bool, _ path: String, _ complaint: String) {
        if !isRight { differences.append("\(path): \(complaint)") }
    }
}

extension JSONValue {
    /// Names of all fields of a schema, with `[]` for the elements of lists.
    func fields(_ path: String = "") -> Set<String> {
        var found: Set<String> = []
        for (name, property) in self["properties"]?.object ?? [:] {
            let place = path.isEmpty ? name : "\(path).\(name)"
            found.insert(place)
            found.formUnion(property.fields(place))
        }
        if let items = self["items"] { found.formUnion(items.fields(path + "[]")) }
        return found
    }
}
