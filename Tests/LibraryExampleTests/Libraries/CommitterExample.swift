// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Committer
import Logging

/// Compiled, and not run.
func exampleOfCommitter(environment: [String: String], logger: Logger) async throws {
    let settings = try CommitterSettings(environment: environment)
    let committer = Committer(settings: settings, logger: logger) { line in print(line) }
    let report = try await committer.commit(
        pod: "box-0",
        namespace: "boxes",
        targets: try CommitTarget.list(parsing: ["main:registry.example/boxes/box:1"])
    )
    print(report.digestLines)
}
