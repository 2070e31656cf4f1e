// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Testing

@testable import SnapshotEngine

/// One layer in the place of many: whoever unpacks it finds what the stack of layers has, to the last attribute.
@Suite
struct LayerMergeTests {
    /// A history that nobody thought of, the same one for the same seed.
    private func history(_ seed: Int, steps: Int, latest: Int = .max) throws -> StackFixture {
        let stack = try StackFixture(prepare: RandomTreeTests.changes, "\(seed)", "120", "\(latest)")
        try SystemTool.python(LivingTreeScripts.lower, stack.base)
        for step in 1...steps {
            let number = seed * 100 + step
            let change: (Int) -> (String) throws -> Void = { number in
                { root in
                    if number % 3 == 0 {
                        try SystemTool.python(RandomTreeTests.changes, root, "\(number)", "60", "\(latest)")
                    } else {
                        try SystemTool.python(LivingTreeScripts.changes, root, "\(number)", "60", "")
                    }
                }
            }
            try stack.capture(change(number), then: step % 2 == 0 ? change(number + 1000) : nil)
        }
        return stack
    }

    private func expectSame(_ expected: String, _ actual: String, _ comment: String) {
        do {
            try SystemTool.python(GoldenScripts.compare, expected, actual)
        } catch {
            Issue.record("\(comment): \(error)")
        }
    }

    @Test("what is unpacked is what the sandbox saw, whatever it did", arguments: 1...8)
    func histories(seed: Int) async throws {
        let stack = try history(seed, steps: 4)
        let view = try stack.view()
        #expect(stack.layers.count >= 5)
        expectSame(view, try stack.unpack(stack.layers), "stacked")

        let merged = try await stack.merge(stack.layers)
        #expect(merged.summary.counts.entries > 50)
        expectSame(view, try stack.unpack([merged]), "merged")
        let overlay = try stack.unpackForOverlay(merged)
        expectSame(view, try stack.mountView(of: [overlay, stack.base], "overlay"), "merged, for overlayfs")

        // Merged again, with others on top.
        let lower = try await stack.merge(Array(stack.layers.prefix(3)), compression: .zstd(level: 1))
        let again = try await stack.merge([lower] + stack.layers.dropFirst(3))
        expectSame(view, try stack.unpack([again]), "merged twice")
        let twice = try await stack.merge(stack.layers)
        #expect(twice.summary.diffID == merged.summary.diffID, "the same layers give the same one")
    }

    @Test("umoci unpacks the same", arguments: [3])
    func umoci(seed: Int) async throws {
        // Times that it keeps in 64 bits of nanoseconds.
        let stack = try history(seed, steps: 3, latest: 9_000_000_000)
        let merged = try await stack.merge(stack.layers)
        for (name, layers) in [("stacked", stack.layers), ("merged", [merged])] {
            let bundle = stack.folder["bundle-\(name)"]
            try SystemTool.run("umoci", "unpack", "--image", "\(try stack.layout(layers)):latest", bundle)
            expectSame(try stack.mountView(of: stack.lower, "view-\(name)"), bundle + "/rootfs", name)
        }
    }
}
