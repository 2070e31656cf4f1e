// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport
import Testing

import struct Foundation.Date

/// Random claims, sandboxes that come and go, crashes and old caches, and sets that take sandboxes away at the same moment.
@Suite("Claims, whatever happens in between")
struct ClaimModelTests {
    private static let most = 4

    @Test(
        "Nobody gets a sandbox twice or too many, and none is lost, with controllers that end anywhere",
        arguments: 1...5
    )
    func crashes(seed: UInt64) { explore(seed: seed, rivals: 1, isMaking: true) }

    @Test("The same with several controllers that all believe to be the only one", arguments: 1...5)
    func rivals(seed: UInt64) { explore(seed: seed, rivals: 3, isMaking: false) }

    private func explore(seed: UInt64, rivals: Int, isMaking: Bool) {
        var random = Mutator(seed: seed, fragments: [])
        var world = ClaimWorld()
        var actors = [ClaimActor(world)]
        for _ in 0..<6 { world.createMember() }
        for step in 0..<2000 {
            Self.happen(&world, &random, isMaking: isMaking)
            switch Int.random(in: 0..<40, using: &random) {
            case 0 where actors.count < rivals: actors.append(ClaimActor(world))
            case 1, 2: actors.remove(at: Int.random(in: 0..<actors.count, using: &random))
            default: break
            }
            if actors.isEmpty { actors = [ClaimActor(world)] }
            let index = Int.random(in: 0..<actors.count, using: &random)
            if Bool.random(using: &random) {
                let (boxes, claims) = (Int.random(in: 0...4, using: &random), Int.random(in: 0...4, using: &random))
                actors[index].catchUp(world, by: boxes, claimsBy: claims)
            }
            actors[index].step(&world, &random)
            guard Self.isSound(world, "seed \(seed), step \(step)") else { return }
        }
        settle(&world, &random)
        for claim in world.claims.values {
            let owned = world.owned(by: claim).count
            #expect(claim.status?.phase == .completed, "seed \(seed): \(claim.metadata.name)")
            let told = claim.status?.claimedReplicas ?? 0
            #expect(told >= owned, "seed \(seed): \(claim.metadata.name) has \(owned) and knows of \(told)")
            guard claim.status?.message == "allClaimed" else { continue }
            #expect(told == claim.spec.replicas, "seed \(seed): \(claim.metadata.name)")
            let had = world.had[claim.metadata.uid ?? "", default: []].count
            let comment: Comment = "seed \(seed): \(claim.metadata.name) has had \(had) and is told of \(told)"
            #expect(had >= told, comment)
        }
        #expect(world.claims.values.contains { $0.status?.message == "allClaimed" })
    }

    /// Until every claim is at its end, with one controller whose cache is never old, and with enough for all.
    private func settle(_ world: inout ClaimWorld, _ random: inout Mutator) {
        var last = ClaimActor(world)
        for round in 0..<2000 {
            if round % 10 == 0, world.boxes.values.count(where: \.isTakeable) < 8 { world.createMember() }
            for box in world.boxes.values where box.state(at: world.now).state == .creating {
                world.setReady(true, box.metadata.name)
            }
            world.now.addTimeInterval(0.1)
            last.catchUp(world, by: .max, claimsBy: .max)
            last.step(&world, &random)
        }
    }

    private static func isSound(_ world: ClaimWorld, _ place: String) -> Bool {
        var counts: [String: Int] = [:]
        for box in world.boxes.values where box.isActive {
            guard let owner = box.metadata.annotations[Kruise.Annotation.owner], box.isClaimed(by: owner) else {
                continue
            }
            counts[owner, default: 0] += 1
        }
        for claim in world.claims.values where counts[claim.metadata.uid ?? "", default: 0] > claim.spec.replicas ?? 1 {
            Issue.record("\(claim.metadata.name) has \(world.owned(by: claim).map(\.metadata.name)) at \(place)")
            return false
        }
        for box in world.boxes.values where box.metadata.labels[Kruise.Label.sandboxClaimed] == "true" && box.isInSet {
            Issue.record("\(box.metadata.name) is claimed and its set's at \(place)")
            return false
        }
        return true
    }

    /// What users, the set, nodes and time do.
    private static func happen(_ world: inout ClaimWorld, _ random: inout Mutator, isMaking: Bool) {
        world.now.addTimeInterval(Double.random(in: 0...0.6, using: &random))
        let names = world.boxes.keys.sorted()
        switch Int.random(in: 0..<20, using: &random) {
        case 0
        where world.claims.count < 80 && world.claims.values.count(where: { $0.status?.phase != .completed }) < 6:
            world.createClaim(
                replicas: Int.random(in: 1...Self.most, using: &random),
                createsOnNoStock: isMaking && Bool.random(using: &random),
                keepsFailed: Bool.random(using: &random)
            )
        case 1, 2:
            if world.boxes.values.count(where: \.isTakeable) < 8 { world.createMember() }
        case 3, 4, 5, 6:
            guard let name = names.randomElement(using: &random), world.boxes[name]?.isReady == false else { return }
            world.setReady(true, name)
        case 7:
            guard let name = names.randomElement(using: &random) else { return }
            world.setReady(false, name)
        case 8:
            // The set takes one away: it locks the state that it has just seen, then deletes it.
            guard let name = names.randomElement(using: &random), world.boxes[name]?.isTakeable == true else { return }
            world.edit(name) { box in
                box.metadata.annotations[Kruise.Annotation.lock] = "x"
                box.metadata.annotations[Kruise.Annotation.owner] = Kruise.scaleDownOwner
            }
        case 9:
            for box in world.boxes.values
            where box.metadata.annotations[Kruise.Annotation.owner] == Kruise.scaleDownOwner {
                world.delete(box.metadata.name, uid: nil)
            }
        case 10:
            // An owner is done with one.
            guard let name = names.randomElement(using: &random), world.boxes[name]?.isInSet == false else { return }
            world.delete(name, uid: nil)
            // So that there are not more and more: who is long done has none.
            for box in names.dropLast(40) where world.boxes[box]?.isInSet == false { world.delete(box, uid: nil) }
        case 11:
            guard let name = names.randomElement(using: &random), world.boxes[name]?.isInSet == false else { return }
            world.edit(name) { $0.status = .with { $0.phase = .failed } }
        default: break
        }
    }
}
