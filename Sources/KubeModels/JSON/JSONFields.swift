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

    /// Shows each field to the visitor. It is called several times and must do nothing else.
    ///
    /// Fields in the order in which documents mostly have them are read fastest.
    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError)
}

extension JSONFields {
    /// Reads an object.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try readMembers(from: &reader)
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
    /// - Parameter type: what its `apiVersion` and `kind` must be, if it has them and they are none of its fields.
    mutating func readMembers(
        from reader: inout JSONReader,
        as type: (any KubeResource.Type)? = nil
    ) throws(JSONError) {
        try reader.enterObject()
        try withUnsafeMutablePointer(to: &reader) { (reader) throws(JSONError) in
            var visitor = FieldVisitor(.reading(reader), type)
            do throws(JSONError) {
                try visitor.advance(reader)
                // One visit reads all members that come in the order of the fields.
                while visitor.hasMember {
                    try visit(&visitor)
                    if visitor.isUnknown(), let (name, value) = try visitor.readUnknown(reader) {
                        unknownFields[name] = value
                    }
                }
            } catch {
                throw visitor.placed(error)
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
        case reading(UnsafeMutablePointer<JSONReader>)
        case writing(UnsafeMutablePointer<JSONWriter>)
        case describing(UnsafeMutablePointer<[String: JSONShape]>)
    }

    private let work: Work
    /// What an object's `apiVersion` and `kind` must be.
    private let type: (any KubeResource.Type)?
    /// The member that is to be read next; `nil` after the last one.
    private var member: MemberName?
    /// Whether a member was read since somebody asked.
    private var hasRead = false
    /// Whether what goes wrong does so in the member's value.
    private var isInside = false

    init(_ work: Work, _ type: (any KubeResource.Type)? = nil) {
        self.work = work
        self.type = type
    }

    // MARK: Reading an object

    var hasMember: Bool { member != nil }

    /// Whether all fields were visited and none is the next member.
    mutating func isUnknown() -> Bool {
        defer { hasRead = false }
        return !hasRead && member != nil
    }

    /// Reads the next member as it is.
    mutating func readUnknown(
        _ reader: UnsafeMutablePointer<JSONReader>
    ) throws(JSONError) -> (String, RawJSON)? {
        guard let member else { return nil }
        isInside = true
        let unknown = (try member.name(), try reader.pointee.readRaw())
        try advance(reader)
        return unknown
    }

    /// Goes to the next member that may be a field.
    mutating func advance(_ reader: UnsafeMutablePointer<JSONReader>) throws(JSONError) {
        isInside = false
        member = try reader.pointee.nextName()
        guard type != nil else { return }
        while let next = member {
            let isKind = next.matches("kind")
            guard isKind || next.matches("apiVersion") else { return }
            isInside = true
            try check(isKind: isKind, reader)
            isInside = false
            member = try reader.pointee.nextName()
        }
    }

    private func check(isKind: Bool, _ reader: UnsafeMutablePointer<JSONReader>) throws(JSONError) {
        guard let type = type?.resourceType else { return }
        let offset = reader.pointee.offset
        if try reader.pointee.readNull() { return }
        let found = try reader.pointee.readString()
        let expected = isKind ? type.kind : type.apiVersion
        guard found == expected || found.isEmpty else {
            throw JSONError("is '\(found.prefix(80))', not '\(expected)'", at: offset)
        }
    }

    /// An error with the member that it is in.
    func placed(_ error: JSONError) -> JSONError {
        guard isInside, let member else { return error }
        return error.inside((try? member.name()) ?? "?")
    }

    /// Whether a field is the next member, which is then read.
    @inline(__always)
    private mutating func isNext(_ name: StaticString) -> Bool {
        guard member?.matches(name) == true else { return false }
        hasRead = true
        isInside = true
        return true
    }

    // MARK: What types say

    /// A field that is always written. Absent, or `null`, it keeps its default.
    public mutating func field<Value: JSONConvertible>(
        _ name: StaticString,
        _ value: inout Value
    ) throws(JSONError) {
        switch work {
        case .reading(let reader):
            guard isNext(name) else { return }
            if try !reader.pointee.readNull() { value = try Value(from: &reader.pointee) }
            try advance(reader)
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
        case .reading(let reader):
            guard isNext(name) else { return }
            value = try reader.pointee.readNull() ? nil : Value(from: &reader.pointee)
            try advance(reader)
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
        case .reading(let reader):
            guard isNext(name) else { return }
            value = try reader.pointee.readNull() ? [] : [Element](from: &reader.pointee)
            try advance(reader)
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
        case .reading(let reader):
            guard isNext(name) else { return }
            value = try reader.pointee.readNull() ? [:] : [String: Value](from: &reader.pointee)
            try advance(reader)
        case .writing(let writer):
            if !value.isEmpty { Self.write(value, name, writer) }
        case .describing(let shapes): shapes.pointee["\(name)"] = [String: Value].jsonShape
        }
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
