// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What the machine's actions do in the world, and what they must never do.
extension World {
    /// Carries out one action.
    mutating func perform(_ action: ActionCode, _ recorded: Recorded) -> Violation? {
        let number = action.number
        switch action.kind {
        case nil: return nil
        case .createFromImage: return create(number, from: 0, stored: true)
        case .createFromArtifact: return createFromArtifact(number, recorded)
        case .deleteCompute: return deleteCompute(number, recorded)
        case .verify: verify(number, recorded)
        case .capture: beginCapture(number)
        case .seal: return seal(number)
        case .abandon: return abandon(number)
        case .release: return release(number, recorded)
        case .forgetCapture: forget(number)
        case .deleteArtifact: return deleteArtifact(number, recorded)
        }
        return nil
    }

    /// A verification that could not ask the store.
    mutating func failToVerify(_ action: ActionCode) {
        verifiedAttempt = action.number
        verifiedOutcome = .missing
    }

    private mutating func create(_ number: UInt8, from work: UInt8, stored: Bool) -> Violation? {
        guard compute.state == .absent else { return nil }
        compute = Compute()
        compute.state = stored ? .starting : .ended
        compute.number = number
        compute.work = work
        return nil
    }

    private mutating func createFromArtifact(_ number: UInt8, _ recorded: Recorded) -> Violation? {
        guard verifiedAttempt == number, verifiedOutcome == .verified else {
            return Violation(.four, "compute is created from an artifact that was not verified for it")
        }
        let kept = self[capture: recorded.artifactNumber]
        return create(number, from: kept.content, stored: kept.stored == .yes)
    }

    private mutating func deleteCompute(_ number: UInt8, _ recorded: Recorded) -> Violation? {
        guard compute.number == number, compute.state != .absent else { return nil }
        switch recorded.phase {
        case .deleting, .deleted, .releasing:
            break
        default:
            if compute.state == .running { return Violation(.one, "running compute is deleted without a pause") }
        }
        compute.deleting = max(compute.deleting, 1)
        return nil
    }

    private mutating func verify(_ number: UInt8, _ recorded: Recorded) {
        let capture = recorded.phase.capture.map { UInt8($0.number) }
        let artifact = capture == number ? number : recorded.artifactNumber
        let isStored = self[capture: artifact].stored == .yes
        verifiedAttempt = number
        verifiedOutcome = isStored ? .verified : .missing
        if isStored { self[capture: artifact].wasVerified = 1 }
    }

    private mutating func beginCapture(_ number: UInt8) {
        guard self[capture: number].number == number, self[capture: number].isForgotten == 0 else { return }
        guard self[capture: number].progress == .none else { return }
        switch self[capture: number].hold {
        case .none: self[capture: number].progress = .started
        case .held: self[capture: number].progress = .frozen
        case .thawed: self[capture: number].progress = .failed
        case .sealed, .gone: break
        }
    }

    private mutating func seal(_ number: UInt8) -> Violation? {
        guard self[capture: number].isForgotten == 0 else { return nil }
        switch self[capture: number].hold {
        case .held:
            guard self[capture: number].wasVerified == 1 else {
                return Violation(.one, "a freeze is sealed before its artifact was verified")
            }
            self[capture: number].hold = .sealed
        case .none:
            self[capture: number].hold = .thawed
        case .sealed, .thawed, .gone:
            break
        }
        return nil
    }

    private mutating func abandon(_ number: UInt8) -> Violation? {
        guard self[capture: number].isForgotten == 0 else { return nil }
        switch self[capture: number].hold {
        case .sealed: return Violation(.five, "a sealed freeze is to be abandoned")
        case .gone: return nil
        case .none, .held, .thawed: thaw(number)
        }
        if self[capture: number].progress.isActive { self[capture: number].progress = .failed }
        return nil
    }

    private mutating func release(_ number: UInt8, _ recorded: Recorded) -> Violation? {
        let capture = self[capture: number]
        if recorded.phase.name == .deleting || recorded.phase.name == .deleted {
            // Late; the owner wants to keep nothing any more.
            return deleteCompute(capture.target, recorded)
        }
        guard capture.wasVerified == 1 else {
            return Violation(.one, "compute is released before its artifact was verified")
        }
        guard compute.state != .absent, compute.number == capture.target else { return nil }
        guard capture.hold == .sealed || capture.hold == .gone else {
            return Violation(.five, "compute is released although its freeze was not sealed")
        }
        compute.deleting = compute.frozenBy == number ? 2 : max(compute.deleting, 1)
        return nil
    }

    private mutating func forget(_ number: UInt8) {
        guard self[capture: number].number == number, self[capture: number].isForgotten == 0 else { return }
        self[capture: number].isForgotten = 1
        self[capture: number].progress = .none
        if self[capture: number].hold != .sealed || compute.frozenBy != number { thaw(number) }
    }

    private mutating func deleteArtifact(_ number: UInt8, _ recorded: Recorded) -> Violation? {
        if recorded.artifactNumber == number || recorded.phase.artifactNumber == number {
            return Violation(.four, "the artifact that a resume would start from is deleted")
        }
        guard self[capture: number].number == number else { return nil }
        self[capture: number].stored = .deleted
        return nil
    }
}

extension World {
    /// The process has acted on the compute, so what it saw of it before does not count any more.
    mutating func distrust(after action: ActionCode) {
        switch action.kind {
        case .createFromImage, .createFromArtifact, .deleteCompute, .release:
            seenCompute = .unknown
            seenComputeNumber = 0
        default:
            break
        }
    }
}

extension Recorded {
    /// The number of the artifact that a resume starts from, 0 without one.
    var artifactNumber: UInt8 {
        artifact.map { UInt8(Names.number($0)) } ?? 0
    }
}

extension Phase {
    /// The number of the artifact that is about to be kept, 0 without one.
    var artifactNumber: UInt8 {
        switch self {
        case .sealing(_, let artifact), .releasing(_, let artifact): UInt8(Names.number(artifact))
        default: 0
        }
    }
}
