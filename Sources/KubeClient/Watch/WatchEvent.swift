// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Something that has happened to an object that is watched.
///
/// It is kept in one place and handed on by reference: objects are large.
public indirect enum WatchEvent<Object: KubeObject>: Sendable, Hashable {
    /// It is there: it was created, has come to be selected, or was there when the watch began.
    case added(Object)
    /// It has changed.
    case modified(Object)
    /// It is gone, or is no more selected. This is its last state.
    case deleted(Object)
    /// Nothing, but a watch may begin here, too.
    case bookmark(resourceVersion: String)

    /// The state of the cluster after it.
    public var resourceVersion: String? {
        switch self {
        case .added(let object), .modified(let object), .deleted(let object): object.metadata.resourceVersion
        case .bookmark(let version): version
        }
    }

    /// The object, if it is about one.
    public var object: Object? {
        switch self {
        case .added(let object), .modified(let object), .deleted(let object): object
        case .bookmark: nil
        }
    }
}

/// A line of a watch.
enum WatchLine<Object: KubeObject>: JSONConvertible {
    case event(WatchEvent<Object>)
    /// The server's last word.
    case error(Status)
    /// Something of a later version of the protocol.
    case unknown(String)

    init(from reader: inout JSONReader) throws(JSONError) {
        var type: String?
        var line: WatchLine?
        var object: RawJSON?
        try reader.enterObject()
        while let key = try reader.nextKey() {
            do {
                if key.matches("type") {
                    type = try reader.readString()
                } else if key.matches("object") {
                    if let type { line = try Self.read(type, &reader) } else { object = try reader.readRaw() }
                } else {
                    try reader.skipValue()
                }
            } catch {
                throw error.inside((try? key.name()) ?? "?")
            }
        }
        if let line {
            self = line
        } else if let type, let object {
            var reader = RawObject(type: type, json: object)
            self = try reader.line()
        } else {
            throw reader.error("has no type or no object")
        }
    }

    /// An object that came before its type.
    private struct RawObject {
        let type: String
        let json: RawJSON

        mutating func line() throws(JSONError) -> WatchLine {
            switch type {
            case "ADDED": .event(.added(try json.decoded()))
            case "MODIFIED": .event(.modified(try json.decoded()))
            case "DELETED": .event(.deleted(try json.decoded()))
            case "BOOKMARK": .event(.bookmark(resourceVersion: try json.decoded(as: DynamicObject.self).version()))
            case "ERROR": .error(try json.decoded())
            default: .unknown(type)
            }
        }
    }

    private static func read(_ type: String, _ reader: inout JSONReader) throws(JSONError) -> WatchLine {
        switch type {
        case "ADDED": return .event(.added(try Object(from: &reader)))
        case "MODIFIED": return .event(.modified(try Object(from: &reader)))
        case "DELETED": return .event(.deleted(try Object(from: &reader)))
        case "BOOKMARK": return .event(.bookmark(resourceVersion: try DynamicObject(from: &reader).version()))
        case "ERROR": return .error(try Status(from: &reader))
        default:
            try reader.skipValue()
            return .unknown(type)
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.endObject()
    }
}

extension DynamicObject {
    fileprivate func version() throws(JSONError) -> String {
        guard let version = metadata.resourceVersion, !version.isEmpty else {
            throw JSONError("is a bookmark without a resourceVersion")
        }
        return version
    }
}
