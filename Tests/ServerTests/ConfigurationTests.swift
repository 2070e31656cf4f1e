// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SnapshotEngine
import Testing

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL
import struct Foundation.UUID

@testable import Server

@Suite struct ConfigurationTests {
    static let environment = ["OPENSANDBOX_SERVER_API_KEY": "k", "HOME": "/home/u"]

    static func load(
        _ text: String,
        _ environment: [String: String] = environment
    ) throws -> (configuration: ServerConfiguration, warnings: [String]) {
        let (configuration, warnings) = try ServerConfiguration.load(text: text, environment: environment)
        return (configuration, warnings.map(\.path))
    }

    @Test func theDefaults() throws {
        let (configuration, warnings) = try Self.load("")
        var http = ServerConfiguration.HTTP()
        http.apiKey = APIKey("k")
        let local = ServerConfiguration.Local(stateDirectory: "/home/u/.stasis")
        #expect(configuration == ServerConfiguration(http: http, logLevel: .info, runtime: .local(local)))
        #expect(local.snapshotStore == .layout(path: "/home/u/.stasis/snapshots"))
        #expect(warnings.isEmpty)
    }

    @Test func everyKey() throws {
        let (configuration, warnings) = try Self.load(
            """
            [server]
            host = "127.0.0.1"
            port = 9090
            api_key = "from the file"
            eip = "203.0.113.9"
            max_sandbox_timeout_seconds = 86400
            timeout_keep_alive = 5
            limit_concurrency = 0
            backlog = 10
            timeout_graceful_shutdown = 7
            [log]
            level = "DEBUG"
            [runtime]
            type = "local"
            [secure_runtime]
            type = ""
            [local]
            containerd_socket = "/run/c.sock"
            containerd_namespace = "mine"
            state_dir = "/var/lib/stasis"
            snapshot_store = "registry.example:5000/team/snapshots"
            snapshot_compression = "zstd"
            insecure_registries = ["registry.example:5000"]
            registry_config = "~/.docker/config.json"
            registry_certificates = "~/certs.d"
            pause_deadline_seconds = 60
            max_snapshot_layers = 5
            host = "sandboxes.example"
            [local.network]
            bridge = "br-x"
            subnet = "172.16.0.0/12"
            """,
            ["HOME": "/home/u"]
        )
        #expect(warnings.isEmpty)
        var http = ServerConfiguration.HTTP()
        http.host = "127.0.0.1"
        http.port = 9090
        http.apiKey = APIKey("from the file")
        http.publishedHost = "203.0.113.9"
        http.maximumTimeout = 86400
        http.keepAliveTimeout = 5
        http.concurrencyLimit = 0
        http.backlog = 10
        http.gracefulShutdownTimeout = 7
        var local = ServerConfiguration.Local(stateDirectory: "/var/lib/stasis")
        local.containerdSocket = "/run/c.sock"
        local.containerdNamespace = "mine"
        local.snapshotStore = .registry(prefix: "registry.example:5000/team/snapshots")
        local.snapshotCompression = .zstd
        local.insecureRegistries = ["registry.example:5000"]
        local.registryConfiguration = "/home/u/.docker/config.json"
        local.registryCertificates = "/home/u/certs.d"
        local.pauseDeadline = 60
        local.mostSnapshotLayers = 5
        local.publishedHost = "sandboxes.example"
        local.network.bridge = "br-x"
        local.network.subnet = "172.16.0.0/12"
        var expected = ServerConfiguration(http: http, logLevel: .debug, runtime: .local(local))
        expected.proxy.publishedHost = "203.0.113.9"
        // What moves copy goes by the same registries, unless the table says otherwise.
        expected.move.insecureRegistries = local.insecureRegistries
        expected.move.registryConfiguration = local.registryConfiguration
        expected.move.registryCertificates = local.registryCertificates
        #expect(configuration == expected)
    }

    @Test func theEnvironmentGoesBeforeTheFile() throws {
        let file = "[server]\napi_key = \"file\""
        #expect(try Self.load(file).configuration.http.apiKey == APIKey("k"))
        #expect(try Self.load(file, ["HOME": "/h"]).configuration.http.apiKey == APIKey("file"))
        let blank = ["HOME": "/h", "OPENSANDBOX_SERVER_API_KEY": " "]
        #expect(try Self.load(file, blank).configuration.http.apiKey == APIKey("file"))
    }

    @Test func withoutAKeyItTakesCourage() throws {
        let insecure = ["HOME": "/h", "OPENSANDBOX_INSECURE_SERVER": "YES"]
        #expect(try Self.load("", insecure).configuration.http.apiKey == nil)
        for value in ["", "yes", "true", "1"] {
            #expect(throws: ConfigurationError.self) {
                try Self.load("[server]\napi_key = \" \"", ["HOME": "/h", "OPENSANDBOX_INSECURE_SERVER": value])
            }
        }
    }

    @Test func theSnapshotFolderFollowsTheStateFolder() throws {
        let local = try Self.load("[local]\nstate_dir = \"/s\"").configuration.runtime
        var expected = ServerConfiguration.Local(stateDirectory: "/s")
        #expect(local == .local(expected))
        expected.snapshotStore = .layout(path: "/home/u/x")
        let moved = try Self.load("[local]\nstate_dir = \"/s\"\nsnapshot_store = \"oci:~/x\"").configuration.runtime
        #expect(moved == .local(expected))
    }

    @Test func thePublishedHostIsUpstreamsEIP() throws {
        guard case .local(let local) = try Self.load("[server]\neip = \"203.0.113.9\"").configuration.runtime
        else { return }
        #expect(local.publishedHost == "203.0.113.9")
    }

    @Test func unknownKeysAreToldWithTheirPath() throws {
        let (_, warnings) = try Self.load(
            """
            colour = 1
            [server]
            hots = "x"
            thread_pool_size = 200
            [runtime]
            type = "local"
            execd_image = "execd:1"
            [kubernetes]
            namespace = "x"
            [local.network]
            subnets = []
            [local]
            state_dirr = "/x"
            [nonsense]
            a.b = 1
            """
        )
        #expect(
            Set(warnings) == [
                "colour", "kubernetes", "local.network.subnets", "local.state_dirr", "nonsense", "runtime.execd_image",
                "server.hots", "server.thread_pool_size",
            ]
        )
    }

    @Test(arguments: [
        ("server = 1", "server:"), ("[server]\nport = \"8080\"", "server.port:"),
        ("[server]\nport = 65536", "server.port:"),
        ("[server]\nport = 80.5", "server.port:"), ("[server]\nhost = \"\"", "server.host:"),
        ("[server]\napi_key = 5", "server.api_key:"), ("[server]\nhost = 1979-05-27", "server.host:"),
        ("[server]\nmax_sandbox_timeout_seconds = 59", "server.max_sandbox_timeout_seconds:"),
        ("[server]\nlimit_concurrency = -1", "server.limit_concurrency:"), ("[log]\nlevel = \"loud\"", "log.level:"),
        ("[runtime]\ntype = \"docker\"", "runtime.type:"),
        ("[secure_runtime]\ntype = \"gvisor\"", "secure_runtime.type:"),
        ("[local]\nstate_dir = \"relative\"", "local.state_dir:"),
        ("[local]\nstate_dir = \"~other/x\"", "local.state_dir:"),
        ("[local]\ncontainerd_socket = \"c.sock\"", "local.containerd_socket:"),
        ("[local]\ncontainerd_namespace = \"a b\"", "local.containerd_namespace:"),
        ("[local]\ncontainerd_namespace = \"a..b\"", "local.containerd_namespace:"),
        ("[local]\nsnapshot_store = \"oci:x\"", "local.snapshot_store:"),
        ("[local]\nsnapshot_store = \"registry.example\"", "local.snapshot_store:"),
        ("[local]\nsnapshot_store = \"library/x\"", "local.snapshot_store:"),
        ("[local]\nsnapshot_store = \"registry.example/Upper\"", "local.snapshot_store:"),
        ("[local]\nsnapshot_store = \"https://registry.example/x\"", "local.snapshot_store:"),
        ("[local]\nsnapshot_compression = \"bzip2\"", "local.snapshot_compression:"),
        ("[local]\ninsecure_registries = \"x\"", "local.insecure_registries:"),
        ("[local]\ninsecure_registries = [1]", "local.insecure_registries:"),
        ("[local]\npause_deadline_seconds = 9", "local.pause_deadline_seconds:"),
        ("[local]\nmax_snapshot_layers = 2", "local.max_snapshot_layers:"),
        ("[local.network]\nbridge = \"sixteen-bytes-xx\"", "local.network.bridge:"),
        ("[local.network]\nbridge = \"a/b\"", "local.network.bridge:"),
        ("[local.network]\nsubnet = \"10.89.0.1/24\"", "local.network.subnet:"),
        ("[local.network]\nsubnet = \"10.89.0.0\"", "local.network.subnet:"),
        ("[local.network]\nsubnet = \"10.89.0/24\"", "local.network.subnet:"),
        ("[local.network]\nsubnet = \"256.0.0.0/8\"", "local.network.subnet:"),
        ("[local.network]\nsubnet = \"10.0.0.0/31\"", "local.network.subnet:"),
        ("a = ", "line 1"), ("a = 1\na = 2", "line 2"), ("[server\n", "line 1"),
    ])
    func refuses(text: String, place: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.load(text) }
        #expect(error?.problems.count == 1)
        #expect(error?.problems.first?.hasPrefix(place) == true, "\(error?.problems ?? [])")
    }

    @Test func allProblemsAreToldAtOnce() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try Self.load("[server]\nport = -1\n[log]\nlevel = 3", [:])
        }
        let keys = error?.problems.map { String($0.prefix { $0 != ":" }) }
        #expect(keys == ["server.port", "server.api_key", "log.level", "local.state_dir"])
    }

    @Test func whereTheFileIs() {
        let environment = ["SANDBOX_CONFIG_PATH": "/etc/s.toml", "HOME": "/h"]
        let named = ConfigurationFile(argument: "x.toml", environment: environment)
        #expect(named.path == "x.toml" && named.isRequired)
        let fromEnvironment = ConfigurationFile(argument: nil, environment: environment)
        #expect(fromEnvironment.path == "/etc/s.toml" && fromEnvironment.isRequired)
        let fallback = ConfigurationFile(argument: nil, environment: ["HOME": "/h"])
        #expect(fallback.path == "/h/.sandbox.toml" && !fallback.isRequired)
    }

    @Test func onlyTheDefaultFileMayBeMissing() throws {
        let folder = FileManager.default.temporaryDirectory.appending(component: "stasis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let home = ["HOME": folder.path]
        #expect(try ConfigurationFile(argument: nil, environment: home).read() == "")
        let missing = ConfigurationFile(argument: folder.path + "/none", environment: home)
        #expect(throws: ConfigurationError.self) { try missing.read() }
        let file = folder.appending(component: ".sandbox.toml")
        try Data("[server]".utf8).write(to: file)
        #expect(try ConfigurationFile(argument: nil, environment: home).read() == "[server]")
        try Data([0xFF]).write(to: file)
        #expect(throws: ConfigurationError.self) { try ConfigurationFile(argument: nil, environment: home).read() }
        // A folder of that name is not a missing file.
        try FileManager.default.removeItem(at: file)
        try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
        #expect(throws: ConfigurationError.self) { try ConfigurationFile(argument: nil, environment: home).read() }
    }
}
