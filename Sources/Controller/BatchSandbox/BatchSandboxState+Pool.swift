// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

/// How a sandbox comes to its pool's pods, and how it leaves its pool by a pause.
extension BatchSandboxState {
    /// What a sandbox keeps of its pool.
    enum Allocation: Hashable {
        /// All.
        case stays
        /// It gives nothing back any more, but has pods that are to be recycled when it is deleted.
        case remains
        /// Nothing.
        case ends
    }

    /// No pod is seen that a template could be made from. Without one the sandbox could not be resumed, so its pods stay.
    struct NoTemplate: Error, CustomStringConvertible {
        var description: String {
            "none of the sandbox's pods is seen now, so nothing can be written down that it could be resumed from"
        }
    }

    /// Takes note of what a pause means for a sandbox with a pool's pods. In the record that lets them be deleted it gets a template,
    /// made from the first of them; in the record that says that they are gone it leaves its pool.
    ///
    /// - Parameter before: The record that is written down.
    /// - Throws: `NoTemplate`.
    mutating func notePool(
        of sandbox: BatchSandbox,
        insteadOf before: AggregateRecord,
        _ places: PodPlaces
    ) throws(NoTemplate) {
        guard sandbox.isPooled else { return }
        var spec = sandbox.spec
        if record.phase == .sealing, before.phase != .sealing {
            let pods = record.replicas.lazy.compactMap { places[$0.index].pod }
            guard let pod = pods.first else { throw NoTemplate() }
            spec.template = RawJSON(PodTemplateSpec(of: pod))
        }
        if !record.replicas.isEmpty, record.replicas.allSatisfy(\.recorded.isApartFromPool) {
            spec.poolRef = nil
            let held = (try? sandbox.heldPods().count) ?? .max
            let members = record.replicas.count { if case .missing = places[$0.index] { true } else { false } }
            allocation = held > members ? .remains : .ends
        }
        edit(spec, of: sandbox)
    }

    private mutating func edit(_ spec: BatchSandboxSpec, of sandbox: BatchSandbox) {
        guard sandbox.spec.change(to: spec) != nil else { return }
        self.spec = spec
        intent.note(edit: spec, of: sandbox)
    }

    /// Takes note of where the pods of a sandbox can be reached.
    mutating func noteEndpoints(of pods: [Pod], of sandbox: BatchSandbox) {
        let pods = pods.filter { $0.metadata.deletionTimestamp == nil }
        endpoints = EndpointsAnnotation.updated(
            from: sandbox.metadata.annotations[OpenSandbox.Annotation.endpoints],
            addresses: pods.map { $0.status?.podIP ?? "" }
        )
    }

    /// The annotations that a sandbox will have when its pool has given it these pods. Who allocates them can write these in the same
    /// patch, bound to the state of the sandbox that is given; then nothing but the status is left to be written.
    ///
    /// - Parameters:
    ///   - pods: All of its pods as `alloc-status` is to name them, by place, as they are now. Those that were given back are left out
    ///     with what comes after them.
    /// - Returns: By their keys. Fewer, or none, if it is more than an allocation: if it is to be paused or deleted, for instance.
    static func annotationsAtAllocation(
        of sandbox: BatchSandbox,
        pods: [Pod],
        now: Date = Date()
    ) -> [String: JSONValue] {
        guard sandbox.metadata.deletionTimestamp == nil, var state = try? BatchSandboxState(of: sandbox) else {
            return [:]
        }
        let decision = Aggregate.decide(
            intent: state.wanted(of: sandbox),
            recorded: state.record,
            now: now
        ) { record in
            record.members.reduce(into: [:]) { observations, member in
                let place = pods.indices.contains(member.index) ? PodPlace.pooled(pods[member.index]) : .vacant
                let compute = place.compute(of: member.recorded, gone: [], now: now)
                observations[member.recorded.identity] = Observation(compute: compute)
            }
        }
        state.noteEndpoints(of: Array(pods.prefix(max(0, sandbox.spec.replicas))), of: sandbox)
        guard decision.record.isServed, !state.intent.wantsPaused else {
            return state.endpoints.map { [OpenSandbox.Annotation.endpoints: .string($0)] } ?? [:]
        }
        state.record = decision.record
        return state.annotations(of: sandbox)
    }
}

extension AggregateRecord {
    /// Whether all that it says is that its replicas run, or wait for pods.
    fileprivate var isServed: Bool {
        stage == .running
            && members.allSatisfy { member in
                guard member.wish == .running, member.recorded.leftovers.isEmpty else { return false }
                return member.recorded.phase == .pending || member.recorded.phase == .running
            }
    }
}

extension Recorded {
    /// Whether it does without a pool's pod: only its artifact is left, or it was made anew from that.
    fileprivate var isApartFromPool: Bool {
        switch phase {
        case .paused: true
        case .running: artifact != nil && incarnation > 1
        default: false
        }
    }
}

extension BatchSandboxSpec {
    /// What makes another one of it; nil if nothing has to be changed, however it is spelled.
    func change(to spec: BatchSandboxSpec) -> MergePatch? {
        // What was read is JSON, and so is what was made from it.
        guard let change = try? MergePatch(from: self, to: spec), !change.isEmpty else { return nil }
        return change
    }
}
