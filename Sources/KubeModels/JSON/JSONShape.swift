// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What JSON a type reads and writes, so that schemas can be compared with types.
public indirect enum JSONShape: Sendable, Hashable {
    /// Anything.
    case any
    /// True or false.
    case boolean
    /// A whole number.
    case integer
    /// A string.
    case string
    /// A string out of a list, which may grow.
    case word([String])
    /// A string that is a point in time (RFC 3339).
    case time
    /// A whole number or a string.
    case integerOrString
    /// An array.
    case array(JSONShape)
    /// An object with any members, which are alike.
    case map(JSONShape)
    /// An object with members of these names.
    case object([String: JSONShape])
}

extension JSONConvertible {
    /// What JSON the type reads and writes; anything if it does not say more.
    public static var jsonShape: JSONShape { .any }
}

extension Bool {
    /// True or false.
    public static var jsonShape: JSONShape { .boolean }
}

extension Int {
    /// A whole number.
    public static var jsonShape: JSONShape { .integer }
}

extension String {
    /// A string.
    public static var jsonShape: JSONShape { .string }
}

extension Timestamp {
    /// A point in time.
    public static var jsonShape: JSONShape { .time }
}

extension MicroTime {
    /// A point in time.
    public static var jsonShape: JSONShape { .time }
}

extension SpelledTime {
    /// A point in time.
    public static var jsonShape: JSONShape { .time }
}

extension IntOrString {
    /// A whole number or a string.
    public static var jsonShape: JSONShape { .integerOrString }
}

extension Array where Element: JSONConvertible {
    /// An array.
    public static var jsonShape: JSONShape { .array(Element.jsonShape) }
}

extension Dictionary where Key == String, Value: JSONConvertible {
    /// An object with any members.
    public static var jsonShape: JSONShape { .map(Value.jsonShape) }
}

extension JSONWord {
    /// A string out of the list.
    public static var jsonShape: JSONShape { .word(known.map(\.rawValue)) }
}

extension JSONFields {
    /// An object with a member for each field.
    public static var jsonShape: JSONShape { .object(fieldShapes) }

    static var fieldShapes: [String: JSONShape] {
        var shapes: [String: JSONShape] = [:]
        var object = Self()
        withUnsafeMutablePointer(to: &shapes) { shapes in
            var visitor = FieldVisitor(.describing(shapes))
            // Only reading fails.
            try? object.visit(&visitor)
        }
        return shapes
    }
}

extension KubeResource {
    /// An object with a member for each field, and with its apiVersion and kind.
    public static var jsonShape: JSONShape {
        .object(fieldShapes.merging(["apiVersion": .string, "kind": .string]) { field, _ in field })
    }
}
