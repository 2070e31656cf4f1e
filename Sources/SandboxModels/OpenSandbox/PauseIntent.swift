// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

private import Crypto
public import KubeModels

private import struct Foundation.Data

/// What was last read of the wish of a sandbox, which it keeps in an annotation (`OpenSandbox.Annotation.intent`), whatever its dialect.
///
/// The owner's wish is `spec.pause` of a `BatchSandbox`, or `spec.paused` of a `KruiseSandbox`, a field that stays when it was acted upon. So a new generation of the spec does not
/// say whether the wish was stated once more: it may be the edit of another field. The digest of all the other fields
/// tells. A generation that they explain is an edit. One that they do not explain is what servers do to try a pause again
/// that had failed: they take `pause` away and set it anew, and both may be seen at once.
public struct PauseIntent: JSONFields {
    /// The generation that was read.
    public var generation = 0
    /// The digest of all of the spec but the wish, as it was then.
    public var specDigest = ""
    /// The wish, as it was written then.
    public var pause: Bool?
    /// What is wanted: to be paused, or else to run.
    public var wantsPaused = false
    /// How often that was stated, the first statement being 1.
    public var statements = 0
    /// The request in which that was stated, if it is known.
    public var request: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("generation", &generation)
        try fields.field("specDigest", &specDigest)
        try fields.field("pause", &pause)
        try fields.field("wantsPaused", &wantsPaused)
        try fields.field("statements", &statements)
        try fields.field("request", &request)
    }
}

extension PauseIntent {
    /// What was written down in an object; `nil` if nothing was.
    ///
    /// - Throws: `JSONError` if the annotation is not what this wrote.
    public init?(recordedIn metadata: ObjectMeta) throws(JSONError) {
        guard let text = metadata.annotations[OpenSandbox.Annotation.intent] else { return nil }
        self = try PauseIntent(json: text)
    }

    /// What is wanted now. It is to be written down before it is acted upon, if it differs from what was.
    ///
    /// - Parameters:
    ///   - last: What was written down last. A state of the object that is older changes nothing.
    ///   - generation: That of the spec.
    ///   - specDigest: The digest of all of the spec but the wish.
    ///   - pause: The wish; `nil` if none is stated now.
    ///   - requested: In which request a wish was stated, if that is written down.
    public init(
        after last: PauseIntent?,
        generation: Int,
        specDigest: String,
        pause: Bool?,
        requested: @autoclosure () -> RequestedWish? = nil
    ) {
        self.init()
        guard let last else {
            self.generation = generation
            self.specDigest = specDigest
            self.pause = pause
            wantsPaused = pause ?? false
            statements = 1
            request = requested()?.request(of: wantsPaused, after: 0)
            return
        }
        self = last
        guard generation >= last.generation else { return }
        if generation > last.generation, let pause, pause != last.pause || specDigest == last.specDigest {
            wantsPaused = pause
            statements += 1
            request = requested()?.request(of: pause, after: last.generation)
        }
        self.generation = generation
        // Also without a new generation: a new schema's defaults change a spec that nobody has edited.
        self.specDigest = specDigest
        self.pause = pause
    }

    /// The wish and the timers, as the state machine reads them.
    func intent(isDeleted: Bool, timers: Timers) -> Intent {
        Intent(
            wish: isDeleted ? .deleted : wantsPaused ? .paused : .running,
            generation: statements + (isDeleted ? 1 : 0),
            timers: timers
        )
    }

    /// Takes note of an edit of the spec that the controller makes itself, in the patch that makes it: so it is never taken for a
    /// wish, and no wish that comes after it for an edit.
    ///
    /// - Parameters:
    ///   - spec: What the spec becomes. It must differ from what it is: the API server counts only changes.
    ///   - sandbox: The object as it is; the patch must be bound to this state of it.
    public mutating func note(edit spec: BatchSandboxSpec, of sandbox: BatchSandbox) {
        generation = (sandbox.metadata.generation ?? 0) + 1
        specDigest = spec.digestWithoutPause
    }
}

extension BatchSandbox {
    /// What its owner wants, as it was last written down; `nil` if it never was.
    ///
    /// - Throws: `JSONError` if the annotation is not what this wrote.
    public func recordedIntent() throws(JSONError) -> PauseIntent? {
        try PauseIntent(recordedIn: metadata)
    }

    /// What its owner wants now. It is to be written down before it is acted upon, if it differs from what was.
    ///
    /// - Parameter last: What was written down last. A state of the object that is older changes nothing.
    public func pauseIntent(after last: PauseIntent?) -> PauseIntent {
        PauseIntent(
            after: last,
            generation: metadata.generation ?? 0,
            specDigest: spec.digestWithoutPause,
            pause: spec.pause,
            requested: RequestedWish(in: metadata)
        )
    }

    /// The wish and the timers, as the state machine reads them.
    ///
    /// - Parameter intent: The wish as it was written down.
    public func lifecycleIntent(_ intent: PauseIntent) -> Intent {
        intent.intent(
            isDeleted: metadata.deletionTimestamp != nil,
            timers: Timers(expireAt: spec.expireTime?.date, expiresWhilePaused: expiresWhilePaused)
        )
    }
}

extension BatchSandbox {
    /// Whether `expireTime` also deletes it while it is paused, as upstream's controller does.
    public var expiresWhilePaused: Bool { metadata.annotations[OpenSandbox.Annotation.expiresWhilePaused] != "false" }
}

extension BatchSandboxSpec {
    /// The SHA-256 of all fields but `pause`, known or not, in 64 hexadecimal digits. The order of members does not matter.
    public var digestWithoutPause: String {
        var others = self
        others.pause = nil
        return SHA256.hexadecimal(ofMembers: others)
    }
}

extension SHA256 {
    /// The digest of a value as JSON in 64 hexadecimal digits. The order of members does not matter.
    static func hexadecimal(ofMembers value: some JSONConvertible) -> String {
        // What was read is JSON, and what is not cannot be written.
        let tree = try? JSONValue(encoding: value)
        return hexadecimal(of: tree?.json() ?? value.json())
    }

    /// The digest of some bytes in 64 hexadecimal digits.
    static func hexadecimal(of bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = hash(data: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
