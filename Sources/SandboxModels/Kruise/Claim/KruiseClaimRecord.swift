// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What a claim has written down before it does anything: which sandboxes it is about to take or to have made.
///
/// It is in an annotation of the claim, and it counts only if nobody has changed the claim since it was read. So whoever carries the
/// claim out, and however often it is begun anew, does it for the same sandboxes, and none comes twice.
public struct KruiseClaimRecord: JSONFields {
    /// How many sandboxes it is for: what was wanted at first.
    public var replicas: Int?
    /// When it began.
    public var started: MicroTime?
    /// How many it has, or has had, that are at none of its places.
    public var claimed = 0
    /// What it is about to have.
    public var places: [KruiseClaimPlace] = []
    /// How many of those that were made for it have not come up.
    public var failures = 0
    /// Until when it has no more made.
    public var retry: MicroTime?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// The annotation that it is in.
    public static let annotation = "stasis.dev/claim"

    /// Creates an empty one.
    public init() {}

    /// That of a claim.
    ///
    /// - Throws: `JSONError` if it is none.
    public init(of claim: KruiseSandboxClaim) throws(JSONError) {
        guard let text = claim.metadata.annotations[Self.annotation] else {
            self.init()
            return
        }
        self = try KruiseClaimRecord(json: text)
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("replicas", &replicas)
        try fields.field("started", &started)
        try fields.field("claimed", &claimed)
        try fields.field("places", &places)
        try fields.field("failures", &failures)
        try fields.field("retry", &retry)
    }
}

/// A sandbox that a claim is about to have.
public struct KruiseClaimPlace: JSONFields {
    /// Its name.
    public var name = ""
    /// The UID of one that is there and is to be taken; `nil` for one that is made.
    public var uid: String?
    /// The lock with which it is taken or made; `nil` for any. One that the claim has under another lock is counted already.
    public var lock: String?
    /// Whether it has not come up, and is to be got rid of.
    public var hasFailed: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Creates one.
    public init(_ name: String, uid: String? = nil, lock: String? = nil) {
        self.name = name
        self.uid = uid
        self.lock = lock
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("uid", &uid)
        try fields.field("lock", &lock)
        try fields.field("hasFailed", &hasFailed)
    }
}
