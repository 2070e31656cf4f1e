// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

/// Sandboxes that are to be like others, as forks are.
@Suite struct LikenessTests {
    @Test func whatIsLeftEmptyIsTakenOver() async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            let original = """
                {"image":{"uri":"a:1"},"resourceLimits":{"cpu":"2"},"env":{"SECRET":"s"},"entrypoint":["x"]}
                """
            let id = try await api.call(.post, "/v1/sandboxes", original).json(SandboxAnswer.self).id
            await runtime.putSnapshot("snap", .ready, of: id)
            for (limits, env) in [("{}", "{}"), (#"{"cpu":"1"}"#, #"{"A":"1"}"#)] {
                let body = """
                    {"snapshotId":"snap","resourceLimits":\(limits),"env":\(env),"entrypoint":["y"],
                     "extensions":{"stasis.dev/like":"\(id)","a":"b"}}
                    """
                #expect(try await api.call(.post, "/v1/sandboxes", body).status == .accepted)
            }
            let other = #"{"snapshotId":"snap","resourceLimits":{},"extensions":{"stasis.dev/like":"none"}}"#
            #expect(try await api.call(.post, "/v1/sandboxes", other).status == .notFound)
        }
        let specs = await runtime.created.map(\.spec)
        #expect(specs.count == 3)
        #expect(specs[1].environment == ["SECRET": "s"] && specs[1].resourceLimits == ["cpu": "2"])
        #expect(specs[1].entrypoint == ["y"] && specs[1].extensions == ["a": "b"])
        #expect(specs[2].environment == ["A": "1"] && specs[2].resourceLimits == ["cpu": "1"])
    }
}
