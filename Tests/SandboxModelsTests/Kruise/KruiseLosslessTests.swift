// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// What upstream writes, of whatever version, is read and survives.
struct KruiseLosslessTests {
    private func survives<Object: KubeResource>(_ type: Object.Type, _ json: String) throws -> Object {
        let object = try Object(json: json)
        #expect(try JSONValue(encoding: object) == JSONValue(json: json))
        return object
    }

    @Test func aSandboxThatWasClaimed() throws {
        let sandbox = try survives(
            KruiseSandbox.self,
            """
            {"apiVersion":"agents.kruise.io/v1alpha1","kind":"Sandbox","metadata":{"name":"demo-28rvn","generation":4,
            "labels":{"agents.kruise.io/sandbox-claimed":"true"},"annotations":{"agents.kruise.io/owner":"550e"}},"spec":{
            "paused":true,"pauseStrategy":{"type":"Hibernate","hibernateStrategy":{"type":"Snapshot"}},
            "persistentContents":["ip","memory","filesystem","gpu"],"shutdownTime":"2026-05-13T11:00:00+02:00",
            "pauseTime":"2026-05-13T10:00:00Z","runtimes":[{"name":"agent-runtime","version":1}],"lifecycle":{"preUpgrade":{
            "exec":{"command":["true"]},"timeoutSeconds":60}},"upgradePolicy":{"type":"Recreate"},"templateRef":{"name":"demo",
            "kind":"SandboxTemplate","apiVersion":"agents.kruise.io/v1alpha1"},"volumeClaimTemplates":[{"metadata":{"name":"d"}}],
            "autoPausePolicy":{"resume":{"onIngressTraffic":true}}},"status":{"observedGeneration":4,"phase":"Hibernated",
            "message":"m","conditions":[{"type":"SandboxPaused","status":"True","reason":"SnapshotPauseSucceed","message":"",
            "lastTransitionTime":"2026-11-21T00:40:42Z"}],"podInfo":{"annotations":{"a":"b"},"labels":{"c":"d"},"nodeName":"n",
            "podIP":"10.1.2.3","podUID":"u","zone":"z"},"nodeName":"n","sandboxIp":"10.1.2.3","updateRevision":"5d","recycledCount":2}}
            """
        )
        #expect(sandbox.spec.paused == true && sandbox.spec.pauseStrategy?.type == .hibernate)
        #expect(sandbox.spec.persistentContents == [.ip, .memory, .filesystem, KruiseContent(rawValue: "gpu")])
        #expect(sandbox.status?.phase == KruiseSandboxPhase(rawValue: "Hibernated"))
        #expect(sandbox.status?.conditions.isTrue("SandboxPaused") == true)
        #expect(sandbox.spec.shutdownTime?.date == MicroTime("2026-05-13T09:00:00Z")?.date)
        #expect(try sandbox.spec.podTemplate() == nil)
    }

    @Test func whatGoWritesForNothingIsNothing() throws {
        let sandbox = try KruiseSandbox(
            json:
                #"{"metadata":{"creationTimestamp":null},"spec":{"template":null,"templateRef":null,"shutdownTime":null}}"#
        )
        #expect(sandbox.spec == KruiseSandboxSpec())
        let checkpoint = try KruiseCheckpoint(
            json:
                #"{"metadata":{},"spec":{"persistentContents":null,"keepRunning":null},"status":{"podTemplateDelta":null}}"#
        )
        #expect(checkpoint.spec == KruiseCheckpointSpec())
    }

    /// No schema checks these, so a user can write anything: the trouble of that object alone.
    @Test func whatNoSchemaChecksIsTakenApartLater() throws {
        let template = try survives(
            KruiseSandboxTemplate.self,
            """
            {"apiVersion":"agents.kruise.io/v1alpha1","kind":"SandboxTemplate","metadata":{"name":"x"},"spec":{
            "template":{"spec":{"containers":"none"}},"volumeClaimTemplates":[1,"a"]}}
            """
        )
        #expect(throws: JSONError.self) { try template.spec.podTemplate() }
    }

    @Test func aSet() throws {
        let set = try survives(
            KruiseSandboxSet.self,
            """
            {"apiVersion":"agents.kruise.io/v1alpha1","kind":"SandboxSet","metadata":{"name":"code"},"spec":{"replicas":3,
            "persistentContents":["filesystem"],"runtimes":[{"name":"csi"}],"template":{"spec":{"containers":[]}},
            "scaleStrategy":{"maxUnavailable":5},"updateStrategy":{"maxUnavailable":"20%","partition":1}},"status":{
            "observedGeneration":1,"replicas":3,"availableReplicas":2,"updateRevision":"9f","currentRevision":"code-9f",
            "updatedReplicas":3,"updatedAvailableReplicas":2,"selector":"a=b"}}
            """
        )
        #expect(set.spec.scaleStrategy?.maxUnavailable == 5 && set.spec.updateStrategy?.maxUnavailable == "20%")
        #expect(set.status?.availableReplicas == 2)
    }

    @Test func aClaim() throws {
        let claim = try survives(
            KruiseSandboxClaim.self,
            """
            {"apiVersion":"agents.kruise.io/v1alpha1","kind":"SandboxClaim","metadata":{"name":"c"},"spec":{"templateName":"demo",
            "replicas":2,"pauseTime":"2026-02-06T07:33:30Z","claimTimeout":"1m","ttlAfterCompleted":"-1s","labels":{"a":"b"},
            "envVars":{"E":"1"},"inplaceUpdate":{"image":"i","resources":{"requests":{"cpu":1}}},"dynamicVolumesMount":[{
            "pvName":"p","mountPath":"/m"}],"reserveFailedSandbox":false,"createOnNoStock":true,"waitReadyTimeout":"30s",
            "skipInitRuntime":false,"priority":7},"status":{"phase":"Completed","claimedReplicas":1,
            "claimStartTime":"2026-02-06T07:33:30Z","completionTime":"2026-02-06T07:33:31Z","conditions":[{"type":"TimedOut",
            "status":"True","reason":"ClaimTimeoutReached","message":"m","lastTransitionTime":"2026-02-06T07:33:31Z"}]}}
            """
        )
        #expect(claim.spec.replicas == 2 && claim.status?.phase == .completed)
    }

    /// As the documentation has one, with what an executor of upstream's users writes.
    @Test func aCheckpoint() throws {
        let checkpoint = try survives(
            KruiseCheckpoint.self,
            """
            {"apiVersion":"agents.kruise.io/v1alpha1","kind":"Checkpoint","metadata":{"name":"checkpoint-code-demo-01",
            "namespace":"default","finalizers":["agents.kruise.io/checkpoint"]},"spec":{"podName":"code-interpreter-28rvn",
            "keepRunning":true,"ttlAfterFinished":"30h","persistentContents":["memory","filesystem"],"driver":"d"},"status":{
            "observedGeneration":1,"phase":"Succeeded","message":"","checkpointId":"cp-1","completionTime":"2026-11-21T00:40:42Z",
            "podTemplateDelta":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"x":1e3}},"size":"1Gi"}}
            """
        )
        #expect(checkpoint.spec.persistentContents == [.memory, .filesystem])
        #expect(checkpoint.status?.phase == .succeeded && checkpoint.status?.checkpointId == "cp-1")
    }
}
