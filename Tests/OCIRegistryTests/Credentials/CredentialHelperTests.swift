// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

/// Helpers that are small shell scripts in a folder of their own.
struct CredentialHelperTests {
    /// Runs `body` with a provider for a Docker config, and helpers by their names. `$ASKED` is a file to which they can
    /// write.
    private func withHelpers<Result>(
        _ helpers: [String: String],
        config: String,
        timeLimit: Duration = .seconds(60),
        _ body: (CredentialsProvider, _ folder: String) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { folder in
            for (name, script) in helpers {
                let path = "\(folder)/docker-credential-\(name)"
                try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
            try config.write(toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
            let environment = ["PATH": "\(folder):/usr/bin:/bin", "ASKED": "\(folder)/asked"]
            let provider = CredentialsProvider.dockerConfig(
                path: "\(folder)/config.json",
                environment: environment,
                timeLimit: timeLimit
            )
            return try await body(provider, folder)
        }
    }

    /// Answers with what it was called with and asked for.
    private static let echo = #"""
        server=$(cat)
        printf '%s %s\n' "$*" "$server" >>"$ASKED"
        printf '{"ServerURL":"%s","Username":"anna","Secret":"hush %s"}' "$server" "$server"
        """#

    @Test(arguments: [
        ("r.example", "team/app", "get r.example\n"), ("r.example:5000", "app", "get r.example:5000\n"),
        ("docker.io", "library/debian", "get https://index.docker.io/v1/\n"),
    ])
    func asksTheStore(_ domain: String, _ repository: String, _ asked: String) async throws {
        try await withHelpers(["echo": Self.echo], config: #"{"credsStore":"echo"}"#) { provider, folder in
            let server = asked.dropFirst("get ".count).dropLast()
            let found = try await provider.credentials(domain: domain, repository: repository)
            #expect(found == .basic(username: "anna", password: "hush \(server)"))
            #expect(try String(contentsOfFile: "\(folder)/asked", encoding: .utf8) == asked)
        }
    }

    @Test func prefersTheHelperOfARegistry() async throws {
        let config = #"""
            {"credsStore":"store","credHelpers":{"https://own.example/v1/":"own","file.example":""},
             "auths":{"file.example":{"auth":"YTpi"}}}
            """#
        let helpers = [
            "own": #"echo '{"Username":"<token>","Secret":"refresh"}'"#,
            "store": #"echo '{"Username":"s","Secret":"t"}'"#,
        ]
        try await withHelpers(helpers, config: config) { provider, _ in
            let own = try await provider.credentials(domain: "own.example", repository: "a")
            #expect(own == .identityToken("refresh"))
            let other = try await provider.credentials(domain: "other.example", repository: "a")
            #expect(other == .basic(username: "s", password: "t"))
            let file = try await provider.credentials(domain: "file.example", repository: "a")
            #expect(file == .basic(username: "a", password: "b"))
        }
    }

    /// What the helper does not have may be in the file, or nowhere.
    @Test(arguments: [
        "echo 'credentials not found in native keychain'; exit 1",
        "echo 'credentials not found in native keychain' >&2; exit 1",
        #"echo '{"ServerURL":"x","Username":"","Secret":""}'"#,
    ])
    func looksElsewhereForWhatTheHelperDoesNotHave(_ script: String) async throws {
        let config = #"{"credsStore":"empty","auths":{"file.example":{"auth":"YTpi"}}}"#
        try await withHelpers(["empty": script], config: config) { provider, _ in
            #expect(try await provider.credentials(domain: "none.example", repository: "a") == nil)
            let file = try await provider.credentials(domain: "file.example", repository: "a")
            #expect(file == .basic(username: "a", password: "b"))
        }
    }

    @Test(arguments: [
        ("echo locked >&2; exit 3", "it failed: locked"), ("echo not json", "JSON document"),
        (#"echo '{"Username":1,"Secret":"hush"}'"#, "JSON document"), ("kill -9 $$", "it failed"),
        ("yes hush | head -c 1000000", "could not be run"),
    ])
    func saysWhatWentWrong(_ script: String, _ reason: String) async throws {
        try await withHelpers(["bad": script], config: #"{"credsStore":"bad"}"#) { provider, _ in
            let error = await #expect(throws: RegistryError.self) {
                try await provider.credentials(domain: "r.example", repository: "a")
            }
            let said = error.map { "\($0)" } ?? ""
            #expect(error?.kind == .credentialHelper)
            #expect(said.contains(reason) && said.contains("docker-credential-bad") && said.contains("r.example"))
            #expect(!said.contains("hush"), "no secret in \(said)")
        }
    }

    @Test(arguments: ["missing", "../evil", "a b", "a/b"])
    func runsOnlyWhatIsInThePath(_ name: String) async throws {
        let script = #"touch "$ASKED""#
        try await withHelpers(["a": script], config: #"{"credsStore":"\#(name)"}"#) { provider, folder in
            let error = await #expect(throws: RegistryError.self) {
                try await provider.credentials(domain: "r.example", repository: "a")
            }
            #expect(error?.kind == .credentialHelper)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/asked"))
        }
    }

    /// Also if it is something that the helper has started which does not answer.
    @Test(arguments: ["exec sleep 1000", "sleep 1000 & wait", "sleep 1000"])
    func endsAHelperThatDoesNotAnswer(_ script: String) async throws {
        let script = #"echo $$ >"$ASKED"; \#(script)"#
        let limit = Duration.milliseconds(500)
        try await withHelpers(["slow": script], config: #"{"credsStore":"slow"}"#, timeLimit: limit) {
            provider,
            folder in
            let error = await #expect(throws: RegistryError.self) {
                try await provider.credentials(domain: "r.example", repository: "a")
            }
            #expect(error?.kind == .credentialHelper)
            // What is left in the helper's session, which has its process id for its name.
            guard let session = try? String(contentsOfFile: "\(folder)/asked", encoding: .utf8) else { return }
            let script = "while ps -o stat= -s \(session.dropLast()) | grep -qv Z; do sleep 0.1; done"
            try await Command.run("timeout", ["30", "sh", "-c", script])
        }
    }

    @Test func endsWithItsTask() async throws {
        try await withHelpers(["slow": "exec sleep 1000"], config: #"{"credsStore":"slow"}"#) { provider, _ in
            await withThrowingTaskGroup(of: RegistryCredentials?.self) { group in
                group.addTask { try await provider.credentials(domain: "r.example", repository: "a") }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
        }
    }

    /// One transfer has many requests; the helper is run once for them, and again when its login was refused.
    @Test func isNotRunForEachRequest() async throws {
        let script = #"""
            echo asked >>"$ASKED"
            if [ "$(wc -l <"$ASKED")" = 1 ]; then secret=old; else secret=right; fi
            printf '{"Username":"anna","Secret":"%s"}' "$secret"
            """#
        try await withHelpers(["counted": script], config: #"{"credsStore":"counted"}"#) { provider, folder in
            try await DockerRegistry.run(.login(username: "anna", password: "old")) { registry in
                try await withTestClient(credentials: provider) { client, _ in
                    let image = try await SampleImage.make()
                    try await image.push(to: client.repository(try registry.reference("app")), as: .tag("1"))
                    #expect(try String(contentsOfFile: "\(folder)/asked", encoding: .utf8) == "asked\n")
                }
            }
            try FileManager.default.removeItem(atPath: "\(folder)/asked")
            try await DockerRegistry.run(.login(username: "anna", password: "right")) { registry in
                try await withTestClient(credentials: provider) { client, _ in
                    let repository = client.repository(try registry.reference("app"))
                    let first = await #expect(throws: RegistryError.self) {
                        try await repository.tags(after: nil, limit: 9)
                    }
                    #expect(first?.kind == .unauthorized)
                    #expect(try await repository.tags(after: nil, limit: 9) == [])
                    #expect(try String(contentsOfFile: "\(folder)/asked", encoding: .utf8) == "asked\nasked\n")
                }
            }
        }
    }
}
