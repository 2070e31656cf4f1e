// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage

/// A program that keeps logins, `docker-credential-<name>`: a registry's name on its standard input, a login on its
/// standard output.
struct CredentialHelper: Sendable {
    /// What follows `docker-credential-`.
    let name: String
    /// The program's environment. It is looked up in the `PATH` there.
    let environment: [String: String]
    /// How long one question may take. Some helpers ask a cloud's metadata service, some a person.
    var timeLimit: Duration = .seconds(30)

    /// The most that is read of an answer, in bytes. Tokens of clouds have some thousands.
    private static let answerLimit = 256 << 10

    private struct Answer: Decodable {
        var Username: String?
        var Secret: String?
    }

    /// Asks for a registry's login; `nil` if the helper has none.
    ///
    /// - Throws: `RegistryError` of kind `credentialHelper`, or `CancellationError`; the program is dead then.
    func credentials(for server: String) async throws -> RegistryCredentials? {
        // The name comes from a file: it names a program in PATH, never a path.
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
            throw fault(server, "'\(name.prefix(80))' is not the name of a credential helper")
        }
        let timeLimit = timeLimit
        let (output, errors, isSuccess) = try await withThrowingTaskGroup(
            of: (output: String, errors: String, isSuccess: Bool).self
        ) { group in
            group.addTask { try await ask(server) }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                throw fault(server, "it did not answer within \(timeLimit) and was ended")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
        guard isSuccess else {
            // Helpers say it on the one or on the other, with nothing else to tell it from a failure.
            if [output, errors].contains(where: { $0.contains("credentials not found") }) { return nil }
            let words = [output, errors].map { $0.onOneLine(limit: 300) }.filter { !$0.isEmpty }
            throw fault(server, "it failed" + (words.isEmpty ? "" : ": " + words.joined(separator: "; ")))
        }
        return try parse(output, server)
    }

    /// Reads an answer. Nothing of it may get into an error.
    private func parse(_ output: String, _ server: String) throws(RegistryError) -> RegistryCredentials? {
        guard let answer: Answer = try? ImageDocument.decode(from: Array(output.utf8), subject: "a login") else {
            throw fault(server, "it did not answer with the JSON document that it should")
        }
        guard let secret = answer.Secret, !secret.isEmpty else { return nil }
        let username = answer.Username ?? ""
        return username == "<token>" ? .identityToken(secret) : .basic(username: username, password: secret)
    }

    private func ask(_ server: String) async throws -> (output: String, errors: String, isSuccess: Bool) {
        var options = PlatformOptions()
        // A session of its own, so that whatever it has started ends with it.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        do {
            // The question is in the pipe before the program lives: it is far smaller than a pipe's buffer, and writing
            // to a program that has died would end this process by SIGPIPE.
            let pipe = try FileDescriptor.pipe()
            try pipe.writeEnd.closeAfter { _ = try pipe.writeEnd.writeAll(server.utf8) }
            let result = try await Subprocess.run(
                .name("docker-credential-\(name)"),
                arguments: ["get"],
                environment: .custom(
                    Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
                ),
                platformOptions: options,
                input: .fileDescriptor(pipe.readEnd, closeAfterSpawningProcess: true),
                output: .string(limit: Self.answerLimit),
                error: .string(limit: Self.answerLimit)
            )
            try Task.checkCancellation()
            return (result.standardOutput, result.standardError, result.terminationStatus.isSuccess)
        } catch {
            try Task.checkCancellation()
            throw fault(
                server,
                "it could not be run",
                advice: "install it in PATH, or take it out of the Docker config",
                cause: error
            )
        }
    }

    private func fault(
        _ server: String,
        _ reason: String,
        advice: String? = nil,
        cause: (any Error)? = nil
    ) -> RegistryError {
        RegistryError(
            .credentialHelper,
            operation: "get the login for \(server) from",
            subject: "docker-credential-\(name.prefix(80))",
            reason: reason,
            advice: advice,
            cause: cause
        )
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
