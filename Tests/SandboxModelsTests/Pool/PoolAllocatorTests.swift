// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@Suite("Which sandbox gets which pod")
struct PoolAllocatorTests {
    private func sandbox(_ name: String, _ replicas: Int, at time: Double, has pods: [String] = []) -> PooledSandbox {
        PooledSandbox(
            name: name,
            uid: name,
            created: Date(timeIntervalSince1970: time),
            replicas: replicas,
            allocated: pods
        )
    }

    private func pods(_ count: Int) -> [PoolPod] { (0..<count).map { PoolPod(name: "p\($0)", state: .ready) } }

    @Test("Of too few each gets one in turn, who has waited longest first")
    func fairness() {
        let waiting = [sandbox("large", 9, at: 1), sandbox("small", 1, at: 2), sandbox("last", 2, at: 3)]
        var decision = PoolAllocator.decide(PoolLedger(), waiting, pods(1))
        #expect(decision.grants.map(\.sandbox) == ["large"])
        decision = PoolAllocator.decide(PoolLedger(), waiting, pods(5))
        #expect(decision.grants.map { "\($0.sandbox) \($0.pods.count)" } == ["large 2", "small 1", "last 2"])
        #expect(decision.shortages == ["large": 7])
        #expect(Set(decision.grants.flatMap(\.pods)).count == 5)
        decision = PoolAllocator.decide(PoolLedger(), waiting, pods(20))
        #expect(decision.grants.map(\.pods.count) == [9, 1, 2])
        #expect(decision.shortages.isEmpty)
    }

    @Test("Only what is ready, not evicted, nobody's and not excluded is given; the present revision first")
    func candidates() {
        var all = pods(7)
        all[0].state = .unready
        all[1].isTerminating = true
        all[2].isEvicted = true
        all[6].revision = "new"
        let sandboxes = [sandbox("has", 1, at: 1, has: ["p3"]), sandbox("wants", 5, at: 2)]
        let decision = PoolAllocator.decide(PoolLedger(), sandboxes, all, excluded: ["p4"], revision: "new")
        #expect(decision.grants.map(\.pods) == [["p6", "p5"]])
        #expect(decision.shortages == ["wants": 3])
    }

    @Test("A promise is kept until the sandbox has the pods or is gone, and counts meanwhile")
    func promises() throws {
        var ledger = PoolLedger()
        ledger.holder = "me"
        ledger.reservations = [
            .init(sandbox: "a", uid: "a", pods: ["p0"]), .init(sandbox: "gone", uid: "gone", pods: ["p1"]),
        ]
        var decision = PoolAllocator.decide(ledger, [sandbox("a", 1, at: 1), sandbox("b", 1, at: 2)], pods(2))
        #expect(decision.grants.map(\.pods) == [["p0"], ["p1"]])
        #expect(decision.reserves)
        decision = PoolAllocator.decide(
            decision.ledger,
            [sandbox("a", 1, at: 1, has: ["p0"]), sandbox("b", 1, at: 2)],
            pods(2)
        )
        #expect(!decision.reserves)
        #expect(decision.grants.map(\.sandbox) == ["b"])
        var leaving = sandbox("b", 0, at: 2)
        leaving.isLeaving = true
        decision = PoolAllocator.decide(
            decision.ledger,
            [leaving, sandbox("c", 1, at: 3)],
            [PoolPod(name: "p1", state: .ready)]
        )
        #expect(decision.grants.map(\.sandbox) == ["b"], "as long as it is there it may be told by somebody else")
        #expect(try PoolLedger(decision.ledger.text) == decision.ledger)
    }

    @Test("A sandbox that leaves gives back all that it has, or with tasks what these have left")
    func leaving() throws {
        var object = BatchSandbox()
        object.metadata.name = "box"
        object.metadata.uid = "u"
        object.spec.poolRef = "p"
        object.spec.replicas = 3
        object.metadata.annotations[OpenSandbox.Annotation.allocStatus] = #"{"pods":["a","b","c"]}"#
        object.metadata.annotations[OpenSandbox.Annotation.allocRelease] = #"{"pods":["b"]}"#
        #expect(try PooledSandbox(object, pool: "p").leaving == ["b"])
        #expect(try PooledSandbox(object, pool: "other").leaving == ["a", "b", "c"])
        object.metadata.deletionTimestamp = Timestamp(seconds: 1)
        #expect(try PooledSandbox(object, pool: "p").leaving == ["a", "b", "c"])
        object.metadata.finalizers = [OpenSandbox.Finalizer.taskCleanup]
        #expect(try PooledSandbox(object, pool: "p").leaving == ["b"])
        #expect(try !PooledSandbox(object, pool: "p").mayBeFrozen)
        object.metadata.finalizers += [OpenSandbox.Finalizer.sandboxCleanup]
        #expect(try PooledSandbox(object, pool: "p").mayBeFrozen)
        object.metadata.annotations[OpenSandbox.Annotation.allocReleased] = #"{"pods":["b"]}"#
        #expect(try PooledSandbox(object, pool: "p").held == ["a", "c"])
        object.metadata.annotations[OpenSandbox.Annotation.allocStatus] = "{}]"
        #expect(throws: JSONError.self) { try PooledSandbox(object, pool: "p") }
    }
}
