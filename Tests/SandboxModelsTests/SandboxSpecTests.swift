// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@testable import SandboxModels

@Suite("What a sandbox was asked to be, as it is stored")
struct SandboxSpecTests {
    @Test("what was written before there were owners is read")
    func old() throws {
        let text = """
            {"image":"i","entrypoint":[],"environment":{},"resourceLimits":{},"metadata":{},"extensions":{}}
            """
        #expect(try JSONDecoder().decode(SandboxSpec.self, from: Data(text.utf8)) == SandboxSpec(image: "i"))
    }

    @Test("everything is read again as it was written")
    func everything() throws {
        var spec = SandboxSpec(image: "i", snapshotID: "s", owner: "me", team: "red", template: "box")
        spec.timeout = TimeoutPolicy(.pause, retention: .seconds(60), leastAfterResume: 300)
        var options = SandboxOptions()
        options.requestKey = "k"
        options.requestDigest = "d"
        spec.options = options
        let text = try JSONEncoder().encode(spec)
        #expect(try JSONDecoder().decode(SandboxSpec.self, from: text) == spec)
    }
}
