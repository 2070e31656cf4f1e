// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The deletion of an artifact against the creation of sandboxes from it, step by step.
struct RetentionModel: Model {
    typealias Step = Exploration.Step<RetentionWorld, RetentionEvent>

    let creations: UInt8
    let faults: UInt8
    let mutation: RetentionMutation?

    private static let artifact = Names.artifact(1)
    private static let owner = ArtifactReferences.Holder.snapshot("owner")

    var start: RetentionWorld { RetentionWorld() }

    func label(_ event: RetentionEvent, to world: RetentionWorld) -> String {
        switch event {
        case .creationProceeds: "\(event) -> \(world.creation)"
        case .sweepProceeds: "\(event) -> \(world.sweep)"
        default: "\(event)"
        }
    }

    func steps(from world: RetentionWorld, _ found: (Step) -> Void) {
        for event in RetentionEvent.allCases {
            if let step = step(event, from: world) { found(step) }
        }
    }

    func next(from world: RetentionWorld) -> RetentionWorld? {
        if world.creation != .none { return step(.creationProceeds, from: world)?.world }
        return step(.sweepProceeds, from: world)?.world
    }

    func violation(ofSettled world: RetentionWorld) -> Violation? {
        let isNeeded = world.owner == .ready || world.sandbox == 1
        if isNeeded, world.isStored == 0 { return Violation(.references, "an artifact is gone that is referred to") }
        if !isNeeded, world.isStored == 1 { return Violation(.progress, "an artifact stays that nobody refers to") }
        if world.owner == .deleting { return Violation(.progress, "a snapshot is not deleted") }
        return world.isRetained == 1 && world.isStored == 0 ? Violation(.progress, "what is gone is remembered") : nil
    }

    private func step(_ event: RetentionEvent, from old: RetentionWorld) -> Step? {
        var world = old
        switch event {
        case .ownerDeletes:
            guard world.owner == .ready else { return nil }
            world.owner = .deleting
            world.isUntidy = 1
        case .creationProceeds:
            guard creationProceeds(&world) else { return nil }
        case .sandboxIsDeleted:
            guard world.sandbox == 1, world.creation == .none else { return nil }
            world.sandbox = 0
            if mutation != .overlooksDeletion { world.isUntidy = 1 }
        case .sweepProceeds:
            guard sweepProceeds(&world) else { return nil }
        case .processDies:
            guard world.faults < faults else { return nil }
            // The process begins with looking for what may be deleted.
            world.creation = .none
            world.idle(isUntidy: true)
            guard !world.isSame(as: old) else { return nil }
            world.faults += 1
        }
        let isNeeded = world.sandbox == 1 || world.owner == .ready
        let violation =
            old.isStored == 1 && world.isStored == 0 && isNeeded
            ? Violation(.references, "an artifact is deleted that is referred to") : nil
        return Step(event: event, world: world, violation: violation)
    }

    private func creationProceeds(_ world: inout RetentionWorld) -> Bool {
        switch world.creation {
        case .none:
            guard world.sandbox == 0, world.creations < creations, world.owner == .ready else { return false }
            world.creations += 1
            world.creation = .announced
        case .announced:
            world.creation = world.owner == .ready ? .looked : .none
            if world.creation == .none { world.isUntidy = 1 }
        case .looked:
            world.sandbox = 1
            world.creation = .written
        case .written:
            world.creation = .none
            world.isUntidy = 1
        }
        return true
    }

    private func sweepProceeds(_ world: inout RetentionWorld) -> Bool {
        let asksLast = mutation == .asksForCreationsLast
        switch world.sweep {
        case .idle:
            guard world.isUntidy == 1 else { return false }
            world.isUntidy = 0
            guard world.owner == .deleting || world.isRetained == 1 else { return true }
            world.sweep = .begun
        case .begun:
            if !asksLast { world.sawCreation = world.creation == .none ? 0 : 1 }
            world.sweep = .readFirst
        case .readFirst:
            world.sawSandbox = world.sandbox
            world.sweep = .readSandboxes
        case .readSandboxes:
            world.sawOwner = world.owner == .ready || world.owner == .deleting && mutation == .countsTheOwner ? 1 : 0
            world.sweep = .readAll
        case .readAll:
            if asksLast { world.sawCreation = world.creation == .none ? 0 : 1 }
            carryOut(verdict(in: world), &world)
        case .forgetting:
            // What is done is done before the records say so.
            if world.isStored == 0 { world.isRetained = 0 }
            if world.owner == .deleting { world.owner = .removed }
            world.idle(isUntidy: world.isUntidy == 1)
        }
        return true
    }

    private func verdict(in world: RetentionWorld) -> ArtifactReferences.Verdict {
        var references = ArtifactReferences()
        let digests = Self.artifact.parts.map(\.digest)
        if world.sawCreation == 1 { references.add(digests, by: .creation("new")) }
        if world.sawSandbox == 1 { references.add(digests, by: .sandbox("new")) }
        if world.sawOwner == 1 { references.add(digests, by: Self.owner) }
        if mutation == .countsNobody { references = ArtifactReferences() }
        let isGivenUp = world.owner == .deleting && mutation != .countsTheOwner
        return references.verdict(on: Self.artifact, givenUpBy: isGivenUp ? Self.owner : nil)
    }

    private func carryOut(_ verdict: ArtifactReferences.Verdict, _ world: inout RetentionWorld) {
        if verdict.retain != nil, mutation != .retainsNothing { world.isRetained = 1 }
        if verdict.delete != nil { world.isStored = 0 }
        world.sweep = .forgetting
    }
}

extension RetentionWorld {
    fileprivate mutating func idle(isUntidy: Bool) {
        sweep = .idle
        (sawCreation, sawSandbox, sawOwner) = (0, 0, 0)
        self.isUntidy = isUntidy ? 1 : 0
    }
}
