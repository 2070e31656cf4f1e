// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// How a test is told that there is no testbed.
@Suite struct FindTests {
    @Test func saysWhatToRunWhenThereIsNone() throws {
        let failure = try #require(throws: KubernetesTestbed.Failure.self) {
            try KubernetesTestbed.find(environment: ["HOME": "/nonexistent"])
        }
        #expect(failure.description.contains("/nonexistent/.cache/stasis/testbed/run/environment"))
        #expect(failure.description.contains("make testbed"))
    }

    @Test func saysWhatToRunWhenItIsAnotherVersions() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "testbed-\(UUID())")
        let run = folder.appending(path: "run")
        try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try "KUBECONFIG=/somewhere\n".write(to: run.appending(path: "environment"), atomically: true, encoding: .utf8)
        let failure = try #require(throws: KubernetesTestbed.Failure.self) {
            try KubernetesTestbed.find(environment: ["STASIS_TESTBED": folder.path])
        }
        #expect(failure.description.contains("does not tell STASIS_TESTBED_API"))
        #expect(failure.description.contains("make testbed-down"))
    }
}
