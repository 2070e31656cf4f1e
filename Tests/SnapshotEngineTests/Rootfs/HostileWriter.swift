// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A process that changes a tree under a walk, again and again, as fast as it can.
enum HostileWriter {
    /// What it does, and undoes.
    enum Deed {
        /// Two names change places, in one step.
        case exchange(String, String)
        /// A name goes elsewhere.
        case move(String, String)
        /// A folder is mounted on another one.
        case mount(String, on: String)

        fileprivate var words: [String] {
            switch self {
            case .exchange(let left, let right): ["exchange", left, right]
            case .move(let source, let target): ["move", source, target]
            case .mount(let source, let target): ["mount", source, target]
            }
        }
    }

    /// Runs one for as long as `body` runs; afterwards everything is where it was.
    static func with(_ deeds: [Deed], in folder: ScratchFolder, _ body: () throws -> Void) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program, folder.path] + deeds.flatMap(\.words)
        let input = Pipe()
        process.standardInput = input
        try process.run()
        defer {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        try body()
    }

    private static let program = #"""
        import ctypes, os, sys, threading
        os.chdir(sys.argv[1]); words = [w.encode() for w in sys.argv[2:]]; libc = ctypes.CDLL(None, use_errno=True)
        over = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
        def check(code):
            if code: print(os.strerror(ctypes.get_errno()), file=sys.stderr); os._exit(1)
        while not over.is_set():
            for kind, left, right in zip(words[0::3], words[1::3], words[2::3]):
                if kind == b"mount":
                    check(libc.mount(left, right, None, 4096, None)); check(libc.umount2(right, 2))
                elif kind == b"move":
                    os.rename(left, right); os.rename(right, left)
                else:
                    for _ in range(2): check(libc.renameat2(-100, left, -100, right, 2))
        """#
}
