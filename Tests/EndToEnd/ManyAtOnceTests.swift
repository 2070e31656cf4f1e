// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Many sandboxes that are paused and resumed at the same time. It needs root.
@Suite("Twenty sandboxes at once")
struct ManyAtOnceTests {
    private static let number = 20
    /// KiB that each of the server's processes may have at once. One capture streams: it has some chunks of each layer, not
    /// the layers.
    private static let mostMemory = 512 << 10
    /// KiB by which a second time may be above the first one.
    private static let margin = 96 << 10

    @Test("are all paused and resumed, their files intact, in bounded memory; and again without growth")
    func pauseAndResume() async throws {
        try await Testbed.with(role: nil) { testbed in
            let server = try await testbed.start()
            let before = try await testbed.baseline()
            let start = ContinuousClock.now
            var sandboxes: [String] = []
            for _ in 0..<Self.number { sandboxes.append(try await testbed.api.create(image: testbed.image).id) }
            let created = ContinuousClock.now
            var expected: [String: String] = [:]
            for id in sandboxes {
                expected[id] = String(repeating: id, count: 1000)
                // What cannot be compressed, so that it takes as much memory as it can.
                try await testbed.execute("dd if=/dev/urandom of=/noise bs=64k count=32 2>/dev/null", in: id)
                try await testbed.write(["/file": expected[id]], in: id)
            }
            var peaks: [[String: Int]] = []
            for _ in 0..<2 {
                let noise = try await Self.each(sandboxes) { try await testbed.checksum(of: "/noise", in: $0) }
                Self.resetPeaks(server)
                try await Self.each(sandboxes) { id in
                    try await testbed.api.pause(id)
                    let end = try await testbed.api.settled(id)
                    #expect(end?.status.state == "Paused", "\(String(describing: end))")
                }
                try await Self.each(sandboxes) { id in
                    try await testbed.api.resume(id)
                    let end = try await testbed.api.settled(id)
                    #expect(end?.status.state == "Running", "\(String(describing: end))")
                }
                peaks.append(Self.peaks(server))
                for id in sandboxes { try await testbed.expectFiles(["/file": expected[id] ?? ""], in: id) }
                #expect(try await Self.each(sandboxes) { try await testbed.checksum(of: "/noise", in: $0) } == noise)
                try await testbed.expectConsistent()
            }
            print(
                "twenty at once: created in \((created - start).components.seconds) s, all in "
                    + "\((ContinuousClock.now - start).components.seconds) s; KiB at most: \(peaks)"
            )
            for (process, peak) in peaks[1] {
                #expect(peak <= Self.mostMemory, "the \(process) had \(peak) KiB")
                #expect(peak <= (peaks[0][process] ?? 0) + Self.margin, "the \(process) grew: \(peaks)")
            }
            try await Self.each(sandboxes) { try await testbed.api.delete($0) }
            try await testbed.expectConsistent()
            try await MachineState.expect(before, on: testbed)
        }
    }

    /// Does something about all at once; what it gives, in their order.
    @discardableResult
    private static func each<Value: Sendable>(
        _ sandboxes: [String],
        _ body: @escaping @Sendable (String) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            for (index, id) in sandboxes.enumerated() { group.addTask { (index, try await body(id)) } }
            var values: [(Int, Value)] = []
            for try await value in group { values.append(value) }
            return values.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func processes(_ server: ServerProcess) -> [String: pid_t] {
        var processes = ["server": server.processID]
        if let holder = server.holder { processes["holder"] = holder }
        return processes
    }

    /// The most memory that each process has had since `resetPeaks`, in KiB.
    private static func peaks(_ server: ServerProcess) -> [String: Int] {
        processes(server).compactMapValues { ProcessStatus($0)?.peakMemory }
    }

    private static func resetPeaks(_ server: ServerProcess) {
        for process in processes(server).values {
            try? "5".write(toFile: "/proc/\(process)/clear_refs", atomically: false, encoding: .utf8)
        }
    }
}
