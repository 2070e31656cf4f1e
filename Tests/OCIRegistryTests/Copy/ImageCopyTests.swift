// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Synchronization
import TestSupport
import Testing

/// Copies between real registries and image layouts.
struct ImageCopyTests {
    /// A registry, another one, a layout, and the same registry under another name: the digests stay, and all that refers
    /// to the image comes along.
    @Test func bringsEverythingAlong() async throws {
        try await DockerRegistry.run { first in
            try await DockerRegistry.run { second in
                try await withTemporaryFolder { folder in
                    try await withTestClient(chunkSize: 16_384) { client, _ in
                        let origin = client.repository(try first.reference("team/app"))
                        let sample = try await SignedIndex.push(to: origin, tag: "1")
                        let elsewhere = client.repository(try second.reference("copy"))
                        let layout = ImageLayoutRepository(folder: folder)
                        let renamed = client.repository(try second.reference("other/name"))

                        let there = try await ImageCopy(from: origin, to: elsewhere).run(.tag("1"))
                        #expect(there.descriptor.digest == sample.index.digest)
                        #expect(Set(there.referrers.map(\.digest)) == sample.referrers)
                        #expect(there.strays.isEmpty)
                        #expect(there.progress.blobsSent == there.progress.blobsTotal)
                        #expect(there.progress.bytesSent == there.progress.bytesTotal)
                        #expect(try await sample.faults(in: elsewhere, tag: "1") == [])

                        // By digest into a layout, and from there under another name.
                        try await ImageCopy(from: elsewhere, to: layout).run(
                            .digest(sample.index.digest),
                            as: .tag("kept")
                        )
                        #expect(try await sample.faults(in: layout, tag: "kept") == [])
                        let back = client.repository(try first.reference("back"))
                        try await ImageCopy(from: layout, to: back).run(.tag("kept"))
                        #expect(try await sample.faults(in: back, tag: "kept") == [])

                        // Within one registry nothing is moved.
                        let mounted = try await ImageCopy(from: elsewhere, to: renamed).run(.tag("1"))
                        #expect(mounted.progress.bytesSent == 0)
                        #expect(mounted.progress.blobsMounted == mounted.progress.blobsTotal)
                        #expect(mounted.progress.bytesSpared == mounted.progress.bytesTotal)
                        #expect(try await sample.faults(in: renamed, tag: "1") == [])
                    }
                }
            }
        }
    }

    /// Others read it: skopeo checks every digest on its way into a folder.
    @Test func isReadByOthers() async throws {
        try await DockerRegistry.run { registry in
            try await withTemporaryFolder { folder in
                try await withTestClient { client, _ in
                    let layout = ImageLayoutRepository(folder: "\(folder)/from")
                    let sample = try await SignedIndex.push(to: layout, tag: "1")
                    let target = client.repository(try registry.reference("app"))
                    try await ImageCopy(from: layout, to: target).run(.tag("1"))
                    for name in ["app:1", "app@\(sample.contents.digest)", "app@\(sample.indexSignature.digest)"] {
                        try await Command.run(
                            "skopeo",
                            [
                                "copy", "--all", "--preserve-digests", "--src-tls-verify=false",
                                "docker://\(registry.authority)/\(name)", "dir:\(folder)/read",
                            ]
                        )
                    }
                }
            }
        }
    }

    /// A name appears when all that belongs to it is there.
    @Test func writesTheNameLast() async throws {
        try await withTemporaryFolder { folder in
            let source = ImageLayoutRepository(folder: "\(folder)/a")
            let target = ImageLayoutRepository(folder: "\(folder)/b")
            let sample = try await SignedIndex.push(to: source, tag: "1")
            let states = Mutex<[ImageCopyProgress]>([])
            let outcome = try await ImageCopy(from: source, to: target).run(.tag("1")) { progress in
                states.withLock { $0.append(progress) }
            }
            #expect(outcome.progress.manifestsTotal == 6)
            let seen = states.withLock { $0 }
            #expect(seen.last == outcome.progress)
            #expect(seen.last?.manifestsDone == 6)
            #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.bytesSent <= $1.bytesSent }, "told in order")
            let plan = try await ImageCopy(from: source, to: target).plan(.tag("1"))
            #expect(plan.manifests.last?.digest == sample.index.digest)
            #expect(plan.bytes == outcome.progress.bytesTotal)
        }
    }

    @Test func takesWhatIsAskedFor() async throws {
        try await withTemporaryFolder { folder in
            let source = ImageLayoutRepository(folder: "\(folder)/a")
            let sample = try await SignedIndex.push(to: source, tag: "1")
            let bare = ImageLayoutRepository(folder: "\(folder)/bare")
            var copy = ImageCopy(from: source, to: bare, options: ImageCopyOptions(includesReferrers: false))
            let whole = try await copy.run(.tag("1"))
            #expect(whole.referrers.isEmpty)
            #expect(whole.progress.manifestsTotal == 3)
            #expect(try await bare.referrers(of: sample.index.digest, artifactType: nil).isEmpty)
            // One platform, with what refers to that image and not with what refers to the index.
            let part = ImageLayoutRepository(folder: "\(folder)/part")
            copy = ImageCopy(from: source, to: part, options: ImageCopyOptions(platform: .current))
            let one = try await copy.run(.tag("1"), as: .tag("mine"))
            #expect(Set(one.referrers.map(\.digest)) == [sample.contents.digest, sample.contentsSignature.digest])
            #expect(try await part.image(.tag("mine")).config == sample.images[0].config)
            let byDigest = try await copy.run(.digest(sample.index.digest))
            #expect(byDigest.descriptor.digest == one.descriptor.digest)
        }
    }

    /// Several copies of one image to one place at once: each finds all of it there in the end.
    @Test func comesToTheSameWhenDoneTwiceAtOnce() async throws {
        try await DockerRegistry.run { registry in
            try await withTemporaryFolder { folder in
                try await withTestClient(chunkSize: 16_384) { client, _ in
                    let source = ImageLayoutRepository(folder: folder)
                    let sample = try await SignedIndex.push(to: source, tag: "1")
                    let target = client.repository(try registry.reference("app"))
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for name in ["1", "2", "1"] {
                            group.addTask {
                                try await ImageCopy(from: source, to: target).run(.tag("1"), as: .tag(name))
                            }
                        }
                        try await group.waitForAll()
                    }
                    #expect(try await sample.faults(in: target, tag: "1") == [])
                    #expect(try await sample.faults(in: target, tag: "2") == [])
                    #expect(try registry.unfinishedUploads().isEmpty)
                }
            }
        }
    }

    @Test func saysWhichSideWantsALogin() async throws {
        try await DockerRegistry.run { open in
            try await DockerRegistry.run(.login(username: "anna", password: "right")) { closed in
                let login = CredentialsProvider.fixed(
                    .basic(username: "anna", password: "right"),
                    for: closed.authority
                )
                try await withTestClient(credentials: login) { client, _ in
                    let source = client.repository(try open.reference("app"))
                    let sample = try await SignedIndex.push(to: source, tag: "1")
                    try await withTestClient { stranger, _ in
                        let target = stranger.repository(try closed.reference("app"))
                        let error = await #expect(throws: ImageCopyError.self) {
                            try await ImageCopy(from: source, to: target).run(.tag("1"))
                        }
                        #expect(error?.side == .target)
                        #expect(error?.error.kind == .unauthorized)
                    }
                    let target = client.repository(try closed.reference("app"))
                    try await ImageCopy(from: source, to: target).run(.tag("1"))
                    #expect(try await sample.faults(in: target, tag: "1") == [])
                    try await withTestClient { stranger, _ in
                        let from = stranger.repository(try closed.reference("app"))
                        let error = await #expect(throws: ImageCopyError.self) {
                            try await ImageCopy(from: from, to: source).run(.tag("1"), as: .tag("2"))
                        }
                        #expect(error?.side == .source)
                        #expect(error?.description.contains("the copy's source failed: could not") == true)
                    }
                }
            }
        }
    }
}
