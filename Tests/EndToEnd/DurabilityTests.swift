// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import TestSupport
import Testing

@testable import LocalRuntime

/// What a power cut leaves: shown by the order in which the server syncs and names files, and by putting together what
/// would be there after a cut at each of these moments. It needs root.
@Suite("A power cut")
struct DurabilityTests {
    @Test("at any moment of a pause, a snapshot or a deletion finds every image whole that the database names")
    func cut() async throws {
        try await Testbed.with(isCopying: true) { testbed in
            guard let points = testbed.points else { return }
            try points.record(.all)
            try await testbed.start()
            let id = try await testbed.api.create(image: testbed.image).id
            try await testbed.write(["/file": "kept"], in: id)
            for _ in 0..<2 {
                try await testbed.api.pause(id)
                #expect(try await testbed.api.settled(id)?.status.state == "Paused")
                try await testbed.api.resume(id)
                #expect(try await testbed.api.settled(id)?.status.state == "Running")
            }
            let snapshot = try await testbed.api.settledSnapshot(testbed.api.takeSnapshot(of: id).id)
            #expect(snapshot.status.state == "Ready")
            try await testbed.api.deleteSnapshot(snapshot.id)
            try await testbed.expectConsistent()
            try await testbed.api.delete(id)
            try await testbed.expectConsistent()
            await testbed.stop()
            let events = try points.events()
            expectOrder(events, in: testbed)
            let found = try await replay(events, on: testbed)
            print("power cut: \(events.count) events, \(found.cuts) cuts, images named at \(found.named) of them")
            // Without any cut that finds an image in the database, nothing would have been shown.
            #expect(found.named > 20)
        }
    }

    /// Checks that each file is synced before it gets the name by which it is looked for, that the folder of that name is
    /// synced before the index is, and that the database's journal is synced after each commit.
    private func expectOrder(_ events: [CrashPoints.Event], in testbed: Testbed) {
        var synced: Set<String> = []
        var unsyncedNames: [String: String] = [:]
        var indexes = 0
        for event in events {
            switch event.word {
            case "sync": synced.insert(event.path)
            case "write": synced.remove(event.path)
            case "syncfolder": unsyncedNames[event.path] = nil
            case "rename":
                guard let from = event.from, event.domain == .layout else { continue }
                #expect(synced.contains(from), "\(event.path) got its name before its bytes were durable")
                synced.insert(event.path)
                if event.path.hasSuffix("/index.json") {
                    indexes += 1
                    let blobs = unsyncedNames.filter { $0.key.contains("/blobs/") }
                    #expect(blobs.isEmpty, "the index was replaced before the names of \(blobs) were durable")
                }
                unsyncedNames[(event.path as NSString).deletingLastPathComponent] = event.path
            default: break
            }
        }
        #expect(indexes >= 3)
        let journal = events.filter { $0.path == "\(testbed.database)-wal" }
        let commits = journal.filter { $0.domain == .commit }.count
        let syncs = journal.filter { $0.word == "sync" }.count
        #expect(commits > 10 && syncs >= commits, "\(commits) commits and \(syncs) syncs of the journal")
    }

    /// Puts together, after every event, what is certain to be on the disk, and looks at it; and the same with all names
    /// that were given so far, because a disk may be ahead of what it was told to sync.
    private func replay(_ events: [CrashPoints.Event], on testbed: Testbed) async throws -> (cuts: Int, named: Int) {
        var disk = DurableFiles(root: testbed.folder)
        var cuts = 0
        var named = 0
        for event in events {
            guard disk.apply(event, copies: testbed.points?.copies ?? "") else { continue }
            for ahead in [false, true] {
                cuts += 1
                let folder = "\(testbed.folder)/cut"
                try disk.write(to: folder, ahead: ahead)
                defer { try? FileManager.default.removeItem(atPath: folder) }
                do {
                    if try await expectWhole(folder, testbed) { named += 1 }
                } catch {
                    Issue.record("a cut after \(event.number) \(event.word) \(event.path), ahead \(ahead): \(error)")
                    return (cuts, named)
                }
            }
        }
        return (cuts, named)
    }

    /// Checks that the database opens, and that every image that it or the index names is complete.
    ///
    /// - Returns: Whether the database names one.
    private func expectWhole(_ folder: String, _ testbed: Testbed) async throws -> Bool {
        let layout = "\(folder)/snapshots"
        let found = try LayoutState(layout)
        guard found.missing.isEmpty else { throw Testbed.Failure("the index names missing blobs: \(found.missing)") }
        for hex in found.needed { try await check(hex, in: layout) }
        let database = "\(folder)/state/sandboxes.sqlite"
        guard FileManager.default.fileExists(atPath: database) else { return false }
        let store = try SandboxStore(path: database)
        let rows = try await store.all()
        let snapshots = try await store.snapshots.all()
        try store.close()
        // A row refers to its artifact from the moment at which the sandbox is to be sealed. What is being deleted may be gone.
        var artifacts = snapshots.filter { $0.status.state == .ready }.compactMap(\.artifact)
        for row in rows {
            switch row.recorded.phase {
            case .sealing(_, let artifact), .releasing(_, let artifact): artifacts.append(artifact)
            case .deleting, .deleted: continue
            default: break
            }
            artifacts += [row.recorded.artifact].compactMap(\.self)
        }
        for digest in artifacts.flatMap(\.parts).map(\.digest) {
            let repository = ImageLayoutRepository(folder: layout)
            let image = try await repository.image(.digest(try Digest(parsing: digest)))
            for blob in image.manifest.blobs { try await check(blob.digest.hex, in: layout) }
        }
        return !artifacts.isEmpty
    }

    /// Checks that a blob has the bytes that its name says.
    private func check(_ hex: String, in layout: String) async throws {
        guard let bytes = FileManager.default.contents(atPath: "\(layout)/blobs/sha256/\(hex)"),
            Digest.sha256(of: Array(bytes)).hex == hex
        else { throw Testbed.Failure("the blob \(hex) is missing or damaged") }
    }
}
