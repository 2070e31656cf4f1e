// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeRuntime
public import SandboxModels
public import SnapshotProvider

/// The providers of a controller: the one that captures where nobody says otherwise, and others that snapshots choose by name.
///
/// A capture that was begun is seen to its end by the provider that began it, and an artifact is restored by the one that made
/// it, whatever the default has become since.
public struct SnapshotProviders: Sendable {
    /// Who captures where nobody says otherwise.
    public let standard: any SnapshotProvider
    private let others: [any SnapshotProvider]
    /// What they do besides answering, if anything.
    public let work: Work?
    /// Finds what another controller has paused sandboxes into; nil if nobody can.
    public let takeOver: TakeOver?

    /// What providers do besides answering, for as long as the controllers work. It is given a way to have a sandbox looked at
    /// that there is news of; cancelled, it should end.
    public typealias Work = @Sendable (_ look: @escaping @Sendable (ObjectKey) -> Void) async throws -> Void

    /// Finds the artifact that another controller's images are. It is given the sandbox's namespace, and asked until it has it.
    public typealias TakeOver =
        @Sendable (_ images: [ForeignImage], _ namespace: String) async -> Step<Artifact>

    /// Creates a choice.
    ///
    /// - Parameters:
    ///   - standard: Who captures where nobody says otherwise.
    ///   - others: Who captures when asked for by name. Of those with the same name the first one counts.
    ///   - work: What they do besides answering, such as `NodeJobs.follow`.
    ///   - takeOver: Finds what another controller has paused sandboxes into, such as `JobSnapshotProvider.artifact(of:in:)`.
    public init(
        _ standard: any SnapshotProvider,
        others: [any SnapshotProvider] = [],
        work: Work? = nil,
        takeOver: TakeOver? = nil
    ) {
        self.standard = standard
        self.others = others
        self.work = work
        self.takeOver = takeOver
    }

    /// The same choice of others that stand for them.
    func mapped(_ transform: (any SnapshotProvider) -> any SnapshotProvider) -> SnapshotProviders {
        SnapshotProviders(transform(standard), others: others.map(transform), work: work, takeOver: takeOver)
    }

    /// Their names, the default's first.
    public var names: [String] { ([standard] + others).map(\.name) }

    /// The provider of a name; the default if there is no name. Nil if this controller does not have it.
    public subscript(name: String?) -> (any SnapshotProvider)? {
        guard let name, !name.isEmpty else { return standard }
        return ([standard] + others).first { $0.name == name }
    }

    /// Who sees to a capture.
    ///
    /// - Throws: `SnapshotFailure` with the reason `ProviderNotFound`; it passes when the controller has the provider again.
    func provider(of request: SnapshotRequest) throws(SnapshotFailure) -> any SnapshotProvider {
        try find(request.provider, "The capture \(request.uid) of \(request.source.sandbox) was begun by")
    }

    /// Who can restore an artifact.
    ///
    /// - Throws: As above.
    func provider(of artifact: Artifact) throws(SnapshotFailure) -> any SnapshotProvider {
        try find(artifact.provider, "The artifact \(artifact.parts.first?.reference ?? "without parts") was made by")
    }

    private func find(_ name: String?, _ beginning: String) throws(SnapshotFailure) -> any SnapshotProvider {
        guard let found = self[name] else {
            throw SnapshotFailure(
                "ProviderNotFound",
                "\(beginning) the provider \(name ?? ""), and this controller has only \(names.joined(separator: ", ")). Start one "
                    + "that has it.",
                isRetryable: true
            )
        }
        return found
    }
}
