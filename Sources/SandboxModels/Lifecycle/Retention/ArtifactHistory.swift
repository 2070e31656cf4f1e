// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// The artifacts that the pauses of a sandbox have left in the store, as far as they may have to be deleted one day.
///
/// It is written down together with the record that says which of them are needed, so that both are always of the same moment,
/// and it is bounded: what it has no room for is forgotten, and stays in the store.
public struct ArtifactHistory: Sendable, Hashable, Codable {
    /// One artifact.
    public struct Entry: Sendable, Hashable, Codable {
        /// The identity of the replica that it is of.
        public var member: String
        /// What is in the store.
        public var artifact: Artifact
        /// Whether the replica was paused into it. If not, no pause came of its capture, and nobody needs it.
        public var isGeneration: Bool
        /// How often the store was asked for its deletion and could not be reached.
        public var attempts = 0
        /// When it may be tried again.
        public var nextTry: Date?
        /// What refers to it, as it was told last.
        public var holder: String?
    }

    /// How many images are remembered. One takes about 300 bytes, and an object's annotations have 256 KiB in all.
    static let mostParts = 256

    /// The oldest first.
    public internal(set) var entries: [Entry] = []
    /// Why the store has refused to delete an image; told once, until it deletes one.
    public internal(set) var refusal: String?
    /// How many artifacts were forgotten.
    public internal(set) var forgotten = 0

    /// Nothing was captured yet.
    public init() {}

    /// Takes note of what replicas were paused into, and of what they have given up.
    ///
    /// - Parameters:
    ///   - record: What is written down of the sandbox.
    ///   - givenUp: What is needed no more, by the identities of its replicas.
    ///   - keepsRemoved: Whether the images of replicas that are gone are to be deleted; else they stay in the store, and are
    ///     forgotten.
    public mutating func note(_ record: AggregateRecord, givenUp: [String: [Artifact]], keepsRemoved: Bool) {
        for member in record.members {
            if let artifact = member.recorded.artifact {
                add(artifact, of: member.recorded.identity, isGeneration: true)
            }
        }
        for (member, artifacts) in givenUp.sorted(by: { $0.key < $1.key }) {
            for artifact in artifacts { add(artifact, of: member, isGeneration: false) }
        }
        if !keepsRemoved {
            let members = Set(record.members.map(\.recorded.identity))
            entries.removeAll { $0.isGeneration && !members.contains($0.member) }
        }
        forget(exceeding: Self.mostParts, except: record.neededDigests)
    }

    private mutating func add(_ artifact: Artifact, of member: String, isGeneration: Bool) {
        let digests = Set(artifact.parts.map(\.digest))
        if let place = entries.firstIndex(where: { !digests.isDisjoint(with: $0.artifact.parts.map(\.digest)) }) {
            entries[place].isGeneration = entries[place].isGeneration || isGeneration
            return
        }
        entries.append(Entry(member: member, artifact: artifact.named, isGeneration: isGeneration))
    }

    /// What is needed is never forgotten before something else: it would be noted anew each time.
    private mutating func forget(exceeding most: Int, except needed: Set<String>) {
        var excess = entries.reduce(0) { $0 + $1.artifact.parts.count } - most
        guard excess > 0 else { return }
        let before = entries.count
        entries.removeAll { entry in
            guard excess > 0, !entry.isNeeded(needed) else { return false }
            excess -= entry.artifact.parts.count
            return true
        }
        forgotten += before - entries.count
    }
}

extension ArtifactHistory.Entry {
    /// Whether one of these digests is its own.
    func isNeeded(_ digests: Set<String>) -> Bool { artifact.parts.contains { digests.contains($0.digest) } }
}

extension AggregateRecord {
    /// The digests of what its replicas may start from, and of what they are about to give up.
    var neededDigests: Set<String> {
        members.reduce(into: []) { digests, member in
            digests.formUnion(member.recorded.neededDigests)
            for case .artifact(let artifact) in member.recorded.leftovers {
                digests.formUnion(artifact.parts.map(\.digest))
            }
        }
    }
}

extension Artifact {
    /// What it takes to find it in the store, and nothing else.
    fileprivate var named: Artifact {
        let parts = parts.map {
            Part(container: $0.container, reference: $0.reference, digest: $0.digest, size: $0.size)
        }
        return Artifact(kind: kind, provider: provider, parts: parts, platform: platform)
    }
}
