// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import OCIRegistry
import Synchronization
import TestSupport
import Testing

/// Manifests that are about other manifests.
struct ReferrersTests {
    private static let empty = Array("{}".utf8)

    /// Puts an artifact about a manifest.
    private func attach(
        _ type: String?,
        to subject: Descriptor,
        in repository: any ImageRepository,
        note: String = ""
    ) async throws -> Descriptor {
        let config = try await repository.putBlob(Self.empty, mediaType: MediaType("application/vnd.test.config"))
        let manifest = ImageManifest(
            artifactType: type,
            config: config,
            layers: [config],
            subject: subject,
            annotations: ["note": note]
        )
        let bytes = try ImageDocument.encode(manifest)
        return try await repository.putManifest(bytes, mediaType: .ociManifest, as: .digest(.sha256(of: bytes)))
    }

    private func check(_ repository: any ImageRepository) async throws {
        let subject = try await SampleImage.make().push(to: repository, as: .tag("1"))
        let digest = subject.digest
        #expect(try await repository.referrers(of: digest, artifactType: nil) == [])
        let first = try await attach("test/signature", to: subject, in: repository, note: "a")
        let again = try await attach("test/signature", to: subject, in: repository, note: "a")
        #expect(first == again)
        let second = try await attach(nil, to: subject, in: repository, note: "b")
        let all = try await repository.referrers(of: digest, artifactType: nil)
        #expect(all.map(\.digest) == [first.digest, second.digest])
        #expect(all.map(\.artifactType) == ["test/signature", "application/vnd.test.config"])
        #expect(all.map(\.annotations) == [["note": "a"], ["note": "b"]])
        #expect(all.map(\.size) == [first.size, second.size])
        let signatures = try await repository.referrers(of: digest, artifactType: "test/signature")
        #expect(signatures.map(\.digest) == [first.digest])
        #expect(try await repository.referrers(of: first.digest, artifactType: nil) == [])
        #expect(try await repository.deleteManifest(first.digest) == .deleted)
        #expect(try await repository.referrers(of: digest, artifactType: nil).map(\.digest) == [second.digest])
    }

    @Test func keepsTheListWhereTheRegistryDoesNot() async throws {
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("app"))
                try await check(repository)
                let subject = try #require(try await repository.resolve(.tag("1"))).digest
                #expect(try await repository.tags(after: nil, limit: 9) == ["1", "sha256-\(subject.hex)"])
            }
        }
    }

    /// Where we keep the list, nothing of it stays when what is in it is deleted: not even a list without a tag.
    @Test func leavesNoListBehind() async throws {
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let subject = try await SampleImage.make().push(to: repository, as: .tag("1"))
                let list = ManifestReference.tag("sha256-\(subject.digest.hex)")
                let first = try await attach("t", to: subject, in: repository, note: "a")
                let second = try await attach("t", to: subject, in: repository, note: "b")
                let both = try await repository.manifest(list).digest
                #expect(try await repository.deleteManifest(first.digest) == .deleted)
                let one = try await repository.manifest(list).digest
                #expect(try await repository.deleteManifest(second.digest) == .deleted)
                #expect(try await repository.tags(after: nil, limit: 9) == ["1"])
                for digest in [both, one] { #expect(try await repository.resolve(.digest(digest)) == nil) }
            }
        }
    }

    @Test func readsAnImageLayout() async throws {
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            try await check(layout)
            #expect(try await layout.tags(after: nil, limit: 9) == ["1"])
            #expect(try await layout.tags(after: "1", limit: 9) == [])
            let digest = try await layout.manifest(.tag("1")).digest
            #expect(try await layout.deleteTag("1") == .deleted)
            #expect(try await layout.deleteTag("1") == .absent)
            #expect(try await layout.resolve(.tag("1")) == nil)
            #expect(try await layout.onlyReferences().contains(digest), "the manifest stays listed")
        }
    }

    /// Two that attach at once both end up in the list.
    @Test func losesNoneOfSeveralWriters() async throws {
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let subject = try await SampleImage.make().push(to: repository, as: .tag("1"))
                try await withThrowingTaskGroup(of: Digest.self) { group in
                    for note in ["a", "b"] {
                        group.addTask { try await attach("t", to: subject, in: repository, note: note).digest }
                    }
                    let attached = try await group.reduce(into: Set()) { $0.insert($1) }
                    let listed = try await repository.referrers(of: subject.digest, artifactType: "t")
                    #expect(Set(listed.map(\.digest)) == attached)
                }
            }
        }
    }

    /// A registry that has the API keeps the list itself, with or without filtering, on one page or several.
    @Test(arguments: [true, false])
    func usesTheAPIWhereThereIsOne(_ filters: Bool) async throws {
        func entry(_ byte: UInt8, _ type: String) throws -> String {
            var descriptor = Descriptor(of: [byte], mediaType: .ociManifest)
            descriptor.artifactType = type
            return String(decoding: try ImageDocument.encode(descriptor), as: UTF8.self)
        }
        let (wanted, other) = (try entry(1, "a/b+c"), try entry(2, "x"))
        let page = { @Sendable (entries: [String], link: HTTPHeaders) in
            let text = #"{"schemaVersion":2,"manifests":[\#(entries.joined(separator: ","))]}"#
            return TestWebServer.Response(.ok, link, text: text)
        }
        let handler: @Sendable (TestWebServer.Request) -> TestWebServer.Response = { request in
            if request.method == .PUT { return .init(.created, ["OCI-Subject": Digest.sha256(of: [9]).description]) }
            guard request.target.contains("/referrers/") else { return .init(.notFound) }
            if request.target.contains("page=2") { return page([wanted], [:]) }
            let link: HTTPHeaders = ["Link": "<\(request.target)&page=2>; rel=next"]
            let isFiltered = filters && request.target.contains("artifactType=a/b%2Bc")
            return page(isFiltered ? [] : [other], link)
        }
        try await TestWebServer.run(handler) { server in
            try await withTestClient { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                let found = try await repository.referrers(of: .sha256(of: [9]), artifactType: "a/b+c")
                #expect(found.map(\.digest) == [.sha256(of: [1])])
                let before = server.requests.count
                let manifest = ImageManifest(
                    config: Descriptor(of: Self.empty, mediaType: .ociConfig),
                    layers: [],
                    subject: Descriptor(of: [9], mediaType: .ociManifest)
                )
                let bytes = try ImageDocument.encode(manifest)
                try await repository.putManifest(bytes, mediaType: .ociManifest, as: .tag("1"))
                #expect(server.requests.count == before + 1, "nothing else is written")
            }
        }
    }

    @Test func saysThatTheListDoesNotStay() async throws {
        let handler: @Sendable (TestWebServer.Request) -> TestWebServer.Response = { request in
            request.method == .PUT ? .init(.created) : .init(.notFound)
        }
        try await TestWebServer.run(handler) { server in
            try await withTestClient { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                let manifest = ImageManifest(
                    config: Descriptor(of: Self.empty, mediaType: .ociConfig),
                    layers: [],
                    subject: Descriptor(of: [9], mediaType: .ociManifest)
                )
                let bytes = try ImageDocument.encode(manifest)
                let error = await #expect(throws: RegistryError.self) {
                    try await repository.putManifest(bytes, mediaType: .ociManifest, as: .tag("1"))
                }
                #expect(error?.reason.contains("at the same time") == true, "\(error.map { "\($0)" } ?? "")")
                #expect(server.requests.count < 20)
            }
        }
    }
}

extension ImageLayoutRepository {
    /// The digests that `index.json` lists.
    fileprivate func onlyReferences() async throws -> [Digest] {
        let bytes = try Data(contentsOf: URL(filePath: "\(folder)/index.json"))
        return try ImageDocument.decode(ImageIndex.self, from: Array(bytes), subject: "index.json").manifests.map(
            \.digest
        )
    }
}
