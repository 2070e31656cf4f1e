// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotEngine
import SnapshotProvider

extension SandboxRunner {
    /// What is true outside, as far as it can be seen now.
    func observe() async -> Observation {
        Observation(
            compute: await observeCompute(),
            capture: await observeCapture(),
            verification: sightings.verification,
            cleaned: sightings.cleaned
        )
    }

    private func observeCompute() async -> Observation.Compute {
        let attempt = row.recorded.incarnation
        if isCarryingOut({ $0.creates(attempt) }) { return .starting(attempt) }
        // A container's record goes before its files: what is being deleted is not gone until that has ended.
        if isCarryingOut({ $0.deletes(attempt) }) { return .stopping(attempt) }
        do {
            if let earlier = try await containerOfAnotherAttempt() { return earlier }
            if let error = sightings.failedCompute[attempt] {
                return .ended(attempt, Problem(error.code.problemReason, error.told))
            }
            let container = row.containerID(attempt: attempt)
            switch try await world.containers.status(of: container) {
            case .absent where row.recorded.phase.isEndingCompute:
                if try await world.containers.isGone(container) { return .absent }
                return .ended(attempt, Problem("NotRemoved", "Remains of the sandbox's container are still there."))
            // What was created and not started is what an interrupted creation left: the next one removes it first.
            case .absent, .created: return .absent
            case .running, .paused: return .running(attempt)
            case .stopped(let exit):
                let code = exit.code.map { "with exit code \($0)" } ?? "and nobody saw how"
                return .ended(attempt, Problem("SandboxExited", "The sandbox's main process ended by itself \(code)."))
            }
        } catch {
            log(error, "cannot see the sandbox's container")
            return .unknown
        }
    }

    /// A container that an earlier attempt left and that is in the way of the present one.
    private func containerOfAnotherAttempt() async throws -> Observation.Compute? {
        for attempt in earlierAttempts {
            if try await !world.containers.isGone(row.containerID(attempt: attempt)) {
                return .ended(attempt, Problem("Superseded", "It belongs to an earlier attempt."))
            }
            earlierAttempts.remove(attempt)
        }
        return nil
    }

    private func observeCapture() async -> Observation.Capture? {
        guard let attempt = row.recorded.phase.capture else { return nil }
        if let state = await world.provider.state(of: attempt.uid) {
            return Observation.Capture(uid: attempt.uid, progress: state.progress, hold: state.hold)
        }
        guard attempt.uid == inheritedCapture else { return nil }
        // Begun by a process that is gone. Its freeze was ended before this one began to look, unless it was sealed.
        let hold: Observation.Capture.Hold = world.sealedBefore.contains(attempt.uid) ? .sealed : .thawed
        return Observation.Capture(uid: attempt.uid, progress: .none, hold: hold)
    }
}

extension Phase {
    /// Whether the sandbox's container is being removed.
    fileprivate var isEndingCompute: Bool {
        switch self {
        case .deleting, .releasing: true
        default: false
        }
    }
}

extension Action {
    /// Whether it creates the compute of an attempt.
    func creates(_ attempt: Int) -> Bool {
        guard case .createCompute(attempt, _) = self else { return false }
        return true
    }

    /// Whether it deletes the compute of an attempt.
    func deletes(_ attempt: Int) -> Bool {
        switch self {
        case .deleteCompute(attempt), .release(_, attempt): true
        default: false
        }
    }
}

extension SandboxError.Code {
    /// The word for it in the reason of a failed sandbox.
    fileprivate var problemReason: String {
        switch self {
        case .imageUnavailable: "ImageUnavailable"
        case .invalidParameter: "InvalidParameter"
        case .hostPathNotAllowed, .invalidHostPath, .hostPathUnavailable, .invalidSubPath, .volumeNotFound:
            "VolumeUnavailable"
        default: "StartFailed"
        }
    }
}
