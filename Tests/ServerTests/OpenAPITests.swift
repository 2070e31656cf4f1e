// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct OpenAPITests {
    private static let table = SandboxAPI(tenants: Tenants([]), configuration: ServerConfiguration.HTTP()).routes

    @Test func everyRouteIsDescribedAndNothingElse() {
        let routes = Self.table.routes.filter { !$0.isStream }
            .flatMap { route in route.handlers.keys.map { "\($0) \(route.template)" } }
        let described = APIOperation.all.map { "\($0.method) \($0.path)" }
        #expect(routes.sorted() == described.sorted())
        #expect(Set(APIOperation.all.map(\.id)).count == described.count)
        for route in Self.table.routes where !route.isStream {
            for operation in APIOperation.all where operation.path == route.template {
                #expect(operation.isOpen == (route.access != .key), "\(operation.id)")
            }
        }
    }

    @Test func everyNameThatIsUsedIsDefined() {
        func names(_ schema: APISchema) -> [String] {
            switch schema {
            case .reference(let name): [name]
            case .object(let members): members.flatMap { names($0.schema) }
            case .map(let schema), .list(let schema, _), .nullable(let schema), .described(_, let schema):
                names(schema)
            case .either(let schemas): schemas.flatMap(names)
            case .text, .words, .integer, .boolean, .anyObject: []
            }
        }
        var used = APISchemas.all.values.flatMap(names) + ["Error", "ValidationError"]
        for operation in APIOperation.all {
            if let request = operation.request { used += names(request.schema) }
            switch operation.success.body {
            case .json(let schema), .jsonOrText(let schema): used += names(schema)
            case .none, .text: break
            }
        }
        #expect(Set(used) == Set(APISchemas.all.keys))
    }

    @Test func theDocumentNeedsNoKey() async throws {
        try await APIClient.with(configure: { $0.apiKey = APIKey("k") }) { api async throws in
            for path in ["/openapi.json", "/v1/openapi.json"] {
                let response = try await api.call(.get, path)
                #expect(response.status == .ok && response.headers[.contentType] == "application/json")
                guard case .object(let document) = try JSONParser.parse(response.text.utf8),
                    case .object(let paths)? = document["paths"]
                else { throw ValidationError(issues: []) }
                #expect(document["openapi"] == .string("3.1.0"))
                #expect(paths.count == Self.table.routes.filter { !$0.isStream }.count)
            }
            #expect(try await api.call(.get, "/docs").status == .unauthorized)
        }
    }

    // MARK: Answers

    /// What of a value is not as a schema says. Members that a schema does not know are told as well: they are what it has
    /// forgotten.
    private static func faults(_ value: JSONValue, _ schema: APISchema, at place: String = "$") -> [String] {
        switch (schema, value) {
        case (.reference(let name), _):
            APISchemas.all[name].map { faults(value, $0, at: "\(place)<\(name)>") } ?? ["\(place): no schema \(name)"]
        case (.described(_, let schema), _): faults(value, schema, at: place)
        case (.nullable(let schema), _): value == .null ? [] : faults(value, schema, at: place)
        case (.either(let schemas), _):
            schemas.contains { faults(value, $0, at: place).isEmpty } ? [] : ["\(place): none of the forms"]
        case (.object(let members), .object(let found)):
            members.filter(\.isRequired).filter { found[$0.name] == nil }.map { "\(place).\($0.name): missing" }
                + found.flatMap { name, value in
                    members.first { $0.name == name }.map { faults(value, $0.schema, at: "\(place).\(name)") }
                        ?? ["\(place).\(name): not described"]
                }
        case (.map(let schema), .object(let found)):
            found.flatMap { faults($0.value, schema, at: "\(place).\($0.key)") }
        case (.list(let schema, let least), .array(let found)):
            (found.count < least ? ["\(place): too short"] : [])
                + found.enumerated().flatMap { faults($0.element, schema, at: "\(place)[\($0.offset)]") }
        case (.text(let format, let least, _), .string(let text)):
            text.count < least || format == "date-time" && !text.hasSuffix("Z") ? ["\(place): is '\(text)'"] : []
        case (.words(let words), .string(let text)): words.contains(text) ? [] : ["\(place): is '\(text)'"]
        case (.integer(let bounds), .integer(let number)): bounds.contains(number) ? [] : ["\(place): is \(number)"]
        case (.boolean, .bool), (.anyObject, .object): []
        default: ["\(place): \(value) is of another type"]
        }
    }

    /// Fails unless an answer is one that its operation describes.
    private static func expect(_ response: TestResponse, of id: String) throws {
        let operation = try #require(APIOperation.all.first { $0.id == id })
        let status = response.status.code
        var schema: APISchema?
        if status == operation.success.status {
            switch operation.success.body {
            case .json(let success), .jsonOrText(let success): schema = success
            case .none, .text: break
            }
            for name in operation.headers.keys {
                #expect(HTTPField.Name(name).map { response.headers[$0] != nil } == true, "\(id): no \(name)")
            }
        } else {
            #expect(operation.failures.contains(status), "\(id) does not describe \(status)")
            schema = .reference(status == 422 ? "ValidationError" : "Error")
        }
        if let schema, response.headers[.contentType] == "application/json" {
            let faults = faults(try JSONParser.parse(response.text.utf8), schema)
            #expect(faults.isEmpty, "\(id) \(status): \(faults)")
        } else {
            #expect(schema == nil || response.headers[.contentType]?.hasPrefix("text/plain") == true)
        }
    }

    @Test func answersAreAsTheyAreDescribed() async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("run", .running, metadata: ["a": "b"], reason: "RUNNING", message: "It runs.")
        await runtime.put("capture", .pausing)
        await runtime.report(.init(stage: "uploading", bytesRead: 1, bytesWritten: 2, bytesTotal: 3), of: "capture")
        await runtime.limit("run", until: InMemoryRuntime.start.addingTimeInterval(600))
        let part = Artifact.Part(container: "main", reference: "r/x:1", digest: "sha256:0", size: 5, layers: 2)
        let artifact = Artifact(
            kind: "image",
            provider: "oci-rootfs",
            parts: [part],
            platform: "linux/amd64",
            statistics: .init(frozenMilliseconds: 1, bytesRead: 2, bytesWritten: 3)
        )
        await runtime.putSnapshot("snap", .ready, of: "run", name: "n", artifact: artifact)
        await runtime.putSnapshot("busy", .creating, of: "run")
        let calls: [(String, HTTPRequest.Method, String, String?)] = [
            ("getSandbox", .get, "/sandboxes/run", nil), ("getSandbox", .get, "/sandboxes/capture", nil),
            ("getSandbox", .get, "/sandboxes/none", nil), ("listSandboxes", .get, "/sandboxes?pageSize=1", nil),
            ("listSandboxes", .get, "/sandboxes?page=0", nil), ("listSandboxes", .get, "/sandboxes?metadata=x", nil),
            ("createSandbox", .post, "/sandboxes", SandboxRoutesTests.minimalBody),
            ("createSandbox", .post, "/sandboxes", "{}"), ("createSandbox", .post, "/sandboxes", "["),
            ("patchSandboxMetadata", .patch, "/sandboxes/run/metadata", #"{"c":"d","a":null}"#),
            ("patchSandboxMetadata", .patch, "/sandboxes/run/metadata", #"{"c":"-"}"#),
            ("getEndpoint", .get, "/sandboxes/run/endpoints/18080", nil),
            ("getEndpoint", .get, "/sandboxes/run/endpoints/x", nil),
            ("getEndpoint", .get, "/sandboxes/capture/endpoints/1", nil),
            (
                "renewSandboxExpiration", .post, "/sandboxes/run/renew-expiration",
                #"{"expiresAt":"2030-01-01T00:00:00Z"}"#
            ),
            (
                "renewSandboxExpiration", .post, "/sandboxes/run/renew-expiration",
                #"{"expiresAt":"1999-01-01T00:00:00Z"}"#
            ),
            ("getDiagnosticLogs", .get, "/sandboxes/run/diagnostics/logs?scope=all", nil),
            ("getDiagnosticLogs", .get, "/sandboxes/run/diagnostics/logs", nil),
            ("getDiagnosticEvents", .get, "/sandboxes/run/diagnostics/events?scope=all", nil),
            ("inspectSandbox", .get, "/sandboxes/run/diagnostics/inspect", nil),
            ("summarizeSandbox", .get, "/sandboxes/run/diagnostics/summary", nil),
            ("createSnapshot", .post, "/sandboxes/run/snapshots", #"{"name":"x"}"#),
            ("createSnapshot", .post, "/sandboxes/capture/snapshots", nil),
            ("listSnapshots", .get, "/snapshots", nil), ("getSnapshot", .get, "/snapshots/snap", nil),
            ("deleteSnapshot", .delete, "/snapshots/busy", nil), ("deleteSnapshot", .delete, "/snapshots/snap", nil),
            ("pauseSandbox", .post, "/sandboxes/capture/pause", nil),
            ("pauseSandbox", .post, "/sandboxes/run/pause", nil),
            ("resumeSandbox", .post, "/sandboxes/run/resume", nil),
            ("reportMetricsEvent", .post, "/metrics/events", "{}"),
            (
                "reportMetricsEvent", .post, "/metrics/events",
                #"{"eventType":"sandbox.create","createDurationMs":1,"success":true}"#
            ),
            ("listPools", .get, "/pools", nil), ("getPool", .get, "/pools/x", nil),
            ("listTemplates", .get, "/templates", nil), ("getNetworkPolicy", .get, "/sandboxes/run/networkpolicy", nil),
            ("getHealth", .get, "/health", nil), ("getVersion", .get, "/version", nil),
            ("moveSandbox", .post, "/sandboxes/run/move", #"{"target":{"name":"x"}}"#),
            ("moveSandbox", .post, "/sandboxes/none/move", #"{"target":{"name":"x"}}"#),
            ("moveSandbox", .post, "/sandboxes/run/move", "{}"), ("getMove", .get, "/sandboxes/none/move", nil),
            ("cancelMove", .delete, "/sandboxes/none/move", nil), ("refuseArrival", .delete, "/arrivals/x", nil),
            ("takeSandbox", .post, "/sandboxes/run/move/taking", nil),
            ("reportArrival", .post, "/sandboxes/run/move/arrival", "{}"),
            ("deleteSandbox", .delete, "/sandboxes/run", nil), ("deleteSandbox", .delete, "/sandboxes/run", nil),
        ]
        try await APIClient.with(runtime) { api async throws in
            for (id, method, path, body) in calls {
                try Self.expect(try await api.call(method, "/v1" + path, body), of: id)
            }
        }
    }

    @Test func aFaultOfADescriptionIsSeen() {
        let schema = APISchema.object([.required("a", .integer(0...3)), .optional("b", .moment)])
        #expect(Self.faults(.object(["a": .integer(1), "b": .string("2026-01-01T00:00:00.000Z")]), schema).isEmpty)
        for value: [String: JSONValue] in [
            [:], ["a": .integer(4)], ["a": .string("1")], ["a": .integer(1), "c": .null],
            ["a": .integer(1), "b": .string("x")],
        ] {
            #expect(!Self.faults(.object(value), schema).isEmpty, "\(value)")
        }
    }
}
