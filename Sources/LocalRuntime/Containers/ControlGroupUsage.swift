// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels

/// What a container uses, as the kernel counts it in its control groups of either version.
struct ControlGroupUsage {
    /// Where the hierarchies are mounted.
    var root = "/sys/fs/cgroup"
    /// The container.
    let container: String
    /// What it has on disk.
    let disk: @Sendable () async -> DiskUsage
    /// How long the use of processors is measured.
    static let interval: Duration = .milliseconds(100)

    /// Measures.
    ///
    /// - Returns: Nil if there is no such container now.
    /// - Throws: `CancellationError`.
    func measure(now: @Sendable () -> Date) async throws -> SandboxUsage? {
        async let disk = disk()
        let began = ContinuousClock.now
        guard let before = processorSeconds() else { return nil }
        try await Task.sleep(for: Self.interval)
        let elapsed = (ContinuousClock.now - began) / .seconds(1)
        guard let after = processorSeconds(), let used = memoryUsed() else { return nil }
        let cache = memoryStatistic(isUnified ? "file" : "total_cache") ?? 0
        let machine = Int64(clamping: ProcessInfo.processInfo.physicalMemory)
        let onDisk = await disk
        return SandboxUsage(
            at: now(),
            cpuPercent: max(0, (after - before) / elapsed * 100),
            memoryUsed: max(0, used - cache),
            memoryTotal: min(memoryLimit() ?? machine, machine),
            memoryCache: cache,
            diskUsed: onDisk.used,
            diskTotal: onDisk.total
        )
    }

    private var isUnified: Bool { text("\(root)/cgroup.controllers") != nil }

    private func file(_ controller: String, _ name: String) -> String {
        let group = ContainerSpecification.controlGroup(container)
        return isUnified ? "\(root)\(group)/\(name)" : "\(root)/\(controller)\(group)/\(name)"
    }

    private func processorSeconds() -> Double? {
        if isUnified {
            return text(file("cpu", "cpu.stat")).flatMap { Self.value("usage_usec", in: $0) }.map { Double($0) / 1e6 }
        }
        return number("cpuacct", "cpuacct.usage").map { Double($0) / 1e9 }
    }

    private func memoryUsed() -> Int64? {
        number("memory", isUnified ? "memory.current" : "memory.usage_in_bytes")
    }

    /// The limit; nil if there is none, which the first version says by a number that no machine has.
    private func memoryLimit() -> Int64? {
        number("memory", isUnified ? "memory.max" : "memory.limit_in_bytes")
    }

    private func memoryStatistic(_ name: String) -> Int64? {
        text(file("memory", "memory.stat")).flatMap { Self.value(name, in: $0) }
    }

    private func number(_ controller: String, _ name: String) -> Int64? {
        text(file(controller, name)).flatMap { text in
            Int64(String(text.prefix { !$0.isNewline }))
        }
    }

    private static func value(_ name: String, in text: String) -> Int64? {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == name { return Int64(parts[1]) }
        }
        return nil
    }

    private func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
