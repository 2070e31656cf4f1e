// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SnapshotEngine

/// How much memory a process needs that does nothing but walk and pack.
@Suite
struct WalkMemoryTests {
    @Test("memory does not grow with the files, their number or their size", arguments: [0, 1])
    func bounded(passes: Int) throws {
        let folder = try ScratchFolder()
        try SystemTool.python(
            """
            import os, sys
            os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
            for d in range(10):
                os.mkdir("d%d" % d)
                for f in range(2000): os.close(os.open("d%d/%s%d" % (d, "n" * 100, f), os.O_CREAT))
            with open("holes", "wb") as f: f.truncate(600 << 20)
            """,
            folder["t"]
        )
        let tool = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let told = try SystemTool.run(tool.appending(path: "measure-walk").path, folder["t"], "\(passes)")
        let entries = Set(told.matches(of: #/entries=(\d+)/#).map { $0.1 })
        #expect(entries.contains("20011"))
        #expect(entries.count <= 2)
        let kilobytes = try #require(told.firstMatch(of: #/kilobytes=(\d+)/#).flatMap { Int($0.1) })
        #expect((1_000..<200_000).contains(kilobytes), "\(told)")
    }
}
