// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
import SandboxModels
public import SnapshotEngine
import SnapshotProvider

import struct Foundation.Date

/// Commits containers of a pod on this node to images, and thaws pods that were left frozen.
///
/// It talks to containerd and to registries itself; there is no shell, and no other program but a credential helper if
/// the registries' configuration names one. Cancelling its task ends it with everything thawed that it froze.
public struct Committer: Sendable {
    /// Who freezes, in the record of a freeze.
    static let owner = "stasis-committer"

    let settings: CommitterSettings
    let holder: HolderCommand
    let logger: Logger
    let print: @Sendable (String) -> Void

    /// Creates a committer.
    ///
    /// - Parameters:
    ///   - settings: What the environment says.
    ///   - holder: How the process is started that holds the freeze.
    ///   - logger: Where remarks go; not stdout.
    ///   - print: Prints a line to stdout.
    public init(
        settings: CommitterSettings,
        holder: HolderCommand = HolderCommand(),
        logger: Logger,
        print: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.holder = holder
        self.logger = logger
        self.print = print
    }

    /// Commits containers of a pod. Towards the end all containers of the pod are frozen; they run again when this returns
    /// or throws.
    ///
    /// - Parameters:
    ///   - pod: The pod's name.
    ///   - namespace: The pod's Kubernetes namespace.
    ///   - targets: The containers to commit and where their images go.
    ///   - bases: The images that containers were started from, by container name, as references with a digest; for those
    ///     that are not named, containerd is asked.
    ///   - consistency: Whether to copy before the freeze.
    /// - Throws: `CommitterError`.
    public func commit(
        pod: String,
        namespace: String,
        targets: [CommitTarget],
        bases: [String: String] = [:],
        consistency: CaptureConsistency = .live
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
                return try await withRegistryClient(
                    try registryConfiguration(for: request.source.containers),
                    logger: logger
                ) { registries in
                    let capture = RootfsCapture(
                        containerd: containerd,
                        repositories: ImageRepositories(registries: registries),
                        consistency: consistency,
                        logger: logger
                    )
                    return try await HolderClient.withClient(
                        command: holder,
                        containerd: containerd,
                        logger: logger
                    ) { holders in
                        try await run(capture, holders: holders, request: request, freezing: containers.all.map(\.id))
                    }
                }
            }
        } catch {
            throw CommitterError(error)
        }
    }

    private func run(
        _ capture: RootfsCapture,
        holders: HolderClient,
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
                return try await freezeAndCopy(
                    capture,
                    prepared,
                    holders: holders,
                    meter: meter,
                    freezing: containers
                )
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
        holders: HolderClient,
        meter: CaptureMeter,
        freezing containers: [String]
    ) async throws -> CommitReport {
        let early = try await capture.copyEarly(prepared, meter: meter)
        let held = holders.makeFreeze(id: prepared.request.uid, owner: Self.owner)
        let deadline = Date(timeIntervalSinceNow: Double(settings.longestFreeze.components.seconds))
        try await held.freeze(containers, until: deadline)
        let artifact: Artifact
        do {
            artifact = try await copy(prepared, after: early, with: capture, while: held, meter: meter)
        } catch {
            try await thaw(held)
            throw error
        }
        try await thaw(held)
        return CommitReport(artifact, frozen: await held.frozenDuration)
    }

    private func copy(
        _ prepared: PreparedCapture,
        after early: EarlyCopy,
        with capture: RootfsCapture,
        while held: HeldFreeze,
        meter: CaptureMeter
    ) async throws -> Artifact {
        try await withThrowingTaskGroup(of: Artifact?.self) { group in
            group.addTask {
                try await capture.copy(prepared, after: early, meter: meter) { try await held.checkHeld() }
            }
            group.addTask {
                // Returns when the freeze is over, or when it is cancelled below.
                await held.run()
                return nil
            }
            defer { group.cancelAll() }
            guard let artifact = try await group.next() ?? nil else { throw Self.lost(await held.end) }
            return artifact
        }
    }

    private func thaw(_ held: HeldFreeze) async throws {
        do {
            try await held.thaw()
        } catch is CancellationError {
            throw CommitterError(
                .failed,
                reason: "StillFrozen",
                "containerd does not thaw the pod: the holder of the freeze goes on trying; if that ends too, run unpause"
            )
        }
    }

    /// Why a freeze was over before everything had been copied.
    private static func lost(_ end: FreezeEnd?) -> CaptureError {
        if end == .holderLost {
            return CaptureError(
                .freezeLost,
                "the process that held the freeze ended before everything had been copied; the pod runs on: try again"
            )
        }
        return CaptureError(
            .freezeLost,
            "the pod was thawed before everything had been copied: let it stay frozen for longer "
                + "(STASIS_FREEZE_SECONDS), or make its changes smaller"
        )
    }
}
