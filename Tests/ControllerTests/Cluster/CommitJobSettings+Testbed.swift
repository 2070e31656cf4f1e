// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import TestSupport

extension CommitJobSettings {
    /// Captures on the tests' cluster, with the committer that was built with the tests.
    init(of testbed: KubernetesTestbed) async throws {
        self.init(image: try await testbed.pushProgram("stasis-committer"))
        containerdSocket = testbed.containerdSocket
        containerdRoot = testbed.containerdRoot
    }
}
