// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// What upstream writes, of whatever version, is read and survives.
struct OpenSandboxLosslessTests {
    private func survives<Object: KubeResource>(_ type: Object.Type, _ json: String) throws -> Object {
        let object = try Object(json: json)
        #expect(try JSONValue(encoding: object) == JSONValue(json: json))
        return object
    }

    @Test func aBatchSandboxOfTheServer() throws {
        let sandbox = try survives(
            BatchSandbox.self,
            """
            {"apiVersion":"sandbox.opensandbox.io/v1alpha1","kind":"BatchSandbox","metadata":{"name":"0b7e","generation":3,
            "labels":{"opensandbox.io/id":"0b7e","opensandbox.io/manual-cleanup":"true"},"annotations":{
            "sandbox.opensandbox.io/endpoints":"[\\"10.244.1.5\\"]"}},"spec":{"replicas":1,"pause":true,
            "expireTime":"2026-11-21T00:40:42.936841+00:00","taskResourcePolicyWhenCompleted":"Archive",
            "template":{"spec":{"containers":[],"x":1e3}},"operatingMode":"Running"},"status":{"observedGeneration":3,
            "pauseObservedGeneration":2,"phase":"Hibernating","replicas":1,"allocated":1,"ready":1,"taskRunning":0,
            "taskSucceed":0,"taskFailed":0,"taskUnknown":0,"taskPending":0,"conditions":[{"type":"Ready","status":"True",
            "reason":"PodsReady","lastTransitionTime":"2026-11-21T00:40:42Z","severity":3}],"snapshot":{"a":[]}}}
            """
        )
        #expect(sandbox.spec.pause == true)
        #expect(sandbox.status?.phase == BatchSandboxPhase(rawValue: "Hibernating"))
        #expect(sandbox.status?.conditions.isTrue("Ready") == true)
        #expect(sandbox.metadata.labels[OpenSandbox.Label.sandboxID] == "0b7e")
        let endpoints = try #require(sandbox.metadata.annotations[OpenSandbox.Annotation.endpoints])
        #expect(try EndpointsAnnotation(endpoints).addresses == ["10.244.1.5"])
        #expect(sandbox.spec.expireTime?.date == MicroTime("2026-11-21T00:40:42.936841Z")?.date)
    }

    @Test func whatGoWritesForNothingIsNothing() throws {
        let sandbox = try BatchSandbox(
            json:
                #"{"metadata":{"creationTimestamp":null},"spec":{"template":null,"taskTemplate":null,"expireTime":null}}"#
        )
        #expect(sandbox.spec == BatchSandboxSpec())
        #expect(sandbox.spec.replicas == 1)
        #expect(try sandbox.spec.podTemplate() == nil && sandbox.spec.decodedTaskTemplate() == nil)
    }

    /// No schema checks these, so a user can write anything: the trouble of that object alone.
    @Test func whatNoSchemaChecksIsTakenApartLater() throws {
        let sandbox = try survives(
            BatchSandbox.self,
            """
            {"apiVersion":"sandbox.opensandbox.io/v1alpha1","kind":"BatchSandbox","metadata":{"name":"x"},"spec":{"replicas":1,
            "template":{"spec":{"containers":"none"}},"taskTemplate":{"spec":{"timeoutSeconds":"soon"}},"shardPatches":[1,"a"],
            "shardTaskPatches":[[]]}}
            """
        )
        #expect(throws: JSONError.self) { try sandbox.spec.podTemplate() }
        #expect(throws: JSONError.self) { try sandbox.spec.decodedTaskTemplate() }
    }

    @Test func aTaskTemplate() throws {
        let sandbox = try BatchSandbox(
            json: """
                {"spec":{"taskTemplate":{"spec":{"process":{"command":["/bin/sh","-c","x &"],"env":[{"name":"A","value":"1"}],
                "workingDir":"/w","args":["y"],"execMode":"Remote"},"timeoutSeconds":60}}}}
                """
        )
        let task = try #require(try sandbox.spec.decodedTaskTemplate()).spec
        #expect(task.timeoutSeconds == 60)
        #expect(task.process?.command == ["/bin/sh", "-c", "x &"])
        #expect(task.process?.env.map(\.value) == ["1"])
        #expect(task.process?.unknownFields["execMode"]?.text == #""Remote""#)
    }

    @Test func aPool() throws {
        let pool = try survives(
            Pool.self,
            """
            {"apiVersion":"sandbox.opensandbox.io/v1alpha1","kind":"Pool","metadata":{"name":"p"},"spec":{
            "template":{"spec":{"containers":[]}},"capacitySpec":{"bufferMax":10,"bufferMin":5,"poolMax":20,"poolMin":2,"spare":1},
            "scaleStrategy":{"maxUnavailable":"20%"},"updateStrategy":{"maxUnavailable":5},"recycleStrategy":{"type":"Restart"}},
            "status":{"observedGeneration":1,"revision":"0123456789abcdef","total":5,"allocated":1,"available":4,"updated":5}}
            """
        )
        #expect(pool.spec.scaleStrategy?.maxUnavailable == "20%" && pool.spec.updateStrategy?.maxUnavailable == 5)
        #expect(pool.spec.recycleStrategy?.type == .restart)
        #expect(pool.status?.available == 4)
    }

    @Test func aSnapshotOfALaterUpstream() throws {
        let snapshot = try survives(
            SandboxSnapshot.self,
            """
            {"apiVersion":"sandbox.opensandbox.io/v1alpha1","kind":"SandboxSnapshot","metadata":{"name":"web-pause"},"spec":{
            "sandboxName":"web"},"status":{"phase":"Succeed","observedGeneration":1,"sourcePodName":"web-0","sourceNodeName":"n",
            "containers":[{"containerName":"sandbox","imageUri":"r/web-sandbox:snap-gen2","imageDigest":"sha256:00","x":1}],
            "conditions":[{"type":"Ready","status":"True","reason":"SnapshotReady"}],"format":"qemu-v1",
            "virtualMachine":{"imageUri":"u","sizeBytes":1}}}
            """
        )
        #expect(snapshot.status?.phase == .succeed && snapshot.status?.containers.first?.imageDigest == "sha256:00")
    }
}
