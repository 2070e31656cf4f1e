// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An object of a type, or one that is there but not as the type says, such as one whose schema has changed since.
///
/// So one object that cannot be read does not keep all others of a list or a watch from being read.
public enum Lenient<Object: KubeObject>: KubeObject {
    /// As the type says.
    case object(Object)
    /// Something else.
    case malformed(MalformedObject)

    /// Creates an empty object.
    public init() { self = .object(Object()) }

    /// What every object has.
    public var metadata: ObjectMeta {
        get {
            switch self {
            case .object(let object): object.metadata
            case .malformed(let malformed): malformed.object.metadata
            }
        }
        set {
            switch self {
            case .object(var object):
                object.metadata = newValue
                self = .object(object)
            case .malformed(var malformed):
                malformed.object.metadata = newValue
                self = .malformed(malformed)
            }
        }
    }

    /// The members that the type has no fields for.
    public var unknownFields: UnknownFields {
        get {
            switch self {
            case .object(let object): object.unknownFields
            case .malformed(let malformed): malformed.object.unknownFields
            }
        }
        set {
            switch self {
            case .object(var object):
                object.unknownFields = newValue
                self = .object(object)
            case .malformed(var malformed):
                malformed.object.unknownFields = newValue
                self = .malformed(malformed)
            }
        }
    }

    /// The fields of what it is.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        switch self {
        case .object(var object):
            try object.visit(&fields)
            self = .object(object)
        case .malformed(var malformed):
            try malformed.object.visit(&fields)
            self = .malformed(malformed)
        }
    }

    /// Reads an object, of the type if possible.
    ///
    /// - Throws: `JSONError` if it is no object of Kubernetes at all.
    public init(from reader: inout JSONReader) throws(JSONError) {
        switch reader.attempt(Object.self) {
        case .success(let object): self = .object(object)
        case .failure(let error):
            self = .malformed(MalformedObject(object: try DynamicObject(from: &reader), error: error))
        }
    }

    /// Writes what it is.
    public func write(to writer: inout JSONWriter) {
        switch self {
        case .object(let object): object.write(to: &writer)
        case .malformed(let malformed): malformed.object.write(to: &writer)
        }
    }
}

/// An object that is not as its type says.
public struct MalformedObject: Sendable, Hashable {
    /// The object as the server tells it.
    public var object: DynamicObject
    /// What is wrong with it, and where in it.
    public var error: JSONError

    /// Creates one.
    public init(object: DynamicObject, error: JSONError) {
        self.object = object
        self.error = error
    }
}
