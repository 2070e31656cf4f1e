// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import SnapshotProvider
import Testing

@testable import FirstProvider

@Suite("The first provider")
struct FolderProviderTests {
    @Test("keeps what a provider promises")
    func promises() async throws {
        let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: root) }
        for folder in ["boxes/box", "store"] {
            try FileManager.default.createDirectory(at: root.appending(path: folder), withIntermediateDirectories: true)
        }
        try Data("kept".utf8).write(to: root.appending(path: "boxes/box/file"))

        let provider = FolderProvider(folders: "\(root.path)/boxes", store: "\(root.path)/store", image: "busybox")
        let trial = ProviderTrial(provider) { uid, afterwards in
            let main = SnapshotContainer(name: "main", id: "c0ffee", image: "registry.example/app", target: "")
            let source = SnapshotSource(
                sandbox: "box",
                namespace: "boxes",
                pod: "box-0",
                podUID: "6a1b",
                node: "here",
                containers: [main]
            )
            return SnapshotRequest(uid: uid, source: source, afterwards: afterwards)
        }
        #expect(try await trial.run() == [])
    }
}
