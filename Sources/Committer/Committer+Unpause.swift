// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SnapshotEngine

/// Thawing what was left frozen.
extension Committer {
    /// Thaws containers of a pod, whoever froze them, unless the freeze is sealed. Those that run are fine as they are.
    ///
    /// - Throws: `CommitterError` if any of them was not found or does not thaw, after trying all.
    public func unpause(pod: String, namespace: String, containers: [String]) async throws(CommitterError) {
        do {
            try await withContainerd { containerd in
                let finder = ContainerFinder(client: containerd)
                let recovery = FreezeRecovery(client: containerd)
                var failures: [CommitterError] = []
                for name in containers {
                    do {
                        let found = try await finder.container(
                            name,
                            pod: pod,
                            namespace: namespace,
                            uid: settings.podUID
                        )
                        try await thaw(found, recovery: recovery, containerd: containerd)
                        print("unpaused \(name)")
                    } catch {
                        let failure = CommitterError(error)
                        logger.error("\(failure)", metadata: ["container": "\(name)"])
                        failures.append(failure)
                    }
                }
                guard let first = failures.first else { return }
                throw CommitterError(
                    failures.allSatisfy { $0.kind == first.kind } ? first.kind : .failed,
                    reason: first.reason,
                    failures.map(\.message).joined(separator: "; ")
                )
            }
        } catch {
            throw CommitterError(error)
        }
    }

    /// Kills all processes of a sealed freeze while they are frozen. There is nothing to do if no such freeze is recorded, or
    /// if it is not sealed.
    ///
    /// - Throws: `CommitterError` if containerd did not do it; ask again.
    public func release(snapshot: String) async throws(CommitterError) {
        do {
            try await withContainerd { containerd in
                do {
                    try await FreezeRecovery(client: containerd).kill(snapshot)
                    print("released \(snapshot)")
                } catch FreezeError.notSealed {
                    print("\(snapshot) is not sealed")
                }
            }
        } catch {
            throw CommitterError(error)
        }
    }

    private func thaw(
        _ container: PodContainer,
        recovery: FreezeRecovery,
        containerd: ContainerdClient
    ) async throws {
        for record in try await recovery.records() where record.containers.contains(container.id) {
            guard try await recovery.thaw(record) == .thawed else {
                throw FreezeError.sealed(id: record.id)
            }
        }
        // Somebody who leaves no record may have frozen it: upstream's committer, or a person.
        if try await containerd.task(container.id).status == .paused {
            try await containerd.resumeTask(container.id)
        }
    }
}
