// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct E2BSandboxRoutesTests {
    @Test(arguments: ["", "/v2"]) func creates(version: String) async throws {
        try await E2BClient.with { e2b async throws in
            let body = #"""
                {"templateID":"box","timeout":600,"metadata":{"user":"a b"},"envVars":{"FOO":"bar"},"secure":true,
                "autoPause":true,"autoResume":{"enabled":true},"novelty":[1]}
                """#
            let response = try await e2b.call(.post, version + "/sandboxes", body)
            #expect(response.status == .created)
            let made: E2BAnswer = try response.json()
            #expect(made.templateID == "box" && made.clientID.isEmpty && made.domain == "sandboxes.example")
            #expect(made.envdVersion == "0.2.10")
            let asked = try #require(await e2b.runtime.created.first)
            #expect(asked.spec.image == "busybox:1.36" && asked.spec.template == "box" && asked.spec.team == "red")
            #expect(asked.spec.owner == "id-of-alice")
            #expect(asked.spec.environment == ["GREETING": "hello", "FOO": "bar"])
            #expect(asked.spec.resourceLimits == ["cpu": "1500m", "memory": "512Mi"])
            #expect(asked.spec.metadata == ["user": "a b"])
            #expect(asked.spec.extensions == [SandboxExtension.resumeOnAccess: "true"])
            #expect(asked.spec.timeout == TimeoutPolicy(.pause, leastAfterResume: 300))
            #expect(asked.expiresAt == InMemoryRuntime.start.addingTimeInterval(600))

            let got: E2BAnswer = try await e2b.call(.get, "/sandboxes/\(made.sandboxID)").json()
            #expect(got.state == "running" && got.lifecycle == .init(autoResume: true, onTimeout: "pause"))
            #expect(got.endAt == InMemoryRuntime.start.addingTimeInterval(600).rfc3339)
            #expect(got.cpuCount == 1 && got.memoryMB == 512 && got.diskSizeMB == 0)
        }
    }

    @Test(arguments: ["{}", "", "null", #"{"templateID":"base","timeout":0}"#, #"{"metadata":null,"envVars":null}"#])
    func whatIsNotSaidIsTheServersToSay(body: String) async throws {
        try await E2BClient.with { e2b async throws in
            #expect(try await e2b.call(.post, "/v2/sandboxes", body).status == .created)
            let asked = try #require(await e2b.runtime.created.first)
            #expect(asked.spec.template == "box" && asked.spec.timeout?.action == .delete)
            #expect(asked.expiresAt == InMemoryRuntime.start.addingTimeInterval(300))
        }
    }

    @Test(
        arguments: [
            #"{"timeout":-1}"#, #"{"timeout":2592001}"#, #"{"timeout":1e30}"#, #"{"timeout":1.5}"#,
            #"{"timeout":"60"}"#, #"{"timeout":true}"#, #"{"timeout":99999999999999999999}"#, #"{"templateID":1}"#,
            #"{"templateID":"none"}"#, #"{"metadata":{"a":1}}"#, #"{"metadata":[]}"#, #"{"metadata":{"-":"x"}}"#,
            #"{"metadata":{"agents.kruise.io/owner":"x"}}"#, #"{"metadata":{"e2b.agents.kruise.io/novelty":"x"}}"#,
            #"{"metadata":{"e2b.agents.kruise.io/claim-timeout-seconds":"0"}}"#,
            #"{"metadata":{"e2b.agents.kruise.io/cpu-limit":"-1"}}"#,
            #"{"metadata":{"e2b.agents.kruise.io/sandbox-name":"mine"}}"#,
            #"{"metadata":{"e2b.agents.kruise.io/csi-volume-name":"v"}}"#,
            #"{"metadata":{"label:a b":"x"}}"#, #"{"metadata":{"label:a":"b c"}}"#,
            #"{"allow_internet_access":false}"#, #"{"network":{"denyOut":["10.0.0.0/8"]}}"#,
            #"{"volumeMounts":[{"name":"v","path":"/v"}]}"#, #"{"mcp":{}}"#, "[]", "x", "{", #"{"envVars":{"A":null}}"#,
        ]
    )
    func whatCannotBeIs400(body: String) async throws {
        try await E2BClient.with { e2b async throws in
            let response = try await e2b.call(.post, "/sandboxes", body)
            #expect(try response.e2bError().code == 400, "\(body)")
            #expect(await e2b.runtime.created.isEmpty)
        }
    }

    @Test func parametersOfKruiseAreHandedOn() async throws {
        try await E2BClient.with { e2b async throws in
            let body = #"""
                {"templateID":"box","metadata":{"e2b.agents.kruise.io/never-timeout":"true","label:team":"x","own":"y",
                "e2b.agents.kruise.io/reserve-paused-sandbox-duration":"30m"}}
                """#
            let made: E2BAnswer = try await e2b.call(.post, "/sandboxes", body).json()
            let asked = try #require(await e2b.runtime.created.first)
            #expect(asked.expiresAt == nil)
            #expect(asked.spec.metadata == ["own": "y"])
            #expect(asked.spec.extensions["label:team"] == "x")
            #expect(asked.spec.timeout?.retention == .seconds(1800))
            let got: E2BAnswer = try await e2b.call(.get, "/sandboxes/\(made.sandboxID)").json()
            #expect(got.metadata == ["own": "y", "team": "x"])
            #expect(got.endAt == "0001-01-01T00:00:00.000Z")
        }
    }

    @Test func templatesGoBeforeSnapshots() async throws {
        try await E2BClient.with { e2b async throws in
            let source = SandboxSpec(
                image: "i",
                entrypoint: ["run"],
                environment: ["A": "1"],
                resourceLimits: ["cpu": "2"]
            )
            for name in ["box", "set", "snap"] {
                await e2b.runtime.putSnapshot(name, of: "s", owner: "id-of-alice", source: source)
            }
            await e2b.runtime.putSnapshot("other", of: "s", owner: "id-of-bob", name: "box")
            await e2b.runtime.putSnapshot("named", of: "s", owner: "id-of-alice", name: "mine", source: source)
            await e2b.runtime.know(SandboxTemplateSummary(name: "set", team: "red", createdAt: InMemoryRuntime.start))
            await e2b.runtime.know(SandboxTemplateSummary(name: "blue", team: "blue", createdAt: InMemoryRuntime.start))
            for (name, isThere) in [
                ("box", true), ("set", true), ("snap", true), ("mine", true), ("other", false), ("blue", false),
            ] {
                let status = try await e2b.call(.post, "/sandboxes", #"{"templateID":"\#(name)"}"#).status
                #expect(status == (isThere ? .created : .badRequest), "\(name)")
            }
            let specs = await e2b.runtime.created.map(\.spec)
            #expect(specs.map(\.image) == ["busybox:1.36", "", "", ""])
            #expect(specs.map(\.snapshotID) == [nil, nil, "snap", "named"])
            #expect(specs.map(\.template) == ["box", "set", "snap", "mine"])
            #expect(specs[2].entrypoint == ["run"] && specs[2].environment == ["A": "1"])
        }
    }

    @Test func statesAreRunningAndPausedOnly() async throws {
        try await E2BClient.with { e2b async throws in
            let shown: [SandboxStatus.State: String] = [
                .running: "running", .pausing: "running", .paused: "paused", .resuming: "paused",
            ]
            for state in [
                SandboxStatus.State.pending, .running, .pausing, .paused, .resuming, .stopping, .terminated, .failed,
            ] {
                await e2b.put("box-\(state.rawValue)", state)
                let response = try await e2b.call(.get, "/sandboxes/box-\(state.rawValue)")
                if let word = shown[state] {
                    #expect(try response.json(E2BAnswer.self).state == word)
                } else {
                    #expect(try response.e2bError().code == 404)
                }
            }
            let listed: [E2BAnswer] = try await e2b.call(.get, "/v2/sandboxes").json()
            #expect(listed.compactMap(\.state).sorted() == ["paused", "paused", "running", "running"])
            // What has failed after a pause is what was kept then.
            await e2b.runtime.change("box-Failed") { $0.artifact = SnapshotRoutesTests.artifact }
            #expect(try await e2b.call(.get, "/sandboxes/box-Failed").json(E2BAnswer.self).state == "paused")
            // And whatever is there can be killed.
            for state in ["Pending", "Failed", "Paused", "Pausing"] {
                #expect(try await e2b.call(.delete, "/sandboxes/box-\(state)").status == .noContent)
                #expect(try await e2b.call(.delete, "/sandboxes/box-\(state)").e2bError().code == 404)
            }
        }
    }

    @Test func aKeyIsHandedOnWithItsOwnerAndTheRequest() async throws {
        try await E2BClient.with { e2b async throws in
            for (owner, body) in [("alice", "{}"), ("alice", "{ }"), ("bob", "{}")] {
                _ = try await e2b.call(.post, "/sandboxes", body, as: owner, headers: [.idempotencyName: "k"])
            }
            let options = await e2b.runtime.created.map(\.spec.options)
            #expect(Set(options.compactMap { $0?.requestKey }).count == 2)
            #expect(Set(options.compactMap { $0?.requestDigest }).count == 2)
        }
    }
}

extension HTTPField.Name {
    static let idempotencyName = known("Idempotency-Key")
}
