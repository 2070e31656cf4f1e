// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// How far a SandboxSnapshot is, whoever it is for: a pause, or somebody who asked for it.
enum SnapshotStage: Hashable {
    /// It is not begun yet; what it waits for, if that can be said.
    case waiting(CaptureProgress?)
    /// It is being captured, or its freeze is being ended; how far that is, if something new can be said.
    case capturing(CaptureProgress?)
    /// It is durable and was verified.
    case captured(Artifact)
    /// There is none.
    case failed(Problem)
}

extension AggregateRecord {
    /// How far the snapshot of a pause is, by what is written down of its sandbox.
    ///
    /// It is told to be ready when the pause cannot be taken back any more, and to have failed when nothing of it is frozen.
    ///
    /// - Parameter uid: The capture's.
    /// - Returns: Nil if nothing is written down of it, so that nothing new can be said.
    func snapshotStage(ofCapture uid: String) -> SnapshotStage? {
        for member in members {
            let recorded = member.recorded
            switch recorded.phase {
            case .pausing(let capture) where capture.uid == uid: return .capturing(nil)
            case .sealing(let capture, _) where capture.uid == uid: return .capturing(.words("sealing"))
            case .thawing(let capture, _, _) where capture.uid == uid: return .capturing(.words("thawing"))
            case .releasing(let capture, let artifact) where capture.uid == uid: return .captured(artifact)
            default: break
            }
            guard recorded.leftovers.contains(.capture(uid: uid)) else { continue }
            if let setback = recorded.setback, setback.transition == .pause { return .failed(setback.problem) }
            return recorded.artifact.map { .captured($0) }
        }
        return nil
    }

    /// The member of which a capture, or what it has left, is still to be seen to.
    func member(withCapture uid: String) -> Member? {
        members.first { member in
            member.recorded.phase.capture?.uid == uid || member.recorded.leftovers.contains(.capture(uid: uid))
        }
    }

    /// Whether a capture, or what it has left, is still to be seen to.
    func needsCapture(_ uid: String) -> Bool { member(withCapture: uid) != nil }
}

extension CaptureProgress {
    /// A stage of which there is nothing to count.
    static func words(_ stage: String, _ summary: String? = nil) -> CaptureProgress {
        .with {
            $0.stage = stage
            $0.summary = summary ?? stage
        }
    }
}
