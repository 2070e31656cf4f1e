// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import Testing

import struct Foundation.Date

@testable import Controller
@testable import SandboxModels

@Suite("The pods at the places of a sandbox")
struct PodPlaceTests {
    private let now = Date(timeIntervalSince1970: 1000)
    private let capture = CaptureAttempt(uid: "u-1-2", number: 2, deadline: .distantFuture)
    private let artifact = Artifact(provider: "instant", parts: [], platform: "linux/amd64")

    private func sandbox(_ pool: String?, _ annotations: [String: String] = [:]) -> BatchSandbox {
        .with {
            $0.metadata.name = "box"
            $0.metadata.uid = "u"
            $0.spec.poolRef = pool
            for (name, value) in annotations { $0.metadata.annotations["sandbox.opensandbox.io/\(name)"] = value }
        }
    }

    private func pod(_ name: String, _ owner: String, _ kind: String) -> Pod {
        .with {
            $0.metadata.name = name
            $0.metadata.ownerReferences = [
                .with {
                    $0.apiVersion = "sandbox.opensandbox.io/v1alpha1"
                    $0.kind = kind
                    $0.name = owner
                    $0.uid = owner
                    $0.controller = true
                }
            ]
            $0.status = .with {
                $0.phase = "Running"
                $0.conditions = [
                    .with {
                        $0.type = "Ready"
                        $0.status = "True"
                    }
                ]
            }
        }
    }

    private func places(_ sandbox: BatchSandbox, _ pods: [Pod], count: Int = 4) -> [PodPlace] {
        let places = PodPlaces(of: sandbox, count: count) { name in pods.first { $0.metadata.name == name } }
        return (0..<count).map { places[$0] }
    }

    @Test("are those that its pool has allocated, in their order, but for those that were given back")
    func allocated() {
        let pods = ["a", "b", "c"].map { pod($0, "p", "Pool") }
        let box = sandbox(
            "p",
            [
                "alloc-status": #"{"pods":["b","gone","a","c"]}"#, "alloc-release": #"{"pods":["a"]}"#,
                "alloc-released": #"{"pods":["c"]}"#,
            ]
        )
        #expect(places(box, pods) == [.pooled(pods[1]), .missing("gone"), .givenBack("a"), .givenBack("c")])
        #expect(
            places(sandbox("p", ["alloc-status": #"{"pods":["a"]}"#]), pods, count: 2) == [.pooled(pods[0]), .vacant]
        )
        #expect(places(sandbox("p"), pods, count: 1) == [.vacant])
        // Without a pool it is of no interest what a pool once gave.
        #expect(places(sandbox(nil, ["alloc-status": #"{"pods":["a"]}"#]), pods, count: 1) == [.vacant])
        #expect(places(sandbox("*", ["alloc-status": #"{"pods":["a"]}"#]), pods, count: 1) == [.vacant])
    }

    @Test("are not those of others, and its own go before a pool's")
    func owners() {
        let stranger = pod("a", "other", "BatchSandbox")
        let own = pod("box-0", "u", "BatchSandbox")
        let box = sandbox("p", ["alloc-status": #"{"pods":["a"]}"#])
        #expect(places(box, [stranger], count: 1) == [.missing("a")])
        #expect(places(box, [pod("a", "p", "Pool"), own], count: 1) == [.own(own)])
        #expect(places(sandbox(nil), [own], count: 1) == [.own(own)])
        #expect(places(sandbox(nil), [pod("box-0", "p", "Pool")], count: 1) == [.vacant])
    }

    @Test(
        "cannot be known if an annotation is broken",
        arguments: [("alloc-status", "{"), ("alloc-release", "[]"), ("alloc-released", #"{"pods":1}"#)]
    )
    func malformed(annotation: String, text: String) throws {
        var annotations = ["alloc-status": #"{"pods":["a"]}"#]
        annotations[annotation] = text
        let box = sandbox("p", annotations)
        let places = PodPlaces(of: box, count: 2) { _ in pod("a", "p", "Pool") }
        let trouble = try #require(places.trouble)
        #expect(trouble.description.contains("sandbox.opensandbox.io/\(annotation) cannot be read"))
        for index in 0..<2 {
            #expect(places[index].compute(of: recorded(.running), gone: [], now: now) == .unknown)
        }
        #expect(throws: PodAllocationError.self) { try box.heldPods() }
        let notice = try #require(SandboxNotice(AggregateRecord(identity: "u"), places, of: box, missing: 1))
        #expect(notice.reason == "AllocationUnreadable")
        #expect(notice.message.contains("Put back what was there"))
    }

    private func recorded(_ phase: Phase, _ change: (inout Recorded) -> Void = { _ in }) -> Recorded {
        var recorded = Recorded(identity: "u-1", now: now)
        recorded.phase = phase
        change(&recorded)
        return recorded
    }

    private func compute(
        _ place: PodPlace,
        _ phase: Phase,
        gone: Set<String> = [],
        _ change: (inout Recorded) -> Void = { _ in }
    ) -> Observation.Compute {
        place.compute(of: recorded(phase, change), gone: gone, now: now)
    }

    @Test("a pool's pod is the compute of whatever attempt there is, until its sandbox comes from an artifact or goes")
    func pooled() {
        let place = PodPlace.pooled(pod("a", "p", "Pool"))
        #expect(compute(place, .pending) == .running(1))
        #expect(compute(place, .running) { $0.incarnation = 3 } == .running(3))
        #expect(compute(place, .releasing(capture, artifact: artifact)) == .running(1))
        #expect(compute(place, .resuming(afterFailure: nil)) == .running(0))
        #expect(compute(place, .deleting) == .absent)
        #expect(compute(place, .deleting) { $0.leftovers = [.capture(uid: "u-1-2")] } == .running(1))
    }

    @Test("a pool's pod that is gone is a loss, but only if the API server says that it is gone")
    func missing() {
        let place = PodPlace.missing("a")
        for phase in [Phase.pending, .running] {
            #expect(compute(place, phase) == .unknown)
            guard case .ended(1, let problem) = compute(place, phase, gone: ["a"]) else {
                Issue.record("it is not told that it is gone")
                return
            }
            #expect(problem.reason == "ComputeLost")
            #expect(problem.message.contains("Pod a") && problem.message.contains("create another one"))
        }
        #expect(compute(place, .releasing(capture, artifact: artifact)) == .unknown)
        #expect(compute(place, .releasing(capture, artifact: artifact), gone: ["a"]) == .absent)
        #expect(compute(place, .resuming(afterFailure: nil), gone: ["a"]) == .absent)
        #expect(compute(place, .deleting) == .absent)
    }

    @Test("of what was given back nothing is concluded")
    func givenBack() {
        #expect(compute(.givenBack("a"), .running) == .unknown)
        #expect(compute(.givenBack("a"), .deleting) == .absent)
        #expect(compute(.vacant, .pending) == .absent)
    }

    @Test("a pool's pod is deleted by the end of a pause, for a resume, and where it may be frozen; by nothing else")
    func deletions() {
        let phases: [Phase] = [
            .pending, .running, .pausing(capture), .sealing(capture, artifact: artifact),
            .thawing(capture, because: Problem("X", "x"), artifact: nil), .paused, .failed(Problem("X", "x")),
            .deleting,
            .deleted,
        ]
        #expect(phases.allSatisfy { !recorded($0).endsPooledPod })
        #expect(recorded(.releasing(capture, artifact: artifact)).endsPooledPod)
        #expect(recorded(.resuming(afterFailure: nil)).endsPooledPod)
        #expect(recorded(.deleting) { $0.leftovers = [.capture(uid: "u-1-2")] }.endsPooledPod)
    }

    @Test("a shortage is told of while the sandbox waits, in a condition of every schema")
    func shortage() throws {
        var box = sandbox("p")
        box.spec.replicas = 5
        var record = AggregateRecord(identity: "u")
        record.members = [.init(index: 0, wish: .running, generation: 1, recorded: recorded(.pending))]
        let places = PodPlaces(of: box, count: 5) { _ in nil }
        let notice = try #require(SandboxNotice(record, places, of: box, missing: 3))
        #expect(notice.message == "Pool p has no pod ready: 3 of 5 are still to come.")
        var status = BatchSandboxStatus()
        notice.tell(in: &status, since: Timestamp(now))
        #expect(status.conditions.map(\.type) == ["Progressing"] && status.conditions.map(\.reason) == ["Creating"])
        #expect(SandboxNotice(record, places, of: box, missing: nil) == nil)
        #expect(SandboxNotice(record, places, of: sandbox(nil), missing: 3) == nil)
        record.members[0].recorded.phase = .running
        #expect(SandboxNotice(record, places, of: box, missing: 3) == nil)

        let shortages = PoolShortages()
        #expect(shortages.set(box.key, missing: 3) && !shortages.set(box.key, missing: 3))
        #expect(shortages.missing(box.key) == 3)
        #expect(shortages.set(box.key, missing: nil) && shortages.missing(box.key) == nil)
    }
}
