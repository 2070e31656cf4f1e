// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Where freezes are written down: as leases in containerd, in the namespace of the frozen containers.
///
/// A lease that keeps nothing costs nothing, is synced to disk before containerd answers, survives both a kill -9 of the
/// holder and a restart of containerd, changes no object of anybody else (labels on a container would be the kubelet's to
/// overwrite), holds several containers at once, and is found on the node by anybody who looks (`ctr leases ls`).
///
/// A lease is made atomically and cannot be changed afterwards. So the outcome is a second lease, and making it is the one
/// decision: of all processes that seal or thaw, a stopped one that wakes up late included, the first wins and the others
/// read what it decided. An outcome is deleted only after its record; hence an outcome that was made and whose record is
/// there is the true one.
struct FreezeLedger: Sendable {
    let client: ContainerdClient

    /// Writes a freeze down, before anything is frozen.
    func write(_ record: FreezeRecord) async throws {
        guard Self.isValid(id: record.id) else { throw FreezeError.invalidID(record.id) }
        do {
            try await client.createLease(FreezeRecord.leaseID(record.id), labels: record.labels)
        } catch let error as ContainerdError where error.isAlreadyExists {
            throw FreezeError.alreadyUsed(id: record.id)
        }
    }

    /// What a freeze comes to.
    struct Decision: Sendable, Hashable {
        var outcome: FreezeOutcome
        /// Whether the call that answers this has decided it. Then it is the caller's to carry out.
        var isNew: Bool
    }

    /// Decides what a freeze comes to, unless that is decided already.
    ///
    /// - Returns: What it comes to; nil if the freeze is over. Then its containers may be part of another freeze by now, and
    ///   must not be touched in the name of this one.
    func decide(_ outcome: FreezeOutcome, of id: String) async throws -> Decision? {
        var isNew = true
        do {
            try await client.createLease(
                FreezeRecord.outcomeLeaseID(id),
                labels: FreezeRecord.outcomeLabels(outcome, of: id)
            )
        } catch let error as ContainerdError where error.isAlreadyExists {
            // Decided before, perhaps by ourselves in a call whose answer was lost.
            isNew = false
        }
        if let decided = try await records().first(where: { $0.id == id })?.outcome {
            return Decision(outcome: decided, isNew: isNew)
        }
        // The freeze was over before: what we made, if anything, decides nothing.
        try await remove(leaseID: FreezeRecord.outcomeLeaseID(id))
        return nil
    }

    /// All freezes of the namespace.
    func records() async throws -> [FreezeRecord] {
        let leases = try await client.leases(filters: [
            "labels.\"\(FreezeRecord.idLabel)\"", "labels.\"\(FreezeRecord.outcomeOfLabel)\"",
        ])
        return Self.records(of: leases.map(\.labels))
    }

    /// Deletes a freeze whose containers are thawed or gone, and its outcome after it.
    func remove(_ id: String) async throws {
        try await remove(leaseID: FreezeRecord.leaseID(id))
        try await remove(leaseID: FreezeRecord.outcomeLeaseID(id))
    }

    /// Deletes outcomes whose record is gone: what remains if a process died between the two deletions.
    func removeOrphanedOutcomes() async throws {
        let labels = try await client.leases(filters: [
            "labels.\"\(FreezeRecord.idLabel)\"", "labels.\"\(FreezeRecord.outcomeOfLabel)\"",
        ]).map(\.labels)
        let ids = Set(Self.records(of: labels).map(\.id))
        for label in labels {
            if let (id, _) = FreezeRecord.outcome(labels: label), !ids.contains(id) {
                try await remove(leaseID: FreezeRecord.outcomeLeaseID(id))
            }
        }
    }

    /// Puts records and outcomes together.
    static func records(of labels: [[String: String]]) -> [FreezeRecord] {
        var outcomes: [String: FreezeOutcome] = [:]
        for label in labels {
            if let (id, outcome) = FreezeRecord.outcome(labels: label) {
                outcomes[id] = outcome
            }
        }
        return labels.compactMap(FreezeRecord.init(labels:)).map { record in
            var record = record
            record.outcome = outcomes[record.id]
            return record
        }
    }

    static func isValid(id: String) -> Bool {
        (1...FreezeRecord.longestID).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default:
                    false
                }
            }
    }

    private func remove(leaseID: String) async throws {
        _ = try await ContainerdError.nilIfNotFound { try await client.deleteLease(leaseID) }
    }
}
