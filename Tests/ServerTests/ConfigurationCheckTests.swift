// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL
import struct Foundation.UUID

@testable import Server

@Suite struct ConfigurationCheckTests {
    private func check(_ text: String, _ environment: [String: String], machine: Bool = false) throws
        -> ConfigurationCheck
    {
        let file = FileManager.default.temporaryDirectory.appending(component: "stasis-\(UUID().uuidString).toml")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return ConfigurationCheck(
            ConfigurationFile(argument: file.path, environment: environment),
            environment: environment,
            machine: machine
        )
    }

    @Test func whatCanBeUsed() throws {
        let check = try check("[server]\nhots = 1", ConfigurationTests.environment)
        #expect(check.isUsable)
        #expect(check.warnings.map(\.path) == ["server.hots"])
        #expect(
            check.report == """
                warning: server.hots: There is no such key; it has no effect. Was 'server.host' meant?
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

    /// A folder of this machine for a configuration to name.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "stasis-check-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func whatIsNamedOnThisMachine() throws {
        try withFolder { folder in
            try Data("{}".utf8).write(to: URL(filePath: "\(folder)/file"))
            try Data("no json".utf8).write(to: URL(filePath: "\(folder)/logins"))
            let text = """
                [storage]
                allowed_host_paths = ["\(folder)", "\(folder)/none"]
                [local]
                state_dir = "\(folder)/file/state"
                snapshot_store = "oci:\(folder)/file"
                containerd_socket = "\(folder)/file"
                registry_config = "\(folder)/logins"
                """
            let check = try check(text, ConfigurationTests.environment, machine: true)
            let keys = check.problems.map { String($0.prefix { $0 != ":" }) }
            #expect(
                keys == [
                    "local.state_dir", "local.snapshot_store", "local.containerd_socket", "local.registry_config",
                ]
            )
            #expect(check.warnings.map(\.path).contains("storage.allowed_host_paths"))
            #expect(check.warnings.count { $0.path == "storage.allowed_host_paths" } == 1)
        }
    }

    @Test func whatMayYetComeIsAWarning() throws {
        try withFolder { folder in
            let text = """
                [local]
                state_dir = "\(folder)/a/b"
                containerd_socket = "\(folder)/none.sock"
                registry_config = "\(folder)/logins"
                """
            try Data(#"{"auths":{"registry.example":{"auth":"eDp5"}},"credsStore":"x"}"#.utf8)
                .write(to: URL(filePath: "\(folder)/logins"))
            let check = try check(text, ConfigurationTests.environment, machine: true)
            #expect(check.isUsable, "\(check.report)")
            #expect(check.warnings.map(\.path).contains("local.containerd_socket"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["logins"], "nothing was made")
        }
    }

    @Test(arguments: [
        ("[sever]\nport = 1", "sever", "'server'"),
        ("[local.netwrok]\nbridge = \"b\"", "local.netwrok", "'local.network'"),
        ("[local]\nstatedir = \"/x\"", "local.statedir", "'local.state_dir'"),
        ("[server]\nhsot = \"h\"", "server.hsot", "'server.host'"),
        ("[storage]\nallowed_hostpaths = []", "storage.allowed_hostpaths", "'storage.allowed_host_paths'"),
    ])
    func misspelling(text: String, path: String, meant: String) throws {
        let check = try check(text, ConfigurationTests.environment)
        #expect(check.warnings.map(\.path) == [path])
        #expect(check.warnings.first?.message.contains("Was \(meant) meant?") == true, "\(check.warnings)")
    }

    @Test func nothingIsGuessedFromAfar() throws {
        let check = try check("[novelty]\nx = 1\n[server]\nzz = 1", ConfigurationTests.environment)
        #expect(check.warnings.map(\.path) == ["server.zz", "novelty"])
        #expect(check.warnings.allSatisfy { !$0.message.contains("meant") })
        #expect(check.warnings.last?.message.hasPrefix("There is no such table") == true)
    }

    @Test func volumesFromTheMachine() throws {
        let text = """
            [storage]
            allowed_host_paths = ["/data", "~/shared"]
            volume_default_size = "1Gi"
            """
        let (configuration, warnings) = try ServerConfiguration.load(
            text: text,
            environment: ConfigurationTests.environment
        )
        guard case .local(let local) = configuration.runtime else { return }
        let home = try #require(ConfigurationTests.environment["HOME"])
        #expect(local.allowedHostPaths == ["/data", "\(home)/shared"])
        #expect(warnings.map(\.path) == ["storage.volume_default_size"])
        for path in ["data", "/data/../etc", ""] {
            let error = #expect(throws: ConfigurationError.self) {
                try ServerConfiguration.load(
                    text: "[storage]\nallowed_host_paths = [\"\(path)\"]",
                    environment: ConfigurationTests.environment
                )
            }
            #expect(error?.problems.first?.hasPrefix("storage.allowed_host_paths: ") == true)
        }
    }

    @Test func isolationOfTenantsIsNotIgnored() throws {
        let check = try check("[tenants]\nfile = \"x\"", ConfigurationTests.environment)
        #expect(check.problems.count == 1 && check.problems[0].hasPrefix("tenants: "), "\(check.problems)")
        #expect(check.warnings.isEmpty)
    }
}
