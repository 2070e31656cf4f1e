// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess

/// Debian's `docker-registry`, started for a test on a free port with a folder of its own, and ended after it.
///
/// It ends with the test's process as well, however that dies: a shell waits beside it for the end of a pipe.
public struct DockerRegistry: Sendable {
    /// Who may use a registry.
    public enum Access: Sendable {
        /// Everybody.
        case open
        /// One user with a password.
        case login(username: String, password: String)
        /// Who has a token of a token service; `certificates` is the path of a PEM file with the service's
        /// certificates.
        case token(realm: String, service: String, issuer: String, certificates: String)
    }

    /// The files of a server's certificate, PEM both.
    public struct TLS: Sendable {
        /// The certificate's path.
        public var certificate: String
        /// The key's path.
        public var key: String
        /// Whose certificates clients must have; `nil` if they need none.
        public var clientAuthorities: String?

        /// Names the files.
        public init(certificate: String, key: String, clientAuthorities: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientAuthorities = clientAuthorities
        }
    }

    /// The registry did not start.
    public struct Failure: Error, CustomStringConvertible {
        /// What it printed.
        public let description: String
    }

    /// Where it listens: `<address>:<port>`.
    public let authority: String
    /// What it stores: its root directory.
    public let storage: String

    /// The file of a blob, for tests that damage it.
    ///
    /// - Parameter hex: the SHA-256 in hex digits.
    public func blobFile(sha256 hex: String) -> String {
        "\(storage)/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data"
    }

    /// The files of uploads that were neither committed nor cancelled.
    public func unfinishedUploads() throws -> [String] {
        // The registry leaves the folder of a cancelled upload behind, without the upload's `data`.
        try FileManager.default.subpathsOfDirectory(atPath: storage)
            .filter { $0.contains("/_uploads/") && $0.hasSuffix("/data") }
    }

    /// Starts a registry, runs `body` with it, and ends it.
    ///
    /// - Parameters:
    ///   - storage: a folder to store in; `nil` for one that is deleted afterwards.
    ///   - address: where it listens, at a free port.
    ///   - deletes: whether it deletes anything.
    /// - Throws: `Failure` if it does not start, and what `body` throws.
    public static func run<Result: Sendable>(
        _ access: Access = .open,
        tls: TLS? = nil,
        storage: String? = nil,
        address: String = "127.0.0.1",
        deletes: Bool = true,
        _ body: (DockerRegistry) async throws -> Result
    ) async throws -> Result {
        let name = "stasis-registry-\(UInt64.random(in: 0 ... .max))"
        let folder = FileManager.default.temporaryDirectory.appending(path: name).path
        let storage = storage ?? "\(folder)/storage"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: storage, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let configuration = "\(folder)/config.yml"
        try await text(access, tls: tls, folder: folder, storage: storage, address: address, deletes: deletes)
            .write(toFile: configuration, atomically: false, encoding: .utf8)

        let script = """
            docker-registry serve "$1" </dev/null & registry=$!
            read -r _
            kill "$registry"; wait "$registry" 2>/dev/null
            """
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(5))
        ]
        return try await Subprocess.run(
            .name("sh"),
            arguments: ["-c", script, "docker-registry", configuration],
            platformOptions: options,
            input: .inputWriter,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let output = execution.standardOutput
            let input = execution.standardInputWriter
            return try await withThrowingTaskGroup(of: Void.self) { group in
                let (addresses, found) = AsyncStream.makeStream(of: Swift.Result<String, Failure>.self)
                group.addTask { try await follow(output, into: found) }
                do {
                    var iterator = addresses.makeAsyncIterator()
                    guard let address = await iterator.next() else { throw CancellationError() }
                    let registry = DockerRegistry(authority: try address.get(), storage: storage)
                    let result = try await body(registry)
                    try await input.finish()
                    try await group.waitForAll()
                    return result
                } catch {
                    try? await input.finish()
                    throw error
                }
            }
        }.closureResult
    }

    /// Reads what it prints until it ends: tells where it listens, or what it said instead.
    private static func follow(
        _ output: SubprocessOutputSequence,
        into found: AsyncStream<Swift.Result<String, Failure>>.Continuation
    ) async throws {
        var log = ""
        var isListening = false
        for try await line in output.strings() where !isListening {
            log += line
            guard let start = line.range(of: "listening on ")?.upperBound else { continue }
            let address = line[start...].prefix { $0.isNumber || $0 == "." || $0 == ":" }
            isListening = true
            found.yield(.success(String(address)))
        }
        if !isListening { found.yield(.failure(Failure(description: "docker-registry did not start:\n\(log)"))) }
        found.finish()
    }

    private static func text(
        _ access: Access,
        tls: TLS?,
        folder: String,
        storage: String,
        address: String,
        deletes: Bool
    ) async throws -> String {
        var text = """
            version: 0.1
            log: {level: info, formatter: json, accesslog: {disabled: true}}
            storage: {filesystem: {rootdirectory: "\(storage)"}, delete: {enabled: \(deletes)}}
            http:
              addr: "\(address):0"
              secret: "\(UInt64.random(in: 0 ... .max))"

            """
        if let tls {
            let clients = tls.clientAuthorities.map { ", clientcas: [\"\($0)\"]" } ?? ""
            text += "  tls: {certificate: \"\(tls.certificate)\", key: \"\(tls.key)\"\(clients)}\n"
        }
        switch access {
        case .open:
            break
        case .login(let username, let password):
            try await Command.run("htpasswd", ["-Bbc", "\(folder)/htpasswd", username, password])
            text += "auth: {htpasswd: {realm: test, path: \"\(folder)/htpasswd\"}}\n"
        case .token(let realm, let service, let issuer, let certificates):
            text += """
                auth:
                  token: {realm: "\(realm)", service: "\(service)", issuer: "\(issuer)", rootcertbundle: "\(certificates)"}

                """
        }
        return text
    }
}
