// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import NIOCore
import SandboxModels
import TestSupport
import Testing

import struct Foundation.Date
import class Foundation.JSONDecoder

@testable import Server

/// Requests that nobody meant. Whatever a client sends, it gets an answer of the API, and never the blame of the server.
@Suite struct RequestFuzzTests {
    private static let bodies = [
        #"{"image":{"uri":"python:3.11","auth":{"username":"u","password":"p"}},"timeout":600,"resourceLimits":{"cpu":"500m","memory":"2Gi"},"entrypoint":["tail","-f","/dev/null"],"env":{"A":"1"},"metadata":{"team":"blue"},"extensions":{"access.renew.extend.seconds":"300"},"secureAccess":false}"#,
        #"{"snapshotId":"snap","timeout":null,"resourceLimits":{},"platform":{"os":"linux","arch":"amd64"},"networkPolicy":null}"#,
        #"{"image":{"uri":"a"},"resourceLimits":{},"entrypoint":["x"],"volumes":[{"name":"v","mountPath":"/d","readOnly":true,"subPath":"a/b","host":{"path":"/data"}},{"name":"w","mountPath":"/e","pvc":{"claimName":"c","createIfNotExists":true,"accessModes":["ReadWriteOnce"]}}]}"#,
        #"{"expiresAt":"2026-11-21T00:40:42.936841+00:00"}"#,
        #"{"a":"b","c":null,"example.com/name":"value"}"#,
        #"{"name":"cp1"}"#,
        #"{"eventType":"sandbox.create","createDurationMs":88,"success":true,"sandboxId":"up"}"#,
    ]
    private static let bodyFragments = [
        "null", "true", "-1", "1e400", "9223372036854775808", "0.5", "\"\"", "\"\\u0000\"", "\\ud800", "{", "}", "[",
        "]", ",",
        ":", "\"", "\\", "\0", "\u{FEFF}", "é😀", "\"timeout\":", "\"image\":null,", "\"volumes\":[{}],", "[[[[[[[[[[",
        "\"expiresAt\":\"9999-12-31T23:59:60Z\",", "\"2026-02-30T25:61:61Z\"", "\"../../etc\"",
        "\"opensandbox.io/x\":\"y\",",
        String(repeating: "[", count: 2000), String(repeating: "a", count: 3000),
    ]
    private static let paths = [
        "/sandboxes", "/sandboxes/up", "/sandboxes/up/metadata", "/sandboxes/up/pause", "/sandboxes/up/resume",
        "/sandboxes/up/renew-expiration", "/sandboxes/up/snapshots", "/sandboxes/up/endpoints/8080", "/snapshots",
        "/snapshots/ready", "/sandboxes/up/diagnostics/logs", "/sandboxes/up/diagnostics/events",
        "/sandboxes/up/diagnostics/inspect", "/sandboxes/up/diagnostics/summary", "/sandboxes/up/networkpolicy",
        "/metrics/events", "/pools", "/pools/p", "/templates/t", "/health", "/version",
    ]
    private static let queries = [
        "state=Running&state=Paused&metadata=project%3DA%2526B%26note%3Dx&page=2&pageSize=5",
        "scope=all&tail=10&since=5m",
        "scope=container", "limit=50", "tail=50&event_limit=20", "use_server_proxy=false&expires=1",
        "sandboxId=up&name=n",
        "page=1",
    ]
    private static let queryFragments = [
        "&", "=", "%", "%00", "%ff", "%zz", "%2", "+", ";", "page=", "pageSize=0", "-1", "99999999999999999999",
        "scope=",
        "since=-1s", "since=99999999999999999999d", "tail=NaN", "metadata=", "metadata=%3D", "%25%32%35", "é", "../",
        "?", "/",
        String(repeating: "a=b&", count: 200),
    ]
    private static let methods: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete]
    private static let statuses: Set<Int> = [200, 202, 204, 400, 404, 405, 409, 413, 422, 501]

    @Test func everyAnswerIsOneOfTheAPI() async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            var bodies = Mutator(seed: 2, fragments: Self.bodyFragments)
            var queries = Mutator(seed: 3, fragments: Self.queryFragments)
            var budget = FuzzBudget(2000)
            var seen: [Int: Int] = [:]
            while budget.goesOn() {
                await Self.restore(runtime)
                let text = queries.text(of: Self.queries)
                let query = text.addingPercentEncoding()
                let path = queries.one(of: ["", "/v1"]) + queries.one(of: Self.paths)
                let method = queries.one(of: Self.methods)
                let body = bodies.variant(of: Self.bodies)
                let answer = try await api.client.execute(
                    uri: "\(path)?\(query)",
                    method: method,
                    headers: [.contentType: "application/json"],
                    body: method == .get ? nil : ByteBuffer(bytes: body)
                )
                let request = "\(method) \(path)?\(query) \(String(decoding: body, as: UTF8.self))"
                Self.check(answer, request)
                seen[Int(answer.status.code), default: 0] += 1
            }
            // What is always refused, or never, would show nothing.
            for status in [200, 202, 400, 405, 422] { #expect(seen[status, default: 0] > 0, "\(seen)") }
        }
    }

    /// Creations alone, which are the largest body by far.
    @Test func everyCreationIsAnswered() async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            var mutator = Mutator(seed: 4, fragments: Self.bodyFragments)
            var budget = FuzzBudget(2000)
            var seen: [Int: Int] = [:]
            while budget.goesOn() {
                let body = mutator.variant(of: Array(Self.bodies.prefix(3)))
                let answer = try await api.client.execute(
                    uri: "/v1/sandboxes",
                    method: .post,
                    headers: [.contentType: "application/json"],
                    body: ByteBuffer(bytes: body)
                )
                Self.check(answer, String(decoding: body, as: UTF8.self))
                seen[Int(answer.status.code), default: 0] += 1
            }
            for status in [202, 400, 422] { #expect(seen[status, default: 0] > 0, "\(seen)") }
        }
    }

    @Test func durationsAndKeysAndTimes() throws {
        var mutator = Mutator(
            seed: 5,
            fragments: [
                String(repeating: "a", count: 60), "", "s", "m", "-", "+", "0", "9", "99999999999", ".", "/", "é", "\0",
                " ", "Z", "T", ":", "e9",
            ]
        )
        let texts = [
            "30s", "10m", "1d", "team", "example.com/name", "2026-11-21T00:40:42.936841+00:00", "2026-11-21T00:40:42Z",
        ]
        var budget = FuzzBudget(5000)
        while budget.goesOn() {
            let text = mutator.text(of: texts)
            if LabelRules.isKey(text) {
                #expect(text.utf8.count <= 253 + 1 + 63 && text.utf8.allSatisfy { (0x2D...0x7A).contains($0) })
            }
            if LabelRules.isValue(text) { #expect(text.utf8.count <= 63) }
            if let date = Date(rfc3339: text) {
                #expect(Date(rfc3339: date.rfc3339) != nil, "\(text)")
            }
            var query = QueryParameters(query: "")
            query.pairs = [QueryParameters.Pair(name: "since", value: text)]
            if case .plain(_, let seconds?)? = try? DiagnosticLogsRequest(query) {
                #expect(seconds >= 0 && seconds.isFinite)
            }
        }
    }

    /// Upstream's codes have a part's name in front, but for a few.
    private static func isCode(_ code: String) -> Bool {
        code.contains("::") || ["INVALID_METADATA_FORMAT", "DIAGNOSTICS_NOT_IMPLEMENTED"].contains(code)
    }

    private static func restore(_ runtime: InMemoryRuntime) async {
        await runtime.put("up", .running)
        await runtime.limit("up", until: InMemoryRuntime.start.addingTimeInterval(600))
        await runtime.putSnapshot("ready", .ready, of: "up")
    }

    /// An answer that official clients understand: one of the API's statuses, JSON with a code and a message or with the
    /// details of what is wrong, and no null.
    private static func check(_ answer: TestResponse, _ request: String) {
        let status = Int(answer.status.code)
        #expect(statuses.contains(status), "\(status) to \(request)")
        let text = answer.text
        guard status >= 400 else { return }
        #expect(answer.headers[.contentType] == "application/json", "\(request)")
        let decoder = JSONDecoder()
        if status == 422 {
            let issues = try? decoder.decode([String: [IssueAnswer]].self, from: .init(text.utf8))
            #expect(issues?["detail"]?.isEmpty == false, "\(text) to \(request)")
        } else {
            let error = try? decoder.decode([String: String].self, from: .init(text.utf8))
            #expect(error.map { Set($0.keys) } == ["code", "message"], "\(text) to \(request)")
            #expect(
                error?["message"]?.isEmpty == false && error?["code"].map(isCode) == true,
                "\(text) to \(request)"
            )
        }
    }
}

extension String {
    /// Whatever cannot be in a request's line, encoded; what is encoded already stays as it is.
    fileprivate func addingPercentEncoding() -> String {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~&=%+;/?:@!$'()*,".utf8)
        return utf8.map { byte in
            let digits = String(byte, radix: 16)
            return allowed.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }
        .joined()
    }
}
