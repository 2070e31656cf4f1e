// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SnapshotEngine

/// Looking into layers' directories shows what the kernel shows.
@Suite
struct LowerViewTests {
    @Test("what overlayfs shows, in histories that nobody thought of", arguments: 1...3)
    func histories(seed: Int) throws {
        let stack = try StackFixture(prepare: LivingTreeScripts.lower)
        for step in 1...4 {
            try stack.capture { root in
                try SystemTool.python(LivingTreeScripts.changes, root, "\(seed * 10 + step)", "60", "")
            }
        }
        let view = try stack.view()
        let lower = LowerView(directories: stack.lower)
        // All names that any layer has, and so whatever is deleted.
        let names = try SystemTool.run(
            "sh",
            "-c",
            "for d in \(stack.lower.joined(separator: " ")); do (cd $d && find . -mindepth 1); done | sort -u"
        )
        var counts = [true: 0, false: 0]
        for name in names.split(separator: "\n") {
            let isThere = (try? SystemTool.exists("\(view)/\(name)")) == true
            #expect(try lower.shows(Array(name.dropFirst(2).utf8)) == isThere, "\(name)")
            counts[isThere, default: 0] += 1
        }
        #expect(counts[true, default: 0] > 10 && counts[false, default: 0] > 10, "\(counts)")
        #expect(try !lower.shows(Array("d0/none/x".utf8)))
        #expect(try !lower.shows(Array("d0/f0/x".utf8)))
    }
}

extension SystemTool {
    /// Whether something has this name, whatever it is.
    fileprivate static func exists(_ path: String) throws -> Bool {
        do {
            _ = try FileManager.default.attributesOfItem(atPath: path)
            return true
        } catch CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile {
            return false
        }
    }
}
