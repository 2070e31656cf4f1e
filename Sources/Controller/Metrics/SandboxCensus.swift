// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import Metrics
import SandboxModels

import struct Foundation.Date

/// Counts the sandboxes of a kind by their phase, and those that have been on the way between two for longer than they may: a pause
/// whose capture is past its deadline may have left its sandbox frozen.
struct SandboxCensus<Sandbox: MachineObject>: Sendable {
    let sandboxes: Informer<Sandbox>
    private let counts: [Phase.Name: Meter]
    private let overdue: Meter

    /// How long after its deadline a capture still counts as in time: the holder thaws at the deadline, and that has to be seen.
    private static var grace: Double { 60 }
    private static var interval: Duration { .seconds(10) }

    /// What is remembered of one sandbox.
    fileprivate struct Entry: Equatable {
        var phase: Phase.Name
        /// When the first of its captures should have ended.
        var deadline: Date?
    }

    init(_ sandboxes: Informer<Sandbox>, factory: (any MetricsFactory)?) {
        self.sandboxes = sandboxes
        let factory = factory ?? MetricsSystem.factory
        let kind = Sandbox.resourceType.plural
        counts = Dictionary(
            uniqueKeysWithValues: Phase.Name.allCases.filter { $0 != .deleted }.map { phase in
                let dimensions = [("resource", kind), ("phase", phase.rawValue)]
                let meter = Meter(label: "stasis_sandboxes", dimensions: dimensions, factory: factory)
                // They are there from the start, so that an alert has something to compare with.
                meter.increment(by: 0)
                return (phase, meter)
            }
        )
        overdue = Meter(label: "stasis_sandboxes_overdue", dimensions: [("resource", kind)], factory: factory)
        overdue.increment(by: 0)
    }

    /// Counts until the task is cancelled.
    func run() async {
        let census = Book()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await change in sandboxes.changes { await census.take(change, of: self) } }
            group.addTask {
                while (try? await Task.sleep(for: Self.interval)) != nil { await census.lookForOverdue(of: self) }
            }
            await group.next()
            group.cancelAll()
            // What this process does not see to any more, another one counts.
            await group.waitForAll()
        }
        await census.clear(of: self)
    }

    /// Who is counted.
    private actor Book {
        private var entries: [ObjectKey: Entry] = [:]
        private var told = 0

        func take(_ change: Change<Sandbox>, of census: SandboxCensus) {
            let before = entries[change.key]
            var after: Entry?
            if case .deleted = change {} else { after = Entry(change.object) }
            entries[change.key] = after
            guard before?.phase != after?.phase else { return }
            if let before { census.counts[before.phase]?.decrement(by: 1) }
            if let after { census.counts[after.phase]?.increment(by: 1) }
        }

        func lookForOverdue(of census: SandboxCensus) {
            let limit = Date(timeIntervalSinceNow: -SandboxCensus.grace)
            tell(entries.values.count { $0.deadline.map { $0 < limit } ?? false }, of: census)
        }

        private func tell(_ count: Int, of census: SandboxCensus) {
            if count > told { census.overdue.increment(by: Double(count - told)) }
            if count < told { census.overdue.decrement(by: Double(told - count)) }
            told = count
        }

        func clear(of census: SandboxCensus) {
            for entry in entries.values { census.counts[entry.phase]?.decrement(by: 1) }
            entries = [:]
            tell(0, of: census)
        }
    }
}

extension SandboxCensus.Entry {
    /// What is written down of a sandbox. One of which nothing is, or nothing that can be read, is not counted: nothing is known of it.
    fileprivate init?(_ sandbox: some MachineObject) {
        guard let record = try? MachineState.storedRecord(in: sandbox) else { return nil }
        phase = record.phase
        // Of a capture that is over and not tidied up it is not known either that nothing stands still.
        deadline =
            record.members.compactMap { member in
                let recorded = member.recorded
                return recorded.phase.capture?.deadline ?? (recorded.hasCaptureLeft ? recorded.since : nil)
            }
            .min()
    }
}

extension Recorded {
    /// Whether a capture is not tidied up yet.
    fileprivate var hasCaptureLeft: Bool {
        leftovers.contains { if case .capture = $0 { true } else { false } }
    }
}
