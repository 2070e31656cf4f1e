// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Testing

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL
import struct Foundation.UUID

@testable import Server

@Suite struct TenantFileTests {
    /// A clock that stands until it is told otherwise.
    private final class Clock: Sendable {
        private let offset = Mutex(Duration.zero)
        private let start = ContinuousClock.now

        var now: ContinuousClock.Instant { start + offset.withLock { $0 } }
        func pass(_ duration: Duration = .seconds(2)) { offset.withLock { $0 += duration } }
    }

    private struct NoRuntime: Error {}

    private static func keys(_ texts: String...) -> [APIKey] { texts.compactMap { APIKey($0) } }

    private static let two = """
        [[tenants]]
        name = "red"
        namespace = "team-red"
        api_keys = ["r1", "r2"]
        [[tenants]]
        name = "blue"
        namespace = "team-blue"
        api_keys = ["b1"]
        """

    @Test func readsUpstreamsFormat() throws {
        let (entries, warnings) = try TenantFile.entries(in: Self.two)
        #expect(entries.map(\.name) == ["red", "blue"])
        #expect(entries.map(\.namespace) == ["team-red", "team-blue"])
        #expect(entries.map(\.keys) == [Self.keys("r1", "r2"), Self.keys("b1")])
        #expect(warnings.isEmpty)
    }

    @Test(arguments: [
        ("", "tenants:"), ("tenants = []", "tenants:"), ("tenants = 1", "tenants:"), ("[tenants]", "tenants:"),
        ("[[tenants]]\nnamespace = \"a\"\napi_keys = [\"k\"]", "tenants[0].name:"),
        ("[[tenants]]\nname = \"a\"\napi_keys = [\"k\"]", "tenants[0].namespace:"),
        ("[[tenants]]\nname = \"a\"\nnamespace = \"a\"", "tenants[0].api_keys:"),
        ("[[tenants]]\nname = \"a\"\nnamespace = \"a b\"\napi_keys = [\"k\"]", "tenants[0].namespace:"),
        ("[[tenants]]\nname = \"a\"\nnamespace = \"a\"\napi_keys = []", "tenants[0].api_keys:"),
        ("[[tenants]]\nname = \"a\"\nnamespace = \"a\"\napi_keys = [\" \"]", "tenants[0].api_keys:"),
        ("[[tenants]]\nname = \"a\"\nnamespace = \"a\"\napi_keys = \"secret\"", "tenants[0].api_keys:"),
        (two + "\n[[tenants]]\nname = \"c\"\nnamespace = \"c\"\napi_keys = [\"r2\"]", "tenants[2].api_keys:"),
        (two + "\n[[tenants]]\nname = \"red\"\nnamespace = \"c\"\napi_keys = [\"c\"]", "tenants[2].name:"),
    ])
    func refuses(text: String, place: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try TenantFile.entries(in: text) }
        #expect(error?.problems.first?.hasPrefix(place) == true, "\(error?.problems ?? [])")
        #expect(error?.problems.contains { $0.contains("r2") || $0.contains("secret") } == false)
    }

    /// A file that can be written again, and what reads it.
    private func withFile(
        _ kind: (String) -> TenantSource.Kind,
        _ body: (URL, TenantSource, Clock) throws -> Void
    ) throws {
        let file = FileManager.default.temporaryDirectory.appending(component: "stasis-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let clock = Clock()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let source = TenantSource(kind(file.path), logger: logger, clock: { clock.now }) { namespace in
            if namespace == "refused" { throw NoRuntime() }
            return InMemoryRuntime()
        }
        try body(file, source, clock)
    }

    @Test func aChangeIsSeenAfterAMoment() throws {
        try withFile({ .tenants($0) }) { file, source, clock in
            try Data(Self.two.utf8).write(to: file)
            #expect(try source.read().map(\.name) == ["red", "blue"])
            try Data(Self.two.replacing("b1", with: "b2").utf8).write(to: file, options: .atomic)
            #expect(source.change() == nil, "nobody looks at the file more than once a second")
            clock.pass()
            #expect(source.change()?.last?.keys == Self.keys("b2"))
            clock.pass()
            #expect(source.change() == nil)
        }
    }

    @Test func aFileThatCannotBeUsedChangesNothing() throws {
        try withFile({ .tenants($0) }) { file, source, clock in
            try Data(Self.two.utf8).write(to: file)
            _ = try source.read()
            for text in ["[[", "", Self.two.replacing("team-red", with: "refused")] {
                try Data(text.utf8).write(to: file, options: .atomic)
                clock.pass()
                #expect(source.change() == nil)
            }
            try Data(Self.two.utf8).write(to: file, options: .atomic)
            clock.pass()
            #expect(source.change()?.count == 2)
        }
    }

    @Test func aFileThatIsGoneLetsNobodyIn() throws {
        try withFile({ .keys($0) }) { file, source, clock in
            try Data("\n old \r\nnew\n\n".utf8).write(to: file)
            #expect(try source.read().map(\.keys) == [Self.keys("old", "new")])
            try FileManager.default.removeItem(at: file)
            clock.pass()
            let left = try #require(source.change())
            #expect(left.count == 1)
            #expect(
                left.allSatisfy { tenant in
                    !tenant.keys.isEmpty
                        && ["old", "new", ""].allSatisfy { key in !tenant.keys.contains { $0.matches(key) } }
                }
            )
            try Data("new".utf8).write(to: file)
            clock.pass()
            #expect(source.change()?.map(\.keys) == [Self.keys("new")])
        }
    }

    @Test func theSameNamespaceKeepsItsRuntime() throws {
        try withFile({ .tenants($0) }) { file, source, clock in
            try Data(Self.two.utf8).write(to: file)
            let before = try source.read().map { ObjectIdentifier($0.runtime as AnyObject) }
            try Data((Self.two + "\n").utf8).write(to: file, options: .atomic)
            clock.pass()
            #expect(source.change()?.map { ObjectIdentifier($0.runtime as AnyObject) } == before)
            #expect(Set(before).count == 2)
        }
    }

    @Test func anEmptyFileOfKeysIsRefused() throws {
        try withFile({ .keys($0) }) { file, source, _ in
            #expect(throws: ConfigurationError.self) { try source.read() }
            try Data(" \n\n".utf8).write(to: file)
            #expect(throws: ConfigurationError.self) { try source.read() }
        }
    }

    @Test func eachKeyLeadsToItsTenant() throws {
        try withFile({ .tenants($0) }) { file, _, _ in
            try Data(Self.two.utf8).write(to: file)
            var configuration = try ConfigurationTests.load("").configuration
            configuration.tenantFile = file.path
            let tenants = try Tenants(configuration, logger: Logger(label: "test")) { _ in InMemoryRuntime() }
            #expect(try tenants.tenant(offering: "r2").name == "red")
            #expect(try tenants.tenant(offering: "b1").name == "blue")
            #expect(throws: APIError.invalidKey) { try tenants.tenant(offering: "b2") }
            #expect(throws: APIError.missingKey) { try tenants.tenant(offering: "") }
            #expect(throws: APIError.missingKey) { try tenants.tenant(offering: nil) }
        }
    }
}
