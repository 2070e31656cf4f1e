// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Who refers to which stored artifacts, counted whenever one is to be deleted.
///
/// An artifact has one owner: the sandbox that was paused into it, or the snapshot that it was made for. Others may start
/// from it or be captured upon it. When its owner gives it up, what others refer to is retained, and deleted when the last
/// of them is gone.
///
/// Nothing is locked for that, so the order matters. Whoever is about to refer to what another owns says so first
/// (`Holder.creation`), then looks whether the owner still has it, and withdraws when its own reference is written down.
/// An owner writes down that it gives up before it counts; and who counts asks for those who are about to refer *before* it
/// reads what is written down: asked last, one could have written and withdrawn in between, and be counted by neither.
public struct ArtifactReferences: Sendable, Hashable {
    /// Somebody who refers to artifacts.
    public enum Holder: Sendable, Hashable {
        /// A sandbox, by its artifact or by the image that it was created from.
        case sandbox(String)
        /// A snapshot that is not being deleted.
        case snapshot(String)
        /// The template of a pool.
        case pool(String)
        /// Something that runs, whatever it belongs to: a pod, a container.
        case compute(String)
        /// The creation of a sandbox that is about to be written down.
        case creation(String)
    }

    /// By digest.
    private var holders: [String: Set<Holder>] = [:]

    /// Nobody refers to anything.
    public init() {}

    /// Counts a reference to each of these digests.
    public mutating func add(_ digests: some Sequence<String>, by holder: Holder) {
        for digest in digests { holders[digest, default: []].insert(holder) }
    }

    /// Counts the references of a sandbox.
    ///
    /// - Parameter image: The image that it was created from, if that is named by digest.
    public mutating func add(_ recorded: Recorded, createdFrom image: String? = nil) {
        add(recorded.neededDigests, by: .sandbox(recorded.identity))
        if let image, let at = image.lastIndex(of: "@") {
            add([String(image[image.index(after: at)...])], by: .sandbox(recorded.identity))
        }
    }

    /// Counts the references of a snapshot: none if it is being deleted, because nothing starts from it any more.
    public mutating func add(_ artifact: Artifact, of snapshot: String, _ state: SnapshotStatus.State) {
        guard state != .deleting else { return }
        add(artifact.parts.map(\.digest), by: .snapshot(snapshot))
    }

    /// What becomes of an artifact that is needed no more by its owner.
    ///
    /// - Parameter owner: Who gives it up, whose own references do not count; nil if it was retained before.
    public func verdict(on artifact: Artifact, givenUpBy owner: Holder? = nil) -> Verdict {
        let isNeeded = { (part: Artifact.Part) in
            !(holders[part.digest] ?? []).subtracting(owner.map { [$0] } ?? []).isEmpty
        }
        return Verdict(delete: artifact.filter { !isNeeded($0) }, retain: artifact.filter(isNeeded))
    }

    /// What becomes of the parts of an artifact.
    public struct Verdict: Sendable, Hashable {
        /// What is to be deleted from the store, if anything.
        public var delete: Artifact?
        /// What is to be remembered until nobody refers to it, if anything.
        public var retain: Artifact?

        /// Creates a verdict.
        public init(delete: Artifact?, retain: Artifact?) {
            self.delete = delete
            self.retain = retain
        }
    }
}

extension Artifact {
    /// The artifact with some of its parts only; nil without parts.
    fileprivate func filter(_ isKept: (Part) -> Bool) -> Artifact? {
        var artifact = self
        artifact.parts.removeAll { !isKept($0) }
        return artifact.parts.isEmpty ? nil : artifact
    }
}

extension Recorded {
    /// The digests of what the sandbox may start from: the kept artifact, and the one that is about to be kept.
    public var neededDigests: Set<String> {
        var digests = Set(artifact?.parts.map(\.digest) ?? [])
        switch phase {
        case .sealing(_, let artifact), .releasing(_, let artifact), .thawing(_, _, let artifact?):
            digests.formUnion(artifact.parts.map(\.digest))
        case .pending, .running, .pausing, .thawing, .paused, .resuming, .failed, .deleting, .deleted:
            break
        }
        return digests
    }
}
