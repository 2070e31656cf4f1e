// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import Testing

/// What upstream writes is read and survives, and what is wanted follows from it.
@Suite("A Sandbox of the AgentSandbox dialect, as it is read")
struct AgentSandboxModelTests {
    typealias Beta = AgentSandbox<AgentSandboxV1Beta1>
    typealias Alpha = AgentSandbox<AgentSandboxV1Alpha1>

    @Test("keeps all that it says, in either version")
    func lossless() throws {
        let template =
            #"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"main","image":"x:1","stdin":true}],"hostUsers":false}}"#
        let rest = """
            "podTemplate":\(template),"volumeClaimTemplates":[{"metadata":{"name":"d"}}],"service":true,
            "shutdownTime":"2026-05-13T11:00:00+02:00","shutdownPolicy":"Delete","later":{"x":1}
            """
        let status = """
            {"serviceFQDN":"box.default.svc","selector":"s","nodeName":"n","podIPs":["10.0.0.1"],"conditions":[{"type":"Ready",
            "status":"True","reason":"DependenciesReady","message":"","lastTransitionTime":"2026-11-21T00:40:42Z"}]}
            """
        let beta = """
            {"apiVersion":"agents.x-k8s.io/v1beta1","kind":"Sandbox","metadata":{"name":"box"},"spec":{\(rest),
            "operatingMode":"Suspended"},"status":\(status)}
            """
        let alpha = """
            {"apiVersion":"agents.x-k8s.io/v1alpha1","kind":"Sandbox","metadata":{"name":"box"},"spec":{\(rest),"replicas":0},
            "status":\(status)}
            """
        var first = try Beta(json: beta)
        var second = try Alpha(json: alpha)
        #expect(try JSONValue(encoding: first) == JSONValue(json: beta))
        #expect(try JSONValue(encoding: second) == JSONValue(json: alpha))
        #expect(first.isSuspended && second.isSuspended)
        #expect(first.status?.conditions.isTrue("Ready") == true && first.spec.shutdownPolicy == .delete)
        first.isSuspended = false
        second.isSuspended = false
        #expect(first.spec.operatingMode == .running && first.spec.replicas == nil)
        #expect(second.spec.replicas == 1 && second.spec.operatingMode == nil)
        // What is not there is the default, and to say so would be a change.
        var plain = Beta()
        plain.isSuspended = false
        #expect(plain.spec.operatingMode == nil)
    }

    @Test("is wanted to be suspended by its annotation, and to run by that or by a mode that somebody else has set")
    func intents() {
        var sandbox = Beta()
        var intent = sandbox.pauseIntent(after: nil)
        #expect(!intent.wantsPaused && intent.statements == 1)
        sandbox.metadata.annotations["stasis.dev/suspend"] = "true"
        intent = sandbox.pauseIntent(after: intent)
        #expect(intent.wantsPaused && intent.statements == 2)
        // Other edits are no orders.
        sandbox.metadata.generation = 7
        sandbox.metadata.labels["team"] = "blue"
        intent = sandbox.pauseIntent(after: intent)
        #expect(intent.statements == 2)
        // It was suspended here.
        sandbox.isSuspended = true
        sandbox.metadata.annotations[AgentSandboxes.Annotation.notes] =
            AgentSandboxNotes.with { $0.isSuspended = true }.jsonText
        intent = sandbox.pauseIntent(after: intent)
        #expect(intent.wantsPaused && intent.statements == 2)
        sandbox.isSuspended = false
        intent = sandbox.pauseIntent(after: intent)
        #expect(!intent.wantsPaused && intent.statements == 3 && intent.pause == false)
        // What is neither is no wish to be suspended.
        var other = Beta()
        other.metadata.annotations["stasis.dev/suspend"] = "yes"
        #expect(!other.pauseIntent(after: nil).wantsPaused)
    }

    @Test("can be asked for the same once more when it did not come about")
    func settling() {
        var sandbox = Beta()
        sandbox.metadata.annotations["stasis.dev/suspend"] = "true"
        var record = AggregateRecord(identity: "box")
        var intent = sandbox.pauseIntent(after: nil)
        intent.settle(by: record)
        #expect(intent.pause == true, "nothing was acted upon yet")
        record.acknowledged = 1
        intent.settle(by: record)
        #expect(intent.pause == false, "it runs on, so the wish did not come true")
        let again = sandbox.pauseIntent(after: intent)
        #expect(again.wantsPaused && again.statements == 2)
        let saved = AggregateRecord(identity: "box", pausedInto: Artifact.sample, now: Date())
        #expect(saved.phase == .paused && saved.replicas.first?.recorded.artifact == Artifact.sample)
    }

    @Test("remembers the images that snapshots replace, and those that their owner puts into their place")
    func originalImages() throws {
        var sandbox = Beta()
        var notes = AgentSandboxNotes()
        func replace(_ old: String, by new: String) {
            var template = PodTemplateSpec()
            template.spec.containers = [
                .with {
                    $0.name = "main"
                    $0.image = old
                },
                .with {
                    $0.name = "sidecar"
                    $0.image = "side:1"
                },
            ]
            sandbox.rememberImages(of: template, before: ["main": new], notes)
            notes.images["main"] = new
        }
        replace("x:1", by: "r/box@sha256:1")
        #expect(sandbox.originalImages == ["main": "x:1"])
        replace("r/box@sha256:1", by: "r/box@sha256:2")
        #expect(sandbox.originalImages == ["main": "x:1"])
        replace("x:2", by: "r/box@sha256:3")
        #expect(sandbox.originalImages == ["main": "x:2"])
    }

    @Test("is told of in one word, and with the reason where there is one")
    func states() {
        var record = AggregateRecord(identity: "box", pausedInto: Artifact.sample, now: Date())
        #expect(AgentSandboxState(of: record, isSuspended: true) == .suspended)
        #expect(record.agentSandboxMessage == "It is saved as r/box-main:snap-gen1@sha256:1.")
        record.members[0].recorded.setback = .init(.resume, Problem("NotVerified", "a blob is missing"))
        #expect(record.agentSandboxMessage == "NotVerified: a blob is missing")
        record.stage = .running
        record.members[0].recorded.phase = .failed(.suspendedWithoutSnapshot)
        #expect(AgentSandboxState(of: record, isSuspended: true) == .suspendedWithoutSnapshot)
        #expect(AgentSandboxState(of: record, isSuspended: false) == .failed)
        record.members[0].recorded.phase = .running
        record.pauseFailure = Problem("TargetUnavailable", "Replica 0: no login")
        #expect(AgentSandboxState(of: record, isSuspended: false) == .running)
        #expect(record.agentSandboxMessage == "TargetUnavailable: no login")
    }
}

extension Artifact {
    fileprivate static let sample = Artifact(
        provider: "oci-rootfs",
        parts: [Part(container: "main", reference: "r/box-main:snap-gen1", digest: "sha256:1", size: 1)],
        platform: "linux/amd64"
    )
}
