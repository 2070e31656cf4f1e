// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

import struct Foundation.Date

@testable import Controller
@testable import SandboxModels

@Suite("What is written down of a sandbox with a pool's pods")
struct PooledStateTests {
    private let now = Date(timeIntervalSince1970: 1000)
    private let settings = SandboxControllerSettings()
    private let capture = CaptureAttempt(uid: "u-1-2", number: 2, deadline: .distantFuture)
    private let artifact = Artifact(
        provider: "instant",
        parts: [.init(container: "main", reference: "r/box-main:snap-gen4", digest: "sha256:7", size: 1)],
        platform: "linux/amd64"
    )

    private func sandbox(_ allocated: [String]) -> BatchSandbox {
        .with {
            $0.metadata.name = "box"
            $0.metadata.uid = "u"
            $0.metadata.generation = 4
            $0.metadata.resourceVersion = "9"
            $0.metadata.finalizers = ["a/b", "pool.sandbox.opensandbox.io/pool-allocation"]
            if !allocated.isEmpty {
                $0.metadata.annotations["sandbox.opensandbox.io/alloc-status"] = PodAllocation(pods: allocated).jsonText
            }
            $0.spec.replicas = 1
            $0.spec.poolRef = "p"
        }
    }

    private func pod(_ name: String) -> Pod {
        .with {
            $0.metadata.name = name
            $0.metadata.labels = ["app": "x", "sandbox.opensandbox.io/pool-name": "p"]
            $0.metadata.ownerReferences = [
                .with {
                    $0.apiVersion = "sandbox.opensandbox.io/v1alpha1"
                    $0.kind = "Pool"
                    $0.name = "p"
                    $0.controller = true
                }
            ]
            $0.spec.nodeName = "n"
            $0.spec.containers = [.with { $0.name = "main" }]
            $0.status = .with {
                $0.phase = "Running"
                $0.podIP = "10.0.0.1"
                $0.conditions = [
                    .with {
                        $0.type = "Ready"
                        $0.status = "True"
                    }
                ]
            }
        }
    }

    private func patched(_ sandbox: BatchSandbox, _ change: MergePatch) throws -> BatchSandbox {
        var changed: BatchSandbox = try change.applied(to: JSONValue(encoding: sandbox)).decoded()
        if changed.spec != sandbox.spec { changed.metadata.generation = (sandbox.metadata.generation ?? 0) + 1 }
        return changed
    }

    /// What a look of the controller changes in an object.
    private func look(at sandbox: BatchSandbox, _ pods: [Pod]) throws -> MergePatch? {
        var state = try BatchSandboxState(of: sandbox)
        let places = PodPlaces(of: sandbox, count: 3) { name in pods.first { $0.metadata.name == name } }
        let before = state.record
        let decision = Aggregate.decide(
            intent: state.wanted(of: sandbox),
            recorded: state.record,
            now: now.addingTimeInterval(5)
        ) { record in
            record.members.reduce(into: [:]) {
                let compute = places[$1.index].compute(of: $1.recorded, gone: [], now: now)
                $0[$1.recorded.identity] = Observation(compute: compute, checkpoint: Observation.Checkpoint.none)
            }
        }
        state.record = decision.record
        try state.notePool(of: sandbox, insteadOf: before, places)
        state.noteEndpoints(of: pods, of: sandbox)
        return state.change(of: sandbox, settings)
    }

    @Test("can be written by whoever allocates the pods, and then nothing is left to be written", arguments: [1, 2, 3])
    func allocation(replicas: Int) throws {
        var box = sandbox([])
        box.spec.replicas = replicas
        // Of three only two are there yet.
        let pods = ["b", "a"].prefix(replicas).map(pod)
        var annotations = BatchSandboxState.annotationsAtAllocation(of: box, pods: pods, now: now)
        #expect(
            annotations.keys.sorted() == ["sandbox.opensandbox.io/endpoints", "stasis.dev/intent", "stasis.dev/record"]
        )
        annotations["sandbox.opensandbox.io/alloc-status"] = .string(
            PodAllocation(pods: pods.map(\.metadata.name)).jsonText
        )
        let allocated = try patched(box, MergePatch(["metadata": ["annotations": .object(annotations)]]))
        #expect(try BatchSandboxState(of: allocated).record.phase == (replicas == 3 ? .pending : .running))
        #expect(try look(at: allocated, pods) == nil)
        guard replicas == 3 else { return }
        // What comes later is written in the same way.
        let all = pods + [pod("c")]
        let rest = BatchSandboxState.annotationsAtAllocation(of: allocated, pods: all, now: now)
        var complete = try patched(allocated, MergePatch(["metadata": ["annotations": .object(rest)]]))
        complete.metadata.annotations["sandbox.opensandbox.io/alloc-status"] = #"{"pods":["b","a","c"]}"#
        #expect(try BatchSandboxState(of: complete).record.phase == .running)
        #expect(try look(at: complete, all) == nil)
    }

    @Test("is left to the controller where more than an allocation follows")
    func moreThanAllocation() {
        var box = sandbox([])
        box.spec.pause = true
        let endpoints = ["sandbox.opensandbox.io/endpoints"]
        #expect(Array(BatchSandboxState.annotationsAtAllocation(of: box, pods: [pod("a")]).keys) == endpoints)
        box.spec.pause = nil
        box.spec.expireTime = SpelledTime("2001-01-01T00:00:00Z")
        #expect(Array(BatchSandboxState.annotationsAtAllocation(of: box, pods: [pod("a")]).keys) == endpoints)
        box.metadata.annotations["stasis.dev/record"] = "{"
        #expect(BatchSandboxState.annotationsAtAllocation(of: box, pods: [pod("a")]).isEmpty)
    }

    /// A sandbox that runs in pod `a`, with a phase written down.
    private func state(_ phase: Phase, of sandbox: BatchSandbox) throws -> (BatchSandboxState, before: AggregateRecord)
    {
        var state = try BatchSandboxState(of: sandbox)
        let before = state.record
        var recorded = Recorded(identity: "u-1", now: now)
        recorded.phase = phase
        state.record.members = [.init(index: 0, wish: .paused, generation: 2, recorded: recorded)]
        state.record.stage = phase == .paused ? .paused : .pausing
        return (state, before)
    }

    @Test("has a template in the record that lets the pod be deleted, and its edit is taken for no wish")
    func template() throws {
        let box = sandbox(["a"])
        var (state, before) = try state(.sealing(capture, artifact: artifact), of: box)
        let places = PodPlaces(of: box, count: 1) { _ in pod("a") }
        try state.notePool(of: box, insteadOf: before, places)
        let change = try #require(state.change(of: box, settings))
        let sealing = try patched(box, change)
        #expect(sealing.spec.template == RawJSON(PodTemplateSpec(of: pod("a"))))
        #expect(sealing.spec.poolRef == "p", "a seal may still fail")
        #expect(try BatchSandboxState.storedRecord(in: sealing)?.phase == .sealing)
        let intent = try #require(try sealing.recordedIntent())
        #expect(sealing.pauseIntent(after: intent) == intent)
        // What its owner does next is one: servers take `pause` away and set it anew to try again.
        var again = sealing
        again.spec.pause = false
        again.metadata.generation = 7
        #expect(again.pauseIntent(after: intent).statements == intent.statements + 1)

        // Written down once.
        var later = try BatchSandboxState(of: sealing)
        try later.notePool(of: sealing, insteadOf: later.record, PodPlaces(of: sealing, count: 1) { _ in nil })
        #expect(later.change(of: sealing, settings) == nil)
    }

    @Test("has no such record without a pod that the template could be made from")
    func noTemplate() throws {
        let box = sandbox(["a"])
        var (state, before) = try state(.sealing(capture, artifact: artifact), of: box)
        let places = PodPlaces(of: box, count: 1) { _ in nil }
        #expect(throws: BatchSandboxState.NoTemplate.self) {
            try state.notePool(of: box, insteadOf: before, places)
        }
    }

    @Test("leaves its pool in the record that says that it is paused", arguments: [["a"], ["a", "surplus"]])
    func leaving(allocated: [String]) throws {
        var box = sandbox(allocated)
        box.metadata.annotations["sandbox.opensandbox.io/alloc-release"] = #"{"pods":[]}"#
        var (state, before) = try state(.paused, of: box)
        let places = PodPlaces(of: box, count: 1) { _ in nil }
        try state.notePool(of: box, insteadOf: before, places)
        let paused = try patched(box, try #require(state.change(of: box, settings)))
        #expect(paused.spec.poolRef == nil)
        #expect(paused.metadata.annotations["sandbox.opensandbox.io/alloc-release"] == nil)
        #expect(try paused.allocation("sandbox.opensandbox.io/alloc-status").pods == allocated)
        // What else it has is to be recycled when it is deleted.
        let keeps = allocated.count > 1 ? ["pool.sandbox.opensandbox.io/pool-allocation"] : []
        #expect(paused.metadata.finalizers == ["a/b"] + keeps)
        let intent = try #require(try paused.recordedIntent())
        #expect(paused.pauseIntent(after: intent) == intent)
    }
}
