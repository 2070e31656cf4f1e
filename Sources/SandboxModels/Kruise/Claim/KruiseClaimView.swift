// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

public import struct Foundation.Date

/// What there is to be seen of a claim: where its sandboxes come from, and how far they are.
public struct KruiseClaimView: Sendable, Hashable {
    /// Where sandboxes come from.
    public enum Source: Sendable, Hashable {
        /// A set. It has so many that this claim may take now.
        case set(free: Int)
        /// A checkpoint, from which sandboxes are made.
        case checkpoint
        /// What is not usable yet, and why.
        case waiting(String)
        /// There is neither.
        case missing
        /// It never will be usable, and why.
        case unusable(String)
    }

    /// How a sandbox is at which a claim aims.
    public enum Sight: Sendable, Hashable {
        /// There is none of the name, or it is another one than was meant.
        case absent
        /// It is its set's, ready or not, so that it can be taken.
        case free
        /// It is somebody else's, or goes, so that it never can be taken.
        case foreign
        /// It is this claim's, and is or was ready.
        case ready
        /// It is this claim's and not ready; since when it is there.
        case coming(since: Date)
        /// It is this claim's and will not be ready.
        case over
        /// It was this claim's and is being deleted.
        case leaving
    }

    /// Where sandboxes come from.
    public var source: Source
    /// How those are at which the claim aims, by name.
    public var sights: [String: Sight] = [:]
    /// How many sandboxes are this claim's at none of its places.
    public var others = 0
    /// Sandboxes of this claim that are at none of its places and not ready: its record was lost.
    public var strays: [String] = []
    /// How many it has by its status.
    public var told = 0
    /// When it began by its status.
    public var started: Date?

    /// Creates one of which nothing else is known.
    public init(source: Source) { self.source = source }
}

extension KruiseSandbox {
    /// How it is for a claim.
    ///
    /// - Parameters:
    ///   - owner: The UID of the claim.
    ///   - uid: The UID that it is to have; nil for any.
    ///   - lock: The lock that it is to have if it is the claim's; nil for any.
    public func sight(for owner: String, uid: String?, lock: String? = nil, at now: Date) -> KruiseClaimView.Sight {
        if let uid, uid != metadata.uid { return .absent }
        guard isClaimed(by: owner) else { return isTakeable ? .free : .foreign }
        if let lock, metadata.annotations[Kruise.Annotation.lock] != lock { return .foreign }
        if metadata.deletionTimestamp != nil { return .leaving }
        switch state(at: now) {
        case (.available, _), (.running, _), (.paused, _): return .ready
        case (.creating, _), (_, .claimedButNotReady):
            let since = metadata.annotations[Kruise.Annotation.claimTimestamp].flatMap { Timestamp($0) }
            // Which is told in whole seconds.
            return .coming(since: (since ?? metadata.creationTimestamp)?.date.addingTimeInterval(1) ?? now)
        case (.dead, _): return .over
        }
    }

    /// Whether it is a claim's, and not only kept for whoever wants to see why it did not come up.
    public func isClaimed(by owner: String) -> Bool {
        metadata.annotations[Kruise.Annotation.owner] == owner
            && metadata.labels[Kruise.Label.reservedFailedSandbox] != "true"
    }

    /// Whether it is still of use to whoever has it.
    public var isActive: Bool {
        let ends: [KruiseSandboxPhase] = [.succeeded, .failed, .terminating]
        return metadata.deletionTimestamp == nil && !(status?.phase.map(ends.contains) ?? false)
    }
}
