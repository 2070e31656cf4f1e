// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import OCIRegistry
import Synchronization
import TestSupport
import Testing

/// Answers that docker-registry cannot be made to give.
struct AnswerTests {
    private func withServer<Result: Sendable>(
        attempts: Int = 3,
        credentials: CredentialsProvider = .anonymous,
        _ handler: @escaping @Sendable (TestWebServer.Request) async throws -> TestWebServer.Response,
        _ body: (RegistryRepository, TestWebServer, Pauses) async throws -> Result
    ) async throws -> Result {
        try await TestWebServer.run(handler) { server in
            try await withTestClient(credentials: credentials, attempts: attempts) { client, pauses in
                let reference = try ImageReference(parsing: "\(server.authority)/app")
                return try await body(client.repository(reference), server, pauses)
            }
        }
    }

    private static let manifest = ByteBuffer(string: #"{"schemaVersion":2,"layers":[]}"#)
    private static let ok = TestWebServer.Response(.ok, ["Content-Type": MediaType.ociManifest.rawValue], manifest)

    // MARK: Repetition

    @Test func triesAgainAsTheRegistryAsks() async throws {
        let answers = Mutex([
            TestWebServer.Response(.serviceUnavailable), .init(.tooManyRequests, ["Retry-After": "7"]), Self.ok,
        ])
        try await withServer({ _ in answers.withLock { $0.removeFirst() } }) { repository, server, pauses in
            _ = try await repository.manifest(.tag("1"))
            #expect(server.requests.count == 3)
            let first = try #require(pauses.all.first)
            #expect(first >= .milliseconds(125) && first <= .milliseconds(250))
            #expect(pauses.all.dropFirst() == [.seconds(7)])
        }
    }

    @Test(arguments: [
        (HTTPResponseStatus.tooManyRequests, RegistryError.Kind.rateLimited), (.badGateway, .serverFault),
        (.internalServerError, .serverFault),
    ])
    func givesUpAfterSomeAttempts(_ status: HTTPResponseStatus, _ kind: RegistryError.Kind) async throws {
        try await withServer({ _ in .init(status) }) { repository, server, _ in
            let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(error?.kind == kind)
            #expect(error?.status == Int(status.code))
            #expect(server.requests.count == 3)
        }
    }

    @Test(arguments: [HTTPResponseStatus.badRequest, .forbidden, .notFound, .methodNotAllowed, .notImplemented])
    func doesNotRepeatWhatIsDecided(_ status: HTTPResponseStatus) async throws {
        try await withServer({ _ in .init(status) }) { repository, server, _ in
            await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(server.requests.count == 1)
        }
    }

    // MARK: Redirects

    @Test func leavesItsLoginBehindWhenItIsSentElsewhere() async throws {
        let layer = Array("layer".utf8)
        let digest = Digest.sha256(of: layer)
        let login = RegistryCredentials.basic(username: "anna", password: "right")
        try await TestWebServer.run({ _ in .init(.ok, [:], ByteBuffer(bytes: layer)) }) { storage in
            let location = "http://\(storage.authority)/bucket/x?signature=abc%2Fd%3D"
            let handler: @Sendable (TestWebServer.Request) -> TestWebServer.Response = { request in
                guard request.headers.contains(name: "Authorization") else {
                    return .init(.unauthorized, ["WWW-Authenticate": "Basic realm=x"])
                }
                if request.target == "/here" { return .init(.temporaryRedirect, ["Location": location]) }
                return .init(.temporaryRedirect, ["Location": "/here"])
            }
            try await TestWebServer.run(handler) { server in
                try await withTestClient(credentials: .fixed(login, for: server.authority)) { client, _ in
                    let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                    let descriptor = Descriptor(mediaType: .ociLayer, digest: digest, size: 5)
                    #expect(try await repository.blobData(descriptor, limit: 5) == layer)
                    #expect(server.requests.last?.headers.contains(name: "Authorization") == true)
                    #expect(storage.requests.map(\.target) == ["/bucket/x?signature=abc%2Fd%3D"])
                    #expect(storage.requests.first?.headers.contains(name: "Authorization") == false)
                }
            }
        }
    }

    @Test(arguments: [
        ("/again", "more than 5 times"), ("http://storage.example/x", "without TLS"),
        ("ftp://storage.example/x", "not a web address"),
    ])
    func refusesABadRedirect(_ location: String, _ reason: String) async throws {
        try await withServer({ _ in .init(.found, ["Location": location]) }) { repository, _, _ in
            let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(error?.reason.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
        }
    }

    // MARK: Wrong answers

    @Test func boundsTheSizeOfAManifest() async throws {
        let large = ByteBuffer(repeating: 0x20, count: ManifestContent.sizeLimit + 1)
        try await withServer({ _ in .init(.ok, [:], large) }) { repository, _, _ in
            let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(error?.kind == .tooLarge)
        }
    }

    @Test func believesNoDigestThatTheBytesDoNotHave() async throws {
        let other = Digest.sha256(of: [1]).description
        let handler: @Sendable (TestWebServer.Request) -> TestWebServer.Response = { request in
            var answer = request.method == .PUT ? TestWebServer.Response(.created) : Self.ok
            answer.headers.add(name: "Docker-Content-Digest", value: other)
            return answer
        }
        try await withServer(handler) { repository, _, _ in
            let got = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(got?.kind == .digestMismatch)
            let put = await #expect(throws: RegistryError.self) {
                try await repository.putManifest([1, 2], mediaType: .ociManifest, as: .tag("1"))
            }
            #expect(put?.kind == .digestMismatch)
            let resolved = await #expect(throws: RegistryError.self) {
                try await repository.resolve(.digest(.sha256(of: [2])))
            }
            #expect(resolved?.kind == .digestMismatch)
        }
    }

    /// Some registries leave the digest out of HEAD, or the type out of both.
    @Test func computesWhatTheRegistryDoesNotSay() async throws {
        try await withServer({ _ in .init(.ok, ["Content-Type": "text/plain"], Self.manifest) }) { repository, _, _ in
            let descriptor = try await repository.resolve(.tag("1"))
            #expect(descriptor?.digest == .sha256(of: Self.manifest))
            #expect(descriptor?.mediaType == .ociManifest)
        }
    }

    @Test func quotesTheRegistryWithinBounds() async throws {
        let entry = #"{"code":"DENIED","message":"no\#u{5C}n\#u{5C}u001b[31m\#(String(repeating: "x", count: 5000))"}"#
        let document = #"{"errors":[\#(Array(repeating: entry, count: 9).joined(separator: ","))]}"#
        try await withServer({ _ in .init(.forbidden, [:], text: document) }) { repository, _, _ in
            let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(error?.kind == .forbidden)
            #expect(error?.answers.count == 5)
            let said = "\(try #require(error))"
            #expect(said.contains("DENIED: no  [31mxxx"))
            #expect(said.utf8.count < 2500 && !said.contains("\u{1b}") && !said.contains("\n"))
        }
    }

    @Test(arguments: ["<html>nonsense</html>", #"{"errors":"none"}"#, ""])
    func livesWithAnswersThatSayNothing(_ text: String) async throws {
        try await withServer({ _ in .init(.forbidden, [:], text: text) }) { repository, _, _ in
            let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(error?.answers.isEmpty == true)
        }
    }

    @Test func noticesADownloadOfTheWrongRange() async throws {
        let bytes = SampleImage.seededBytes(1000)
        let handler: @Sendable (TestWebServer.Request) -> TestWebServer.Response = { request in
            if request.headers.contains(name: "Range") {
                let headers: HTTPHeaders = ["Content-Range": "bytes 0-999/1000"]
                return .init(.partialContent, headers, ByteBuffer(bytes: bytes))
            }
            return .init(.ok, [:], ByteBuffer(bytes: bytes), cut: 500)
        }
        try await withServer(handler) { repository, _, _ in
            let descriptor = Descriptor(of: bytes, mediaType: .ociLayer)
            let error = await #expect(throws: RegistryError.self) {
                try await collect(try await repository.blob(descriptor))
            }
            #expect(error?.kind == .unexpectedAnswer)
        }
    }
}
