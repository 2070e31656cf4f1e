// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SandboxModels
import SnapshotEngine
import SnapshotProvider

/// A commit that leaves the pod frozen, held by a process that listens.
extension Committer {
    /// Commits, and leaves the pod frozen. If that fails the pod runs, and the holder ends.
    func commit(
        pod: String,
        namespace: String,
        targets: [CommitTarget],
        options: CommitOptions,
        hold: CommitHold
    ) async throws -> CommitReport {
        let holder = HolderSocket(path: hold.socket)
        do {
            guard let uid = options.snapshotUID else {
                throw CommitterError(
                    .invalidArgument,
                    "a pod that is held frozen is sealed and thawed by its snapshot's UID: set STASIS_SNAPSHOT_UID"
                )
            }
            return try await withContainerd { containerd in
                try await HolderClient.withClient(of: holder, containerd: containerd, logger: logger) { holders in
                    let status = try await holders.ask(.status, about: uid)
                    let containers = try await containers(
                        named: targets.map(\.container),
                        ofPod: pod,
                        in: namespace,
                        containerd: containerd
                    )
                    guard status.state == .unknown else {
                        return try await report(on: status, containers.selected, targets: targets)
                    }
                    try await endFreezesOfDeadCommitters(of: containers.all, snapshot: uid, containerd: containerd)
                    let request = try await request(
                        pod: pod,
                        namespace: namespace,
                        containers: zip(containers.selected, targets).map { ($0, $1) },
                        options: options,
                        afterwards: .holdFrozen(until: hold.until),
                        containerd: containerd
                    )
                    let artifact = try await withCapture(of: request, options: options, containerd: containerd) {
                        capture in
                        let held = HeldCapture(
                            capture: capture,
                            holders: holders,
                            owner: Self.holdOwner,
                            longestFreeze: hold.longestFreeze
                        )
                        return try await ProgressLines.printing(to: print) { meter in
                            try await held.run(request, freezing: containers.all.map(\.id), meter: meter)
                        }
                    }
                    return CommitReport(artifact, isHeld: true)
                }
            }
        } catch {
            await HolderClient.dismiss(holder, logger: logger)
            guard let error = error as? CaptureError, error.reason == .freezeLost else { throw error }
            throw CommitterError(
                .failed,
                reason: error.reason.rawValue,
                "\(error); STASIS_FREEZE_UNTIL and STASIS_FREEZE_SECONDS say when a freeze ends"
            )
        }
    }

    /// What an earlier commit of the same snapshot has captured, if the pod has been frozen ever since: otherwise it has
    /// done something since that would be lost.
    private func report(
        on status: FreezeStatus,
        _ containers: [PodContainer],
        targets: [CommitTarget]
    ) async throws -> CommitReport {
        guard let captured = status.captured, status.state == .held || status.state == .sealed else {
            throw CommitterError(
                .failed,
                reason: "FreezeFailed",
                "freeze \(status.id) was begun before by another commit and is \(status.state.rawValue): wait for that one, "
                    + "or capture another snapshot"
            )
        }
        guard let podUID = containers.first?.podUID,
            let stored = try await storedSnapshot(status.id, podUID: podUID, targets: targets),
            stored.parts.map(\.digest) == captured
        else {
            throw CommitterError(
                .failed,
                reason: "FreezeFailed",
                "freeze \(status.id) was begun by a commit of something else than what is asked for"
            )
        }
        return CommitReport(stored, isHeld: true)
    }
}
