// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

extension SandboxSnapshot {
    /// The status at a stage. One that is final stays as it is.
    ///
    /// - Parameters:
    ///   - request: What its capture was asked for; nil if none was begun.
    ///   - provider: Who captures.
    ///   - now: The present, for what is new.
    func status(
        at stage: SnapshotStage,
        of request: SnapshotRequest?,
        by provider: String,
        now: Timestamp
    ) -> SandboxSnapshotStatus {
        var status = status ?? SandboxSnapshotStatus()
        status.observedGeneration = metadata.generation
        guard !status.isFinal else { return status }
        if let request {
            status.tell(request.source)
            status.provider = provider
            status.startTime = status.startTime ?? now
        }
        switch stage {
        case .waiting(let progress):
            status.phase = .pending
            status.progress = progress
        case .capturing(let progress):
            // Without a request nothing has been begun.
            status.phase = request == nil ? .pending : .committing
            status.progress = progress ?? status.progress
        case .captured(let artifact):
            status.phase = .succeed
            status.tell(artifact)
            let reason = SandboxSnapshotCondition.Reason.snapshotReady
            let remark = artifact.remark.map { " \($0)" } ?? ""
            status.end(.ready, Problem(reason, "The snapshot is durable and was verified.\(remark)"), at: now)
        case .failed(let problem):
            status.phase = .failed
            status.end(.failed, problem, at: now)
        }
        return status
    }
}

extension SandboxSnapshotStatus {
    /// Whether it never changes any more.
    var isFinal: Bool { phase == .succeed || phase == .failed }

    /// Tells what is captured.
    fileprivate mutating func tell(_ source: SnapshotSource) {
        sourcePodName = source.pod
        sourcePodUID = source.podUID
        sourceNodeName = source.node
        // Where no image is made, only the artifact tells what there is.
        for container in source.containers
        where !container.target.isEmpty && !containers.contains(where: { $0.containerName == container.name }) {
            containers.append(
                .with {
                    $0.containerName = container.name
                    $0.imageUri = container.target
                }
            )
        }
    }

    fileprivate mutating func end(_ condition: SandboxSnapshotCondition, _ told: Problem, at now: Timestamp) {
        progress = nil
        completionTime = now
        conditions = [
            .with {
                $0.type = condition.rawValue
                $0.status = "True"
                $0.reason = told.reason
                $0.message = told.message
                $0.observedGeneration = observedGeneration
                $0.lastTransitionTime = now
            }
        ]
    }
}
