// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

/// What the API makes of requests about moves; moves themselves are tried between real servers.
@Suite struct MoveRoutesTests {
    @Test func aRuntimeThatCannotSaysSo() async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("run", .running)
        try await APIClient.with(runtime) { api async throws in
            let body = #"{"target":{"name":"x"}}"#
            for (method, path) in [(HTTPRequest.Method.post, "move"), (.get, "move"), (.delete, "move")] {
                let answer = try await api.call(method, "/v1/sandboxes/run/\(path)", method == .post ? body : nil)
                #expect(try answer.error() == ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED"))
                let none = try await api.call(method, "/v1/sandboxes/none/\(path)", method == .post ? body : nil)
                #expect(try none.error() == ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND"))
            }
            let refusal = try await api.call(.delete, "/v1/arrivals/something")
            #expect(try refusal.error() == ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER"))
        }
    }

    @Test(arguments: [
        (#"{}"#, ["missing@body.target"]),
        (#"{"target":{}}"#, ["value_error@body.target"]),
        (#"{"target":{"name":"a","handover":true}}"#, ["value_error@body.target"]),
        (#"{"target":{"url":"ftp://x"}}"#, ["url_parsing@body.target.url"]),
        (#"{"target":{"url":"http://user@x"}}"#, ["url_parsing@body.target.url"]),
        (#"{"target":{"name":"a"},"source":"burn"}"#, ["enum@body.source"]),
        (#"{"target":{"name":1},"keepId":"perhaps"}"#, ["string_type@body.target.name", "bool_parsing@body.keepId"]),
    ])
    func whatIsWrongIsTold(body: String, issues: [String]) async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("run", .running)
        try await APIClient.with(runtime) { api async throws in
            let answer = try await api.call(.post, "/v1/sandboxes/run/move", body)
            #expect(try answer.issues().map(\.testDescription).sorted() == issues.sorted())
        }
    }

    @Test func addressesAreReadWithoutTheirEnds() {
        let addresses = [
            "http://a": "http://a", "https://a:1/": "https://a:1", "http://a/v1": "http://a",
            "http://a/x/v1/": "http://a/x",
            "HTTP://A": "http://A",
        ]
        for (text, address) in addresses {
            #expect(ServerConfiguration.Moving.Target.address(text) == address, "\(text)")
        }
        for text in ["", "a", "http://", "http://a?b", "http://a#b", "http://u@a", "http://a b", "file:///x"] {
            #expect(ServerConfiguration.Moving.Target.address(text) == nil, "\(text)")
        }
    }

    @Test func aChosenIdentityIsAWish() throws {
        func admitted(_ id: String, allowed: Bool) throws -> SandboxSpec {
            let body =
                #"{"image":{"uri":"x"},"entrypoint":["a"],"resourceLimits":{},"extensions":{"stasis.dev/sandbox-id":"ID"}}"#
            let text = body.replacing("ID", with: id)
            guard case .object(let members) = try JSONParser.parse(text.utf8) else { throw ValidationError(issues: []) }
            return try CreateSandboxRequest(RequestObject(members: members, location: ["body"]))
                .admit(now: Date(), allowsChosenIDs: allowed, maximumTimeout: nil).spec
        }
        #expect(try admitted("my-box", allowed: true).options?.chosenID == "my-box")
        #expect(try admitted("my-box", allowed: true).extensions.isEmpty)
        #expect(try admitted("my-box", allowed: false).options?.chosenID == nil)
        for id in ["", "-a", "A", "a.b", "a/b", String(repeating: "a", count: 64)] {
            #expect(throws: APIError.self, "\(id)") { try admitted(id, allowed: false) }
        }
    }

    @Test func theConfigurationIsRead() throws {
        let text = """
            [server]
            allow_chosen_ids = true
            [local]
            registry_config = "/logins"
            insecure_registries = ["r:5000"]
            [move]
            allow_other_targets = true
            patience_seconds = 30
            [move.targets.cloud]
            url = "https://cloud.example/v1/"
            api_key_file = "/key"
            push_to = "r:5000/arrivals"
            pull_username = "u"
            pull_password = "p"
            """
        let environment = ["HOME": "/root", "OPENSANDBOX_INSECURE_SERVER": "YES"]
        let (configuration, warnings) = try ServerConfiguration.load(text: text, environment: environment)
        #expect(warnings.isEmpty)
        #expect(configuration.http.allowsChosenIDs)
        let move = configuration.move
        #expect(move.allowsOtherTargets && move.patience == 30 && move.registryConfiguration == "/logins")
        #expect(move.insecureRegistries == ["r:5000"])
        let target = try #require(move.targets["cloud"])
        #expect(target.url == "https://cloud.example" && target.keyFile == "/key" && target.pushTo == "r:5000/arrivals")
        #expect("\(target)" == "https://cloud.example", "secrets do not print themselves")
        for wrong in [
            "[move.targets.a]\n", "[move.targets.a]\nurl = \"x\"\n", "[move.targets.local]\nurl = \"http://x\"\n",
            "[move.targets.a]\nurl = \"http://x\"\npull_username = \"u\"\n",
            "[move.targets.a]\nurl = \"http://x\"\npush_to = \"x\"\n",
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") {
                try ServerConfiguration.load(text: wrong, environment: environment)
            }
        }
    }
}
