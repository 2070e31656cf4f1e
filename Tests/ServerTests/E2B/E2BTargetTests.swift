// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Testing

@testable import Server

@Suite struct E2BTargetTests {
    private static let sandbox: HTTPFields = [.e2bSandboxID: "s1", .e2bSandboxPort: "49983"]

    private func target(_ path: String, host: String = "h", headers: HTTPFields = [:]) -> E2BTarget? {
        let head = HTTPRequest(method: .get, scheme: "http", authority: host, path: path, headerFields: headers)
        let request = Request(head: head, body: RequestBody(buffer: .init()))
        return E2BTarget(request, domain: "boxes.example:8443")
    }

    private func address(_ id: String, _ port: Int?, _ target: String, _ prefix: String = "") -> E2BTarget {
        .sandbox(E2BSandboxAddress(sandboxID: id, port: port, target: target, prefix: prefix))
    }

    @Test func theAPI() {
        #expect(target("/e2b/v2/sandboxes?limit=1") == .api(path: "/v2/sandboxes"))
        #expect(target("/kruise/api/sandboxes/a%2Fb") == .api(path: "/sandboxes/a%2Fb"))
        #expect(target("/e2b") == .api(path: "/"))
        // Some clients send along with everything which sandbox they think of.
        #expect(target("/e2b/sandboxes/s1/connect", headers: Self.sandbox) == .api(path: "/sandboxes/s1/connect"))
    }

    @Test func theOtherAPI() {
        for path in ["/", "/v1/sandboxes", "/e2bee", "/kruise", "/kruise/api2", "/kruise/s1", "/kruise//80/"] {
            #expect(target(path) == nil, "\(path)")
        }
        #expect(target("/", host: "boxes.example") == nil)
        #expect(target("/", host: "80-s1.boxes.example.evil") == nil)
        #expect(target("/", host: "80-a.b.boxes.example") == nil)
        #expect(target("/", host: "x-s1.boxes.example") == nil)
    }

    @Test func sandboxes() {
        #expect(target("/health?x", headers: Self.sandbox) == address("s1", 49983, "/health?x"))
        let wrong: HTTPFields = [.e2bSandboxID: "s1", .e2bSandboxPort: "70000"]
        #expect(target("/health", headers: wrong) == address("s1", nil, "/health"))
        for host in ["8080-s1.boxes.example", "8080-S1.Boxes.Example:99"] {
            #expect(target("/a", host: host) == address("s1", 8080, "/a"))
        }
        #expect(target("/a", host: "80-ns--name.boxes.example") == address("ns--name", 80, "/a"))
        #expect(target("/kruise/s1/80/a/b?c=/d") == address("s1", 80, "/a/b?c=/d", "/kruise/s1/80"))
        #expect(target("/kruise/s1/80") == address("s1", 80, "/", "/kruise/s1/80"))
        // The headers go first.
        #expect(target("/kruise/s2/80/a", headers: Self.sandbox) == address("s1", 49983, "/kruise/s2/80/a"))
    }
}

@Suite struct E2BTextTests {
    @Test(
        arguments: [
            ("30s", 30), ("1h30m", 5400), ("30d", 2_592_000), ("1.5h", 5400), ("100ms", 0.1), ("0", 0), ("-1m", -60),
            (".5s", 0.5), ("+2s", 2),
        ]
    )
    func durations(text: String, seconds: Double) {
        #expect(DurationText.seconds(text).map { abs($0 - seconds) < 1e-9 } == true)
    }

    @Test(arguments: [
        "", "30", "s", "1y", "1s ", " 1s", "1.2.3s", "1h-30m", "--1s", "٣s", "9999999999999h", ".s", "1e3s",
    ])
    func noDurations(text: String) {
        #expect(DurationText.seconds(text) == nil)
    }

    @Test(arguments: ["", "k", "with spaces and ünïcode", String(repeating: "x", count: 300)])
    func anyKeyHasAForm(raw: String) {
        let encoded = E2BCompatibleKey.encoded(raw)
        #expect(encoded.hasPrefix("e2b_6f6b616701") && encoded.dropFirst(4).allSatisfy(\.isHexDigit))
        #expect(E2BCompatibleKey.raw(of: encoded) == raw)
        #expect(E2BCompatibleKey.raw(of: encoded + "00") == nil)
        #expect(E2BCompatibleKey.raw(of: String(encoded.dropLast())) == nil)
        #expect(E2BCompatibleKey.raw(of: raw) == nil)
    }
}
