// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL
import struct Foundation.UUID

@testable import Server

@Suite struct ConfigurationCheckTests {
    private func check(_ text: String, _ environment: [String: String]) throws -> ConfigurationCheck {
        let file = FileManager.default.temporaryDirectory.appending(component: "stasis-\(UUID().uuidString).toml")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return ConfigurationCheck(
            ConfigurationFile(argument: file.path, environment: environment),
            environment: environment
        )
    }

    @Test func whatCanBeUsed() throws {
        let check = try check("[server]\nhots = 1", ConfigurationTests.environment)
        #expect(check.isUsable)
        #expect(check.warnings.map(\.path) == ["server.hots"])
        #expect(
            check.report == """
                warning: server.hots: There is no such key; it has no effect.
                The configuration can be used: 0 errors, 1 warnings.
                """
        )
    }

    @Test func problemsAndWarningsAreToldTogether() throws {
        let check = try check("[server]\nport = -1\nhots = 1\n[local.network]\nsubnet = \"x\"", ["HOME": "/h"])
        #expect(!check.isUsable)
        let keys = check.problems.map { String($0.prefix { $0 != ":" }) }
        #expect(keys == ["server.port", "server.api_key", "local.network.subnet"])
        #expect(check.warnings.map(\.path) == ["server.hots"])
        let kinds = check.report.split(separator: "\n").map { $0.prefix { $0 != ":" } }
        #expect(kinds == ["error", "error", "error", "warning", "The configuration cannot be used"])
    }

    @Test func aFileThatIsNotThere() {
        let check = ConfigurationCheck(
            ConfigurationFile(argument: "/no/such/file.toml", environment: [:]),
            environment: [:]
        )
        #expect(check.problems.count == 1 && check.problems[0].contains("/no/such/file.toml"))
    }
}
