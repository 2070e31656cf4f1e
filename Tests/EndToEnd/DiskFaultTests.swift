// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What happens when the disk does not take what is to be written. It needs root.
@Suite("A disk that is full or read-only")
struct DiskFaultTests {
    /// What is wrong with the disk that snapshots go to.
    enum Fault: String, CaseIterable, Sendable {
        case full, noInodes, readOnly
    }

    @Test("makes a pause fail with the reason, and hinders it no longer than it lasts", arguments: Fault.allCases)
    func snapshots(fault: Fault) async throws {
        let daemon = try await ContainerdDaemon.shared()
        let path = "\(daemon.folder)/disk-\(fault.rawValue)"
        try await SmallDisk.with(at: path, fault == .noInodes ? "nr_inodes=200" : "size=32m") { disk in
            let folders = Testbed.Folders(layout: "\(disk.path)/snapshots")
            try await Testbed.with(folders: folders, role: nil) { testbed in
                try await testbed.start()
                let before = try await testbed.baseline()
                let id = try await testbed.api.create(image: testbed.image).id
                // The image's own layers are there when the trouble begins, so that it comes while the sandbox is frozen.
                try await pauseAndResume(id, testbed)
                try await testbed.execute("dd if=/dev/urandom of=/noise bs=1M count=6 2>/dev/null", in: id)
                try await testbed.write(["/file": "kept"], in: id)
                let process = try await testbed.process(of: id)
                let noise = try await testbed.checksum(of: "/noise", in: id)
                let reason = try await make(fault, on: disk)
                let used = disk.used

                for _ in 0..<2 {
                    try await testbed.api.pause(id)
                    let state = try await testbed.api.settled(id)
                    #expect(state?.status.state == "Running")
                    let message = state?.status.message ?? ""
                    for words in [reason, disk.path] { #expect(message.contains(words), "\(message)") }
                    #expect(try await testbed.process(of: id) == process)
                    try await testbed.expectFiles(["/file": "kept"], in: id)
                    try await testbed.expectConsistent("after a pause that failed")
                    #expect(disk.used <= used + 16384, "the space was not given back")
                }

                if fault == .readOnly { try await disk.remount("rw") }
                disk.empty()
                try await pauseAndResume(id, testbed)
                #expect(try await testbed.checksum(of: "/noise", in: id) == noise)
                try await testbed.expectFiles(["/file": "kept"], in: id)
                try await testbed.api.delete(id)
                try await testbed.expectConsistent()
                try await MachineState.expect(before, on: testbed)
            }
        }
    }

    /// Makes the fault, and gives words that tell what is to be done about it.
    private func make(_ fault: Fault, on disk: SmallDisk) async throws -> String {
        switch fault {
        case .full:
            // Room for a part of the layer.
            try await disk.fill(leaving: 3 << 20)
            return "free some space"
        case .noInodes:
            try disk.fillInodes()
            return "free some space"
        case .readOnly:
            try await disk.remount("ro")
            return "check who may write there"
        }
    }

    private func pauseAndResume(_ id: String, _ testbed: Testbed) async throws {
        try await testbed.api.pause(id)
        let paused = try await testbed.api.settled(id)
        #expect(paused?.status.state == "Paused", "\(String(describing: paused))")
        try await testbed.api.resume(id)
        let running = try await testbed.api.settled(id)
        #expect(running?.status.state == "Running", "\(String(describing: running))")
    }

    @Test("of the state refuses what it cannot remember, and disturbs nothing that runs")
    func state() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await SmallDisk.with(at: "\(daemon.folder)/disk-state", "size=16m") { disk in
            let folders = Testbed.Folders(state: "\(disk.path)/state", layout: "\(daemon.folder)/disk-state-snapshots")
            defer { try? FileManager.default.removeItem(atPath: "\(daemon.folder)/disk-state-snapshots") }
            try await Testbed.with(folders: folders, role: nil) { testbed in
                try await testbed.start()
                let before = try await testbed.baseline()
                let id = try await testbed.api.create(image: testbed.image).id
                try await testbed.write(["/file": "kept"], in: id)
                let process = try await testbed.process(of: id)
                try await disk.fill()

                // The database's journal may have room left in what it has written before; once that is used up, ...
                var refusal: RuntimeAPI.Refusal?
                for _ in 0..<100 where refusal == nil {
                    do {
                        let created = try await testbed.api.create(image: testbed.image)
                        try await testbed.api.delete(created.id)
                    } catch let error as RuntimeAPI.Refusal {
                        refusal = error
                    }
                }
                let message = refusal?.message ?? ""
                #expect(message.lowercased().contains("no space") || message.contains("full"), "\(message)")
                #expect(message.contains(disk.path), "\(message)")
                #expect(try await testbed.process(of: id) == process)
                try await testbed.expectFiles(["/file": "kept"], in: id)

                // A wish that cannot be written down is refused, or nothing comes of it but that.
                do {
                    try await testbed.api.pause(id)
                } catch let error as RuntimeAPI.Refusal {
                    #expect(error.message.contains(disk.path), "\(error)")
                }
                disk.empty()
                let state = try await testbed.api.settled(id)
                if state?.status.state == "Paused" { try await testbed.api.resume(id) }
                #expect(try await testbed.api.settled(id)?.status.state == "Running")
                try await testbed.expectFiles(["/file": "kept"], in: id)
                try await pauseAndResume(id, testbed)
                let second = try await testbed.api.create(image: testbed.image).id
                for id in [id, second] { try await testbed.api.delete(id) }
                try await testbed.expectConsistent()
                try await MachineState.expect(before, on: testbed)
            }
        }
    }
}
