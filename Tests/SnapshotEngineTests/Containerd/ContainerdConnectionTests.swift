// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import SnapshotEngine
import TestSupport
import Testing

@Suite("The connection to containerd")
struct ContainerdConnectionTests {
    @Test("A socket that is not there is an error that says so")
    func missingSocket() async throws {
        let error = await #expect(throws: ContainerdError.self) {
            try await ContainerdClient.withClient(
                socket: "/nonexistent/containerd.sock",
                namespace: "test",
                logger: Logger(label: "test")
            ) { try await $0.version() }
        }
        #expect(error?.code == .unavailable)
        #expect(error?.advice?.contains("There is no socket at /nonexistent/containerd.sock") == true)
    }

    @Test("A socket that nobody listens on is an error that says so")
    func deadSocket() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await daemon.kill()
        let error = await #expect(throws: ContainerdError.self) {
            try await daemon.withClient { try await $0.version() }
        }
        #expect(error?.advice?.contains("containerd is not running") == true)
        await daemon.stop()
    }

    @Test("A client works again after containerd was killed and started again; a broken subscription says so")
    func restart() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await daemon.withClient { client in
            let error = await #expect(throws: ContainerdError.self) {
                try await client.withEvents { events in
                    try await daemon.kill()
                    for try await _ in events {}
                    throw ContainerdError(.unavailable, operation: "x", subject: "x", message: "the stream just ended")
                }
            }
            #expect(error?.code == .unavailable)
            async let version = client.version()
            try await daemon.startAgain()
            _ = try await version
            _ = try await client.namespaces()
        }
        await daemon.stop()
        #expect(!FileManager.default.fileExists(atPath: daemon.folder))
    }

    @Test("Cancelling a call throws CancellationError and leaves the connection usable, for clean-up too")
    func cancellation() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let lease = "cancelled-\(UInt32.random(in: 0 ... .max))"
        let task = Task {
            try await daemon.withClient { client in
                try await client.withEvents { events in
                    try await client.createLease(lease)
                    for try await _ in events {}
                }
            }
        }
        try await daemon.withClient { client in
            while try await client.leases().contains(where: { $0.id == lease }) == false {
                await Task.yield()
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await client.deleteLease(lease)
            // withLease cleans up although its task was cancelled.
            let inner = Task {
                try await client.withLease(prefix: lease) { _ in
                    try await Task.sleep(for: .seconds(1000))
                }
            }
            while try await client.leases().contains(where: { $0.id.hasPrefix(lease) }) == false {
                await Task.yield()
            }
            inner.cancel()
            await #expect(throws: CancellationError.self) { try await inner.value }
            #expect(try await client.leases().contains { $0.id.hasPrefix(lease) } == false)
        }
    }

    @Test("Events that happen once the body runs are seen, those of other namespaces and topics are not")
    func events() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await BusyboxImage.shared().importInto(daemon)
        let id = "events-\(UInt32.random(in: 0 ... .max))"
        try await daemon.withClient { client in
            let seen = try await client.withEvents(topics: ["/tasks/create", "/tasks/exit"]) { events in
                try await daemon.ctr("run", "--rm", "--null-io", BusyboxImage.name, id, "/bin/sh", "-c", "exit 0")
                var seen: [TaskEvent] = []
                for try await event in events {
                    guard let task = event.task, task.container == id else { continue }
                    #expect(event.namespace == daemon.namespace)
                    seen.append(task)
                    if case .exited = task { break }
                }
                return seen
            }
            #expect(seen.count == 2)
            guard case .created(_, let pid) = try #require(seen.first),
                case .exited(_, let process, let exitedPID, let exit) = try #require(seen.last)
            else {
                Issue.record("unexpected events: \(seen)")
                return
            }
            #expect(process == id)
            #expect(pid == exitedPID)
            #expect(exit.status == 0)
        }
    }
}
