// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotProvider

/// Compiled, and not run.
func exampleOfSnapshotProvider(_ provider: some SnapshotProvider) async {
    let request = SnapshotRequest(
        uid: "box-1",
        source: SnapshotSource(
            sandbox: "box",
            namespace: "boxes",
            pod: "box-0",
            podUID: "6a1b",
            node: "node-a",
            containers: [SnapshotContainer(name: "main", id: "c0ffee", image: "registry.example/app", target: "")]
        ),
        afterwards: .keepRunning
    )
    switch await provider.capture(request) {
    case .done(let artifact): print("durable:", artifact.parts.map(\.digest))
    case .waiting(let progress, let reasons): print("still \(progress.stage); again at \(reasons)")
    case .failed(let failure): print(failure.reason, failure.message)
    }
}
