// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// The snapshots of one sandbox that somebody asked for, oldest first.
struct SnapshotQueue {
    /// One of them.
    struct Entry: Hashable {
        /// Its UID, which is also its capture's.
        var uid: String
        /// Whether its capture is over; nil if that cannot be said.
        var isOver: Bool?
        /// Whether its turn may come: it is written down that it waits, or is being captured.
        var isRecorded: Bool

        fileprivate var mayCome: Bool { isOver == false && isRecorded }
    }

    /// All of them.
    var entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries }

    /// Finds those of a sandbox.
    ///
    /// - Parameter snapshots: Made with `StoreIndex.sandbox`.
    init(of sandbox: SandboxReference, in snapshots: Store<SandboxSnapshot>) {
        let found = snapshots.objects(.sandbox, sandbox.description).filter { !$0.isOfPause }
        entries = found.sorted { $0.age < $1.age }.map { snapshot in
            let uid = snapshot.metadata.uid ?? snapshot.metadata.name
            do {
                let record = try SandboxSnapshotState.stored(in: snapshot)
                return Entry(uid: uid, isOver: record?.isOver ?? false, isRecorded: record != nil)
            } catch {
                return Entry(uid: uid, isOver: nil, isRecorded: true)
            }
        }
    }

    /// Those whose turn may come.
    var waiting: [String] { entries.filter(\.mayCome).map(\.uid) }

    /// What the machine of a replica is told.
    ///
    /// - Parameters:
    ///   - current: The snapshot whose turn it is by the replica's record.
    ///   - isMeant: Whether a snapshot that waits is of this replica.
    func checkpoint(after current: String?, _ isMeant: (String) -> Bool) -> Observation.Checkpoint? {
        if let current, let entry = entries.first(where: { $0.uid == current }) {
            // One that cannot be read may hold the sandbox frozen.
            guard let isOver = entry.isOver else { return nil }
            if !isOver { return .wanted(current) }
        }
        let next = entries.first { $0.mayCome && isMeant($0.uid) }
        return next.map { .wanted($0.uid) } ?? Observation.Checkpoint.none
    }
}

extension StoreIndex where Object == SandboxSnapshot {
    /// By the sandbox that they are of: `SandboxReference.description`.
    static var sandbox: StoreIndex { StoreIndex("sandbox") { [$0.sandbox.description] } }
}

extension SandboxSnapshot {
    /// The sandbox of a dialect that is to be looked at when something happens to it, because it may be its turn: none if it is of a
    /// pause, which is its sandbox's own.
    func sandboxesInTurn(of dialect: SandboxDialect) -> [ObjectKey] {
        isOfPause || sandbox.dialect != dialect ? [] : [sandbox.key]
    }

    /// What they are ordered by. Times of creation are whole seconds.
    fileprivate var age: Age {
        Age(created: metadata.creationTimestamp?.description ?? "", name: metadata.name)
    }
}

private struct Age: Comparable {
    let created: String
    let name: String

    static func < (left: Age, right: Age) -> Bool { (left.created, left.name) < (right.created, right.name) }
}
