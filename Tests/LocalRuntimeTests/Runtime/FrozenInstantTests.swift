// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import TestSupport
import Testing

@testable import LocalRuntime

/// Law 3 from the outside: nothing takes effect after the captured instant and is lost. It needs root.
@Suite("The instant of a pause")
struct FrozenInstantTests {
    private static let processes = 64

    /// Processes that count without end: each number goes to the log, which is not captured, then into a file, which is.
    private static let script = """
        n=0
        while [ $n -lt \(processes) ]; do
            n=$((n+1))
            sh -c 'i=0; while :; do i=$((i+1)); echo "$0 $i"; echo $i >/count.$0; done' $n &
        done
        wait
        """

    /// Enough to be copied before the freeze.
    private static let ballast = "head -c 30000000 /dev/urandom >/ballast\n"

    @Test("is the last one in which any of 64 busy processes did anything", arguments: [false, true])
    func nothingAfterwards(copiesEarly: Bool) async throws {
        let script = (copiesEarly ? Self.ballast : "") + Self.script
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(script), credentials: nil, expiresAt: nil).id
                for n in 1...Self.processes {
                    while try await fixture.read(runtime, id, "/count.\(n)") == nil {
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
                let container = try await fixture.container(runtime, id)
                // Its name goes with the container; what is open stays.
                let log = try FileHandle(forReadingFrom: URL(filePath: fixture.machine.runtime.logPath(of: container)))
                let paused = try await runtime.pauseAndWait(id)
                #expect(paused.status.state == .paused, "\(paused.status)")

                #expect(paused.artifact?.parts.first?.layers == (copiesEarly ? 3 : 2))
                let reference = try #require(paused.artifact?.parts.first?.reference).dropFirst("oci:".count)
                let bundle = "\(fixture.folder)/bundle"
                try await Command.run("umoci", ["unpack", "--image", String(reference), bundle])
                let logged = Self.lastNumbers(of: String(decoding: try log.readToEnd() ?? Data(), as: UTF8.self))
                #expect(logged.count == Self.processes)
                for (n, last) in logged {
                    let text = try String(contentsOfFile: "\(bundle)/rootfs/count.\(n)", encoding: .utf8)
                    // Frozen between opening the file and writing to it, it leaves the file empty.
                    guard let captured = Int(text.dropLast()) else { continue }
                    #expect(
                        last == captured || last == captured + 1,
                        "process \(n) went on to \(last) from \(captured)"
                    )
                }
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    /// The last number that each process has logged.
    private static func lastNumbers(of log: String) -> [Int: Int] {
        var last: [Int: Int] = [:]
        for line in log.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 2, let n = Int(fields[0]), let number = Int(fields[1]) else { continue }
            last[n] = number
        }
        return last
    }
}
