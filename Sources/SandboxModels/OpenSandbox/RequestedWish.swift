// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// In which request a wish was stated: what a server writes into an annotation of a sandbox (`OpenSandbox.Annotation.wish`) with the
/// wish itself.
///
/// The annotation stays when the wish was acted upon. So it says which wish it is of, and whoever states another one without it, as
/// with `kubectl`, does not appear under the name of somebody else's request.
public struct RequestedWish: JSONFields {
    /// The name of the request.
    public var request = ""
    /// Whether the sandbox is to be paused.
    public var pause = false
    /// The generation that the server saw; the wish makes the next one.
    public var generation = 0
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("request", &request)
        try fields.field("pause", &pause)
        try fields.field("generation", &generation)
    }
}

extension RequestedWish {
    /// What is written down in an object; nil if nothing is that can be read.
    public init?(in metadata: ObjectMeta) {
        guard let text = metadata.annotations[OpenSandbox.Annotation.wish], let wish = try? RequestedWish(json: text)
        else { return nil }
        self = wish
    }

    /// The annotation for a wish that is stated now, as a member of a patch's `annotations`; empty if nobody's request is being answered.
    ///
    /// - Parameters:
    ///   - pause: Whether the sandbox is to be paused.
    ///   - metadata: The object as it was seen; the patch must be bound to this state of it.
    public static func annotations(pause: Bool, of metadata: ObjectMeta) -> [String: JSONValue] {
        annotation(pause: pause, generation: metadata.generation ?? 0).map {
            [OpenSandbox.Annotation.wish: .string($0)]
        }
            ?? [:]
    }

    /// The annotation for a wish that is stated now; nil if nobody's request is being answered.
    ///
    /// - Parameters:
    ///   - pause: Whether the sandbox is to be paused.
    ///   - generation: The generation of the object as it was seen; 0 for one that is to be created.
    public static func annotation(pause: Bool, generation: Int = 0) -> String? {
        guard let request = RequestID.current else { return nil }
        let wish = RequestedWish.with {
            $0.request = request.text
            $0.pause = pause
            $0.generation = generation
        }
        return wish.jsonText
    }

    /// The name of the request in which a wish was stated.
    ///
    /// - Parameters:
    ///   - pause: Whether the sandbox is to be paused.
    ///   - generation: The last one that was read before.
    func request(of pause: Bool, after generation: Int) -> String? {
        guard self.pause == pause, self.generation >= generation else { return nil }
        // Anybody who may write the object may write this.
        return RequestID(nearest: request)?.text
    }
}
