// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An object with some fields of interest. All others survive: what was read with the object is written with it.
///
/// A type says once which fields it has, for reading and for writing:
///
/// ```swift
/// struct WidgetSpec: JSONFields {
///     var image = ""
///     var replicas: Int?
///     var unknownFields = UnknownFields()
///
///     mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
///         try fields.field("image", &image)
///         try fields.field("replicas", &replicas)
///     }
/// }
/// ```
///
/// As with Kubernetes's own types, a field that is `null` is an absent field, and so is an empty list or map. Other than in
/// those, what is read and written again without a change means the same.
public protocol JSONFields: JSONConvertible {
    /// Creates an object in which every field has its default.
    init()

    /// The members that the type has no fields for.
    var unknownFields: UnknownFields { get set }

    /// Shows each field to the visitor. It is called many times and must do nothing else.
    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError)
}

extension JSONFields {
    /// Reads an object.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try read(from: &reader) { (_, _) in false }
    }

    /// Writes an object: its fields in their order, then the unknown ones ordered by their names.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeMembers(to: &writer)
        writer.endObject()
    }

    /// Creates an object and fills it in.
    public static func with(_ configure: (inout Self) throws -> Void) rethrows -> Self {
        var object = Self()
        try configure(&object)
        return object
    }

    /// Reads the members of an object.
    ///
    /// - Parameter isHandled: gets each member first, and says whether it has read it.
    mutating func read(
        from reader: inout JSONReader,
        before isHandled: (borrowing JSONKey, inout JSONReader) throws(JSONError) -> Bool
    ) throws(JSONError) {
        try reader.enterObject()
        while let key = try reader.nextKey() {
            do {
                if try isHandled(key, &reader) { continue }
                if try readField(key, &reader) { continue }
                unknownFields[try key.name()] = try reader.readRaw()
            } catch {
                throw error.inside((try? key.name()) ?? "?")
            }
        }
    }

    private mutating func readField(
        _ key: borrowing JSONKey,
        _ reader: inout JSONReader
    ) throws(JSONError) -> Bool {
        try withUnsafePointer(to: key) { (key) throws(JSONError) in
            try withUnsafeMutablePointer(to: &reader) { (reader) throws(JSONError) in
                var visitor = FieldVisitor(.reading(reader, key))
                try visit(&visitor)
                return visitor.isFound
            }
        }
    }

    /// Writes the members without the braces around them.
    func writeMembers(to writer: inout JSONWriter) {
        // Visiting changes nothing when it writes, but it has to be able to.
        var copy = self
        withUnsafeMutablePointer(to: &writer) { writer in
            var visitor = FieldVisitor(.writing(writer))
            // Only reading fails.
            try? copy.visit(&visitor)
        }
        guard !unknownFields.isEmpty else { return }
        for (name, value) in unknownFields.members.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            value.write(to: &writer)
        }
    }
}

/// What an object shows its fields to, while it is read, written or described.
public struct FieldVisitor: ~Copyable {
    enum Work {
        case reading(UnsafeMutablePointer<JSONReader>, UnsafePointer<JSONKey>)
        case writing(UnsafeMutablePointer<JSONWriter>)
        case describing(UnsafeMutablePointer<[String: JSONShape]>)
    }

    private let work: Work
    /// Whether the member that is read has turned out to be a field.
    private(set) var isFound = false

    init(_ work: Work) { self.work = work }

    /// A field that is always written. Absent, or `null`, it keeps its default.
    public mutating func field<Value: JSONConvertible>(
        _ name: StaticString,
        _ value: inout Value
    ) throws(JSONError) {
        switch work {
        case .reading(let reader, let key):
            guard let read = try read(Value.self, name, reader, key) else { return }
            if let read = read { value = read }
        case .writing(let writer): Self.write(value, name, writer)
        case .describing(let shapes): shapes.pointee["\(name)"] = Value.jsonShape
        }
    }

    /// A field that is written when it is not `nil`.
    public mutating func field<Value: JSONConvertible>(
        _ name: StaticString,
        _ value: inout Value?
    ) throws(JSONError) {
        switch work {
        case .reading(let reader, let key):
            guard let read = try read(Value.self, name, reader, key) else { return }
            value = read
        case .writing(let writer):
            if let value { Self.write(value, name, writer) }
        case .describing(let shapes): shapes.pointee["\(name)"] = Value.jsonShape
        }
    }

    /// A string that is written when it is not empty.
    public mutating func nonEmpty(_ name: StaticString, _ value: inout String) throws(JSONError) {
        if case .writing = work, value.isEmpty { return }
        try field(name, &value)
    }

    /// A list that is written when it is not empty.
    public mutating func field<Element: JSONConvertible>(
        _ name: StaticString,
        _ value: inout [Element]
    ) throws(JSONError) {
        switch work {
        case .reading(let reader, let key):
            guard let read = try read([Element].self, name, reader, key) else { return }
            value = read ?? []
        case .writing(let writer):
            if !value.isEmpty { Self.write(value, name, writer) }
        case .describing(let shapes): shapes.pointee["\(name)"] = [Element].jsonShape
        }
    }

    /// A map that is written when it is not empty.
    public mutating func field<Value: JSONConvertible>(
        _ name: StaticString,
        _ value: inout [String: Value]
    ) throws(JSONError) {
        switch work {
        case .reading(let reader, let key):
            guard let read = try read([String: Value].self, name, reader, key) else { return }
            value = read ?? [:]
        case .writing(let writer):
            if !value.isEmpty { Self.write(value, name, writer) }
        case .describing(let shapes): shapes.pointee["\(name)"] = [String: Value].jsonShape
        }
    }

    /// Reads the member if it is the field: `nil` if it is not, and in it `nil` if it is null.
    private mutating func read<Value: JSONConvertible>(
        _ type: Value.Type,
        _ name: StaticString,
        _ reader: UnsafeMutablePointer<JSONReader>,
        _ key: UnsafePointer<JSONKey>
    ) throws(JSONError) -> Value?? {
        guard !isFound, key.pointee.matches(name) else { return nil }
        isFound = true
        if try reader.pointee.readNull() { return .some(nil) }
        return .some(try Value(from: &reader.pointee))
    }

    private static func write(
        _ value: some JSONConvertible,
        _ name: StaticString,
        _ writer: UnsafeMutablePointer<JSONWriter>
    ) {
        writer.pointee.key(name)
        value.write(to: &writer.pointee)
    }
}
