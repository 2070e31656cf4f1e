// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import Testing

@testable import Server

/// The 422s of `POST /sandboxes`. The expectations were recorded from upstream's own models; where this server differs, the
/// test says so.
@Suite struct CreateValidationTests {
    @Test(arguments: [
        (#""timeout":59"#, "greater_than_equal@body.timeout"),
        (#""timeout":"x""#, "int_parsing@body.timeout"),
        (#""timeout":60.5"#, "int_from_float@body.timeout"),
        (#""timeout":[]"#, "int_type@body.timeout"),
        // Upstream reads true as 1 and finds it too small.
        (#""timeout":true"#, "int_type@body.timeout"),
        (#""timeout":1e30"#, "int_parsing_size@body.timeout"),
        (#""image":"x""#, "model_attributes_type@body.image"),
        (
            #""image":{"auth":{}}"#,
            "missing@body.image.uri missing@body.image.auth.username missing@body.image.auth.password"
        ),
        (
            #""image":{"uri":3,"auth":{"username":1}}"#,
            "string_type@body.image.uri string_type@body.image.auth.username missing@body.image.auth.password"
        ),
        (#""snapshotId":"s""#, "value_error@body"),
        (#""snapshotId":3"#, "string_type@body.snapshotId"),
        (#""entrypoint":[]"#, "too_short@body.entrypoint"),
        (#""entrypoint":"ls""#, "list_type@body.entrypoint"),
        (#""entrypoint":["a",3,null]"#, "string_type@body.entrypoint.1 string_type@body.entrypoint.2"),
        (#""entrypoint":null"#, "value_error@body"),
        (#""env":{"A":3,"B":null}"#, "string_type@body.env.A"),
        (#""metadata":{"A":3,"B":null}"#, "string_type@body.metadata.A string_type@body.metadata.B"),
        (#""metadata":[]"#, "dict_type@body.metadata"),
        (#""resourceLimits":null"#, "value_error@body"),
        (#""resourceLimits":{"cpu":1}"#, "string_type@body.resourceLimits.cpu"),
        (#""secureAccess":"maybe""#, "bool_parsing@body.secureAccess"),
        (#""secureAccess":2"#, "bool_parsing@body.secureAccess"),
        (#""secureAccess":null"#, "bool_type@body.secureAccess"),
        (#""platform":{"os":1}"#, "string_type@body.platform.os missing@body.platform.arch"),
        (#""extensions":{"a":1}"#, "string_type@body.extensions.a"),
        (#""networkPolicy":[]"#, "model_attributes_type@body.networkPolicy"),
        (#""volumes":{}"#, "list_type@body.volumes"),
        (#""image":{"uri":"  "}"#, "value_error@body"),
        (
            #""timeout":1,"image":{"uri":1},"metadata":{"a":1}"#,
            "string_type@body.image.uri greater_than_equal@body.timeout string_type@body.metadata.a"
        ),
    ])
    func tellsEveryWrongField(fields: String, issues: String) async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            // Of members with one name the last counts.
            let body = #"{"image":{"uri":"a"},"resourceLimits":{},"entrypoint":["x"],\#(fields)}"#
            let answer = try await api.call(.post, "/v1/sandboxes", body).issues()
            #expect(answer.map(\.testDescription).joined(separator: " ") == issues)
        }
        #expect(await runtime.created.isEmpty)
    }

    @Test(arguments: [
        #""timeout":60"#, #""timeout":60.0"#, #""timeout":"60""#, #""timeout":" 61 ""#, #""secureAccess":0"#,
        #""secureAccess":"off""#, #""snapshotId":"""#, #""snapshotId":null"#, #""image":{"uri":"a","auth":null}"#,
    ])
    func takesWhatUpstreamTakes(field: String) async throws {
        try await APIClient.with { api async throws in
            let body = #"{"image":{"uri":"a"},"resourceLimits":{},"entrypoint":["x"],\#(field)}"#
            #expect(try await api.call(.post, "/v1/sandboxes", body).status == .accepted)
        }
    }

    @Test(arguments: [
        ("{}", "value_error@body"),
        (#"{"image":{"uri":"a"},"entrypoint":["x"]}"#, "value_error@body"),
        (#"{"image":{"uri":"a"},"resourceLimits":{}}"#, "value_error@body"),
        ("", "missing@body"),
        ("[]", "model_attributes_type@body"),
        ("null", "model_attributes_type@body"),
        ("3", "model_attributes_type@body"),
        ("{", "json_invalid@body.1"),
        (#"{"a":}"#, "json_invalid@body.5"),
        (#"{"a":1,}"#, "json_invalid@body.7"),
        ("nope", "json_invalid@body.0"),
        (#"{"image":{"uri":"a"}} x"#, "json_invalid@body.22"),
        (#"{"image":{"uri":"\ud800"}}"#, "json_invalid@body.17"),
    ])
    func tellsWhatIsWrongWithTheBody(body: String, issues: String) async throws {
        try await APIClient.with { api async throws in
            let answer = try await api.call(.post, "/sandboxes", body).issues()
            #expect(answer.map(\.testDescription).joined(separator: " ") == issues)
        }
    }

    @Test func aBodyMustSayThatItIsJSON() async throws {
        try await APIClient.with { api async throws in
            let body = SandboxRoutesTests.minimalBody
            let text = try await api.call(.post, "/sandboxes", body, headers: [.contentType: "text/plain"]).issues()
            #expect(text == [IssueAnswer("model_attributes_type", "body")])
            for type in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
                let response = try await api.call(.post, "/sandboxes", body, headers: [.contentType: type])
                #expect(response.status == .accepted, "\(type)")
            }
        }
    }

    @Test func aPasswordIsNotRepeated() async throws {
        try await APIClient.with { api async throws in
            let body = #"{"image":{"uri":"a","auth":{"username":1,"password":"hunter2"}},"timeout":1}"#
            let response = try await api.call(.post, "/sandboxes", body)
            #expect(response.status == .unprocessableContent)
            #expect(!response.text.contains("hunter2"))
        }
    }
}
