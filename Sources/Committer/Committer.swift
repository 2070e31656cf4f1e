// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
import SandboxModels
public import SnapshotEngine
import SnapshotProvider
import SnapshotStore

/// Commits containers of a pod on this node to images, and thaws pods that were left frozen.
///
/// It talks to containerd and to registries itself; there is no shell, and no other program but a credential helper if
/// the registries' configuration names one. Cancelling its task ends it with everything thawed that it froze.
public struct Committer: Sendable {
    /// Who freezes, in the record of a freeze.
    static let owner = "stasis-committer"
    /// The same, when a holder that listens has the freeze: it is no dead committer's before its deadline has passed.
    static let holdOwner = "stasis-committer hold"

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

    /// Commits containers of a pod. All containers of the pod are frozen while what has changed is read; they run again when
    /// this returns or throws.
    ///
    /// A snapshot that has a name and was committed before is found at its targets: then nothing is frozen.
    ///
    /// With `options.hold` the pod stays frozen when this returns, and runs again when it throws. A snapshot that was
    /// committed before is then a result only if the pod has been frozen ever since.
    ///
    /// - Parameters:
    ///   - pod: The pod's name.
    ///   - namespace: The pod's Kubernetes namespace.
    ///   - targets: The containers to commit and where their images go.
    ///   - options: How.
    /// - Throws: `CommitterError`.
    public func commit(
        pod: String,
        namespace: String,
        targets: [CommitTarget],
        options: CommitOptions = CommitOptions()
    ) async throws(CommitterError) -> CommitReport {
        logger.notice(
            "a commit begins",
            metadata: ["pod": "\(namespace)/\(pod)", "snapshot": "\(options.snapshotUID ?? "none")"]
        )
        do {
            if let uid = options.snapshotUID, !CommitOptions.isSnapshotUID(uid) {
                throw CommitterError(
                    .invalidArgument,
                    "\"\(uid)\" cannot name a snapshot: use 1 to 60 letters, digits, dots, dashes and underscores"
                )
            }
            if let hold = options.hold {
                return try await commit(
                    pod: pod,
                    namespace: namespace,
                    targets: targets,
                    options: options,
                    hold: hold
                )
            }
            return try await withContainerd { containerd in
                let found: Result<(all: [PodContainer], selected: [PodContainer]), ContainerFinderError>
                do {
                    found = .success(
                        try await containers(
                            named: targets.map(\.container),
                            ofPod: pod,
                            in: namespace,
                            containerd: containerd
                        )
                    )
                } catch let error as ContainerFinderError {
                    found = .failure(error)
                }
                if case .success(let containers) = found {
                    try await endFreezesOfDeadCommitters(of: containers.all, snapshot: nil, containerd: containerd)
                }
                // The pod may be gone since.
                let podUID = settings.podUID ?? (try? found.get())?.selected.first?.podUID
                if let uid = options.snapshotUID, let podUID,
                    let stored = try await storedSnapshot(uid, podUID: podUID, targets: targets)
                {
                    return CommitReport(stored)
                }
                let containers = try found.get()
                let request = try await request(
                    pod: pod,
                    namespace: namespace,
                    containers: zip(containers.selected, targets).map { ($0, $1) },
                    options: options,
                    afterwards: .keepRunning,
                    containerd: containerd
                )
                return CommitReport(
                    try await checkpoint(
                        request,
                        options: options,
                        freezing: containers.all.map(\.id),
                        containerd: containerd
                    )
                )
            }
        } catch {
            throw CommitterError(error)
        }
    }

    /// What an earlier commit of a snapshot has stored, if that is complete.
    func storedSnapshot(_ uid: String, podUID: String, targets: [CommitTarget]) async throws -> Artifact? {
        try await withRegistryClient(
            try registryConfiguration(for: targets.map(\.image)),
            logger: logger
        ) { registries in
            let store = ArtifactStore(repositories: ImageRepositories(registries: registries))
            let stored = try await store.artifact(
                ofSnapshot: uid,
                podUID: podUID,
                containers: targets.map { ($0.container, $0.image) }
            )
            if stored != nil {
                logger.notice("An earlier commit has stored this snapshot", metadata: ["snapshot": "\(uid)"])
            }
            return stored
        }
    }

    /// Removes what committers that were killed have left in image-layout folders. A registry sees to that itself.
    private func removeLeftovers(at targets: [String]) async {
        for target in targets {
            guard case .layout(let folder, _, _)? = try? ImageLocation(parsing: target) else { continue }
            do {
                try await ImageLayoutRepository(folder: folder).removeUnfinished()
            } catch {
                // Whether the folder can be used is found out when it is.
                logger.debug("Leftovers stay", metadata: ["folder": "\(folder)", "error": "\(error)"])
            }
        }
    }

    private func checkpoint(
        _ request: SnapshotRequest,
        options: CommitOptions,
        freezing containers: [String],
        containerd: ContainerdClient
    ) async throws -> Artifact {
        try await withCapture(of: request, options: options, containerd: containerd) { capture in
            try await HolderClient.withClient(command: holder, containerd: containerd, logger: logger) { holders in
                let checkpoint = Checkpoint(
                    capture: capture,
                    holders: holders,
                    owner: Self.owner,
                    longestFreeze: settings.longestFreeze
                )
                return try await ProgressLines.printing(to: print) { meter in
                    try await checkpoint.run(request, freezing: containers, meter: meter)
                }
            }
        }
    }

    /// Makes what captures, for as long as `body` runs.
    func withCapture(
        of request: SnapshotRequest,
        options: CommitOptions,
        containerd: ContainerdClient,
        _ body: (RootfsCapture) async throws -> Artifact
    ) async throws -> Artifact {
        let signer = try settings.signer()
        await removeLeftovers(at: request.source.containers.map(\.target))
        let references = request.source.containers.flatMap { [$0.target, $0.image] }
        return try await withRegistryClient(try registryConfiguration(for: references), logger: logger) { registries in
            try await body(
                RootfsCapture(
                    containerd: containerd,
                    repositories: ImageRepositories(registries: registries),
                    consistency: options.consistency,
                    compression: options.compression,
                    compaction: settings.compaction,
                    usesDiffService: true,
                    signer: signer,
                    logger: logger
                )
            )
        }
    }
}
