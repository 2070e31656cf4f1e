// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a sandbox counts in a folder that outlives its pods, as a proof that it runs.
struct Counter {
    /// What the sandbox runs: it counts all the time, in its own filesystem and outside.
    static let program = """
        trap 'exit 0' TERM; i=$(cat /count 2>/dev/null || echo 0); while :; do i=$((i+1)); echo $i > /count; \
        echo $i > /outside/new; mv /outside/new /outside/count; sleep 0.1; done
        """

    /// The folder that it sees as `/outside`.
    let folder: String

    /// What it has counted.
    var value: Int {
        let text = try? String(contentsOfFile: "\(folder)/count", encoding: .utf8)
        return text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 0
    }

    /// Returns when it has counted on from now.
    func waitUntilItCounts() async throws {
        let start = value
        while value < start + 2 { try await Task.sleep(for: .milliseconds(20)) }
    }
}
