// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider

import struct Foundation.Date

/// Commits containers of a pod on this node to images, and thaws pods that were left frozen.
///
/// It talks to containerd and to registries itself; there is no shell and no other program. Cancelling its task ends it
/// with everything thawed that it froze.
public struct Committer: Sendable {
    /// Who freezes, in the record of a freeze.
    static let owner = "stasis-committer"

    let settings: CommitterSettings
    let logger: Logger
    let print: @Sendable (String) -> Void

    /// Creates a committer.
    ///
    /// - Parameters:
    ///   - settings: What the environment says.
    ///   - logger: Where remarks go; not stdout.
    ///   - print: Prints a line to stdout.
    public init(settings: CommitterSettings, logger: Logger, print: @escaping @Sendable (String) -> Void) {
        self.settings = settings
        self.logger = logger
        self.print = print
    }

    /// Commits containers of a pod. All containers of the pod are frozen meanwhile, and run again when this returns or
    /// throws.
    ///
    /// - Parameters:
    ///   - pod: The pod's name.
    ///   - namespace: The pod's Kubernetes namespace.
    ///   - targets: The containers to commit and where their images go.
    ///   - bases: The images that containers were started from, by container name, as references with a digest; for those
    ///     that are not named, containerd is asked.
    /// - Throws: `CommitterError`.
    public func commit(
        pod: String,
        namespace: String,
        targets: [CommitTarget],
        bases: [String: String] = [:]
    ) async throws(CommitterError) -> CommitReport {
        do {
            return try await withContainerd { containerd in
                let containers = try await containers(
                    named: targets.map(\.container),
                    ofPod: pod,
                    in: namespace,
                    containerd: containerd
                )
                try await endFreezesOfDeadCommitters(of: containers.all, containerd: containerd)
                let request = try await request(
                    pod: pod,
                    namespace: namespace,
                    containers: zip(containers.selected, targets).map { ($0, $1) },
                    bases: bases,
                    containerd: containerd
                )
                return try await withRegistryClient(registryConfiguration(for: request), logger: logger) { registries in
                    let capture = RootfsCapture(
                        containerd: containerd,
                        repositories: ImageRepositories(registries: registries),
                        logger: logger
                    )
                    return try await run(capture, request: request, freezing: containers.all.map(\.id))
                }
            }
        } catch {
            throw CommitterError(error)
        }
    }

    private func run(
        _ capture: RootfsCapture,
        request: SnapshotRequest,
        freezing containers: [String]
    ) async throws -> CommitReport {
        let meter = CaptureMeter()
        let progress = ProgressLines(meter: meter, print: print)
        return try await withThrowingTaskGroup(of: CommitReport?.self) { group in
            group.addTask {
                await progress.run()
                return nil
            }
            group.addTask {
                let prepared = try await capture.prepare(request, meter: meter)
                return try await freezeAndCopy(capture, prepared, meter: meter, freezing: containers)
            }
            defer { group.cancelAll() }
            while let report = try await group.next() {
                if let report { return report }
            }
            throw CancellationError()
        }
    }

    private func freezeAndCopy(
        _ capture: RootfsCapture,
        _ prepared: PreparedCapture,
        meter: CaptureMeter,
        freezing containers: [String]
    ) async throws -> CommitReport {
        try await FreezeHolder.withHolder(
            socket: settings.containerdSocket,
            namespace: settings.containerdNamespace,
            id: prepared.request.uid,
            owner: Self.owner,
            logger: logger
        ) { holder in
            let deadline = Date(timeIntervalSinceNow: Double(settings.longestFreeze.components.seconds))
            try await holder.freeze(containers, until: deadline)
            let artifact = try await withThrowingTaskGroup(of: Artifact?.self) { group in
                group.addTask {
                    try await capture.copy(prepared, meter: meter) { try await holder.checkHeld() }
                }
                group.addTask {
                    // Returns when the deadline has passed, or when it is cancelled below, and has thawed either way.
                    await holder.run()
                    return nil
                }
                defer { group.cancelAll() }
                guard let artifact = try await group.next() ?? nil else {
                    throw CaptureError(
                        .freezeLost,
                        "the pod was thawed before everything had been copied: let it stay frozen for longer "
                            + "(STASIS_FREEZE_SECONDS), or make its changes smaller"
                    )
                }
                return artifact
            }
            return CommitReport(artifact, frozen: await holder.frozenDuration)
        }
    }
}
