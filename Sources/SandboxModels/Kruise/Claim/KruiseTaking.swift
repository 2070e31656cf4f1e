// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

public import struct Foundation.Date

/// How somebody takes a `KruiseSandbox` from its set, or has one made: what is written into it, all in one write.
///
/// Whoever takes one writes ``change(of:)`` as a merge patch that requires the state that was looked at. So only one of all who
/// want it gets it, and its set, which takes its own sandboxes away in the same manner, does not get in between.
public struct KruiseTaking: Sendable, Hashable {
    /// Whose it becomes: the UID of a claim, or an API key's.
    public var owner: String
    /// A word that nobody else uses.
    public var lock: String
    /// When.
    public var time: Date
    /// The `SandboxClaim`, if it is one's.
    public var claim: String?
    /// Labels of the sandbox and of its pods.
    public var labels: [String: String] = [:]
    /// Annotations of the sandbox and, but for reserved ones, of its pods.
    public var annotations: [String: String] = [:]
    /// When the sandbox is deleted.
    public var shutdownTime: SpelledTime?
    /// When the sandbox is paused by itself.
    public var pauseTime: SpelledTime?

    /// Creates one.
    public init(owner: String, lock: String, time: Date) {
        self.owner = owner
        self.lock = lock
        self.time = time
    }

    /// Writes it into a sandbox.
    ///
    /// - Throws: `JSONError` if its template is none.
    public func apply(to sandbox: inout KruiseSandbox) throws(JSONError) {
        if let set = sandbox.setReference { sandbox.metadata.ownerReferences.removeAll { $0.uid == set.uid } }
        sandbox.metadata.labels.merge(labels) { $1 }
        sandbox.metadata.labels[Kruise.Label.sandboxClaimed] = "true"
        if let claim { sandbox.metadata.labels[Kruise.Label.claimName] = claim }
        sandbox.metadata.annotations.merge(annotations) { $1 }
        sandbox.metadata.annotations[Kruise.Annotation.owner] = owner
        sandbox.metadata.annotations[Kruise.Annotation.lock] = lock
        sandbox.metadata.annotations[Kruise.Annotation.claimTimestamp] = Timestamp(time).description
        if let shutdownTime { sandbox.spec.shutdownTime = shutdownTime }
        if let pauseTime { sandbox.spec.pauseTime = pauseTime }
        let ofPods = annotations.filter { !Kruise.isReserved($0.key) }
        guard !labels.isEmpty || !ofPods.isEmpty, var template = try sandbox.spec.podTemplate() else { return }
        var metadata = template.metadata ?? ObjectMeta()
        metadata.labels.merge(labels) { $1 }
        metadata.annotations.merge(ofPods) { $1 }
        template.metadata = metadata
        sandbox.spec.template = RawJSON(template)
    }

    /// The change that takes a sandbox, if it is still in the state that was looked at.
    ///
    /// - Throws: `JSONError` if its template is none.
    public func change(of sandbox: KruiseSandbox) throws(JSONError) -> MergePatch {
        var taken = sandbox
        try apply(to: &taken)
        return try MergePatch(from: sandbox, to: taken)
            .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
    }
}

extension KruiseSandbox {
    /// Whether it is ready, and can be taken from its set.
    public func isFree(at now: Date) -> Bool { isTakeable && state(at: now).state == .available }

    /// Whether it is its set's, and nobody has begun to take it.
    public var isTakeable: Bool {
        isInSet && metadata.deletionTimestamp == nil && metadata.annotations[Kruise.Annotation.lock] == nil
            && metadata.labels[Kruise.Label.sandboxClaimed] != "true"
    }
}

extension Kruise {
    /// Whether users may not use a key.
    public static func isReserved(_ key: String) -> Bool { reservedPrefixes.contains { key.hasPrefix($0) } }
}
