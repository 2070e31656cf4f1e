// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import TestSupport
import Testing

/// Random creations, deletions, crashes, evictions, losses of pods and old caches, with several controllers that all believe to be
/// the only one.
@Suite("Allocation, whatever happens in between")
struct AllocationModelTests {
    @Test("No pod is ever two sandboxes', and in the end everybody has what there is", arguments: 1...8)
    func everything(seed: UInt64) {
        var random = Mutator(seed: seed, fragments: [])
        var world = AllocationWorld()
        var actors = [AllocationActor("holder-0", world, lag: 0)]
        var holders = 1
        for _ in 0..<8 { world.createPod() }
        for step in 0..<6000 {
            Self.happen(&world, &random)
            world.remember()
            switch Int.random(in: 0..<40, using: &random) {
            case 0 where actors.count < 3:
                // Another one takes over; the earlier one goes on all the same.
                actors.append(AllocationActor("holder-\(holders)", world, lag: Int.random(in: 0...5, using: &random)))
                holders += 1
            case 1: actors.remove(at: Int.random(in: 0..<actors.count, using: &random))
            default: break
            }
            if actors.isEmpty {
                actors = [AllocationActor("holder-\(holders)", world, lag: Int.random(in: 0...5, using: &random))]
                holders += 1
            }
            let index = Int.random(in: 0..<actors.count, using: &random)
            if Bool.random(using: &random) {
                actors[index].catchUp(world, by: Int.random(in: 0...4, using: &random))
            }
            actors[index].step(&world)
            world.remember()
            guard Self.isSound(world, "seed \(seed), step \(step)") else { return }
        }
        settle(&world, AllocationActor("last", world, lag: 3))
        #expect(world.doubles == [])
        let live = world.boxes.values.map(\.sandbox)
        #expect(live.allSatisfy { !$0.isLeaving }, "who leaves is gone")
        let held = Set(live.flatMap(\.held))
        let free = world.pods.values.filter {
            !held.contains($0.name) && $0.state == .ready && !$0.isEvicted && !$0.isTerminating
        }
        let missing = live.reduce(0) { $0 + max(0, $1.replicas - $1.allocated.count) }
        #expect(free.isEmpty || missing == 0, "\(missing) are missing while \(free.count) are free")
        #expect(live.allSatisfy { $0.allocated.count <= Self.mostReplicas })
    }

    private static let mostReplicas = 6

    /// Until nothing changes any more, with one controller whose cache is never old.
    private func settle(_ world: inout AllocationWorld, _ first: AllocationActor) {
        var last = first
        for _ in 0..<2000 {
            last.catchUp(world, by: .max / 2)
            last.step(&world)
            world.remember()
        }
    }

    private static func isSound(_ world: AllocationWorld, _ place: String) -> Bool {
        guard world.doubles.isEmpty else {
            Issue.record("\(world.doubles) are two sandboxes' at \(place)")
            return false
        }
        for box in world.boxes.values where Set(box.sandbox.allocated).count != box.sandbox.allocated.count {
            Issue.record("\(box.sandbox) has a pod twice at \(place)")
            return false
        }
        return true
    }

    /// What users, nodes and time do.
    private static func happen(_ world: inout AllocationWorld, _ random: inout Mutator) {
        let uids = world.boxes.keys.sorted()
        let names = world.pods.keys.sorted()
        switch Int.random(in: 0..<24, using: &random) {
        case 0 where uids.count < 12, 1 where uids.count < 12:
            world.createBox(replicas: Int.random(in: 1...Self.mostReplicas, using: &random))
        case 2, 3:
            guard let uid = uids.randomElement(using: &random) else { return }
            world.edit(uid) {
                $0.sandbox.isLeaving = true; $0.sandbox.replicas = 0
            }
        case 4:
            guard let uid = uids.randomElement(using: &random), let box = world.boxes[uid] else { return }
            guard let pod = box.sandbox.held.randomElement(using: &random) else { return }
            world.edit(uid) { $0.sandbox.givenBack.insert(pod) }
        case 5:
            // A renewal, a label: another version, and nothing that matters.
            if let uid = uids.randomElement(using: &random) { world.edit(uid) { _ in } }
        case 6 where names.count < 30, 7 where names.count < 30: world.createPod()
        case 8:
            if let name = names.randomElement(using: &random) { world.pods[name] = nil }
        case 9:
            if let name = names.randomElement(using: &random) { world.pods[name]?.isEvicted = true }
        case 10:
            guard let name = names.randomElement(using: &random), let state = world.pods[name]?.state else { return }
            world.pods[name]?.state = state == .ready ? .unready : .ready
        default: break
        }
    }
}
