// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

struct CredentialsTests {
    private final class TestClock: Sendable {
        let offset = Mutex(Duration.zero)
        let seconds = Mutex<Int64>(1000)
        private let start = ContinuousClock.now
        var now: ContinuousClock.Instant { start + offset.withLock { $0 } }
        var date: Timestamp { Timestamp(seconds: seconds.withLock { $0 }) }
    }

    private func authenticator(_ credentials: KubeCredentials, _ clock: TestClock) -> Authenticator {
        Authenticator(credentials, now: { clock.now }, date: { clock.date })
    }

    /// Writes a program that counts its runs and says what a test wants.
    private func plugin(_ folder: String, _ script: String, version: String = "v1") throws -> ExecPlugin {
        let path = "\(folder)/plugin"
        try "#!/bin/sh\necho x >>'\(folder)/runs'\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return ExecPlugin(
            apiVersion: "client.authentication.k8s.io/\(version)",
            command: path,
            variables: ["SECRET": "hush"],
            environment: ["PATH": "/bin:/usr/bin"]
        )
    }

    private func runs(_ folder: String) -> Int {
        ((try? String(contentsOfFile: "\(folder)/runs", encoding: .utf8)) ?? "").split(separator: "\n").count
    }

    private static func credential(_ status: String, version: String = "v1") -> String {
        #"{"apiVersion":"client.authentication.k8s.io/\#(version)","kind":"ExecCredential","status":\#(status)}"#
    }

    @Test func tokenFilesAreReadAgain() async throws {
        try await withTemporaryFolder { folder in
            let clock = TestClock()
            let file = "\(folder)/token"
            try "one\n".write(toFile: file, atomically: true, encoding: .utf8)
            let authenticator = authenticator(KubeCredentials(token: .file(file)), clock)
            let first = try await authenticator.authorization()
            #expect(first.bearerToken == "one")
            try "two".write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await authenticator.authorization().bearerToken == "one")
            #expect(try await authenticator.replacement(for: first)?.bearerToken == "two", "it was refused")
            try "three".write(toFile: file, atomically: true, encoding: .utf8)
            clock.offset.withLock { $0 += .seconds(61) }
            #expect(try await authenticator.authorization().bearerToken == "three")
            try FileManager.default.removeItem(atPath: file)
            clock.offset.withLock { $0 += .seconds(61) }
            let error = await #expect(throws: KubeError.self) { try await authenticator.authorization() }
            #expect(error?.subject == file)
            let other = self.authenticator(KubeCredentials(token: .file(file, fallback: "old")), clock)
            #expect(try await other.authorization().bearerToken == "old")
            try "a\u{0}b".write(toFile: file, atomically: true, encoding: .utf8)
            #expect(
                try await self.authenticator(KubeCredentials(token: .file(file, fallback: "old")), clock)
                    .authorization().bearerToken == "old"
            )
        }
    }

    @Test func aRefusedTokenIsReadAgainAndUsed() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/token"
            try "old".write(toFile: file, atomically: true, encoding: .utf8)
            try await TestWebServer.run({ request in
                if request.headers["Authorization"] == ["Bearer new"] { return .json("{}") }
                try "new".write(toFile: file, atomically: true, encoding: .utf8)
                return .status(401, reason: "Unauthorized")
            }) { server in
                try await withTestClient("http://\(server.authority)", credentials: .init(token: .file(file))) {
                    client,
                    _ in
                    _ = try await client.maps.get("one")
                    _ = try await client.maps.get("one")
                }
                #expect(server.requests.count == 3)
            }
            // What cannot change is not tried again.
            try await TestWebServer.run({ _ in .status(401, reason: "Unauthorized") }) { server in
                try await withTestClient("http://\(server.authority)", credentials: .init(token: .literal("x"))) {
                    client,
                    _ in
                    await #expect { try await client.maps.get("one") } throws: {
                        ($0 as? KubeError)?.kind == .unauthorized
                    }
                }
                #expect(server.requests.count == 1)
            }
        }
    }

    @Test func pluginsAreAskedWhenTheirTokenEnds() async throws {
        try await withTemporaryFolder { folder in
            let clock = TestClock()
            let answer = Self.credential(
                #"{"token":"t'"$(wc -l <"$0.d/../runs")"'","expirationTimestamp":"1970-01-01T01:00:00Z"}"#
            )
            try FileManager.default.createDirectory(atPath: "\(folder)/plugin.d", withIntermediateDirectories: true)
            let authenticator = authenticator(KubeCredentials(plugin: try plugin(folder, "echo '\(answer)'")), clock)
            let tokens = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<10 { group.addTask { try await authenticator.authorization().bearerToken } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(tokens == ["t1"] && runs(folder) == 1)
            clock.seconds.withLock { $0 = 3591 }
            let second = try await authenticator.authorization()
            #expect(second.bearerToken == "t2", "nearly ended")
            clock.seconds.withLock { $0 = 1000 }
            #expect(try await authenticator.replacement(for: second)?.bearerToken == "t3")
            #expect(runs(folder) == 3)
        }
    }

    @Test func pluginsAreToldWhatTheyAreAskedFor() async throws {
        try await withTemporaryFolder { folder in
            let script =
                #"echo "$KUBERNETES_EXEC_INFO" >"$0.info"; echo "$SECRET" >>"$0.info"; echo '\#(Self.credential(#"{"token":"t"}"#, version: "v1beta1"))'"#
            var plugin = try plugin(folder, script, version: "v1beta1")
            plugin.clusterInfo = ["server": "https://a"]
            #expect(try await plugin.ask().token == "t")
            let info = try String(contentsOfFile: "\(folder)/plugin.info", encoding: .utf8).split(separator: "\n").map(
                String.init
            )
            #expect(
                info == [
                    #"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{"cluster":{"server":"https://a"},"interactive":false}}"#,
                    "hush",
                ]
            )
        }
    }

    @Test(arguments: [
        ("echo oh no >&2; exit 3", "it failed: oh no"), ("echo hush", "did not answer with an ExecCredential"),
        ("echo '{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"token\":\"hush\"}'", "answered with a Pod of v1"),
        (
            #"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":""}}'"#,
            "neither a token"
        ),
        (
            #"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"clientCertificateData":"x"}}'"#,
            "without the other"
        ),
        (#"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"}'"#, "without credentials"),
        ("exec sleep 600", "did not answer within"), ("head -c 3000000 /dev/zero", "could not be run"),
    ])
    func pluginsThatFailAreTold(_ script: String, _ words: String) async throws {
        try await withTemporaryFolder { folder in
            var plugin = try plugin(folder, script)
            if script.contains("sleep") { plugin.timeLimit = .milliseconds(200) }
            let asked = plugin
            let error = await #expect(throws: KubeError.self) { try await asked.ask() }
            #expect(
                error?.kind == .credentials && error?.description.contains(words) == true,
                "\(error.map(\.description) ?? "")"
            )
            #expect(error?.description.contains("hush") == false)
        }
    }

    @Test func aPluginThatIsNotThereIsTold() async throws {
        let plugin = ExecPlugin(
            apiVersion: "client.authentication.k8s.io/v1",
            command: "no-such-plugin",
            environment: ["PATH": "/bin"],
            installHint: "get it there"
        )
        let error = await #expect(throws: KubeError.self) { try await plugin.ask() }
        #expect(error?.advice == "get it there" && error?.subject == "the program no-such-plugin")
    }
}
