// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Explores every world that can be reached within a budget, nearest first, so that the first trace that breaks a law
/// is a shortest one.
struct Explorer {
    let budget: Budget
    let mutation: Mutation?
    /// More worlds than this are not looked at; an exploration that stops there has shown nothing.
    var limit = 16_000_000

    struct Report {
        var states = 0
        var transitions = 0
        var decisions = 0
        var records = 0
        var settled = 0
        /// What happened anywhere, and which phases were recorded: what never happens shows nothing.
        var events: Set<Event> = []
        var phases: Set<Phase.Name> = []
        var isComplete = false
        var violation: Violation?
        /// What led to the violation, one event after the other.
        var trace: [String] = []
    }

    init(_ budget: Budget, mutation: Mutation? = nil) {
        self.budget = budget
        self.mutation = mutation
    }

    func run() -> Report {
        let machine = Machine(mutation: mutation)
        let steps = Steps(budget: budget, machine: machine)
        var found = Found()
        found.add(budget.start, from: -1, by: nil)
        var report = Report()
        var head = 0
        while head < found.worlds.count, report.violation == nil {
            guard found.worlds.count < limit else { return report }
            let world = found.worlds[head]
            steps.all(from: world) { step in
                report.transitions += 1
                report.events.insert(step.event)
                if report.violation == nil, let violation = step.violation {
                    report.violation = violation
                    report.trace = found.trace(to: head, machine) + ["\(step.event)"]
                }
                found.add(step.world, from: head, by: step.event)
            }
            head += 1
        }
        if report.violation == nil { settle(&found, steps, &report) }
        report.isComplete = report.violation == nil
        report.states = found.worlds.count
        report.decisions = machine.decisions
        report.records = machine.records.count
        report.phases = Set(machine.records.map(\.phase.name))
        return report
    }

    /// Follows every world to where it settles. Each world is passed once.
    private func settle(_ found: inout Found, _ steps: Steps, _ report: inout Report) {
        /// 0: not passed yet; 1: on the present path; 2: settles well.
        var marks = [UInt8](repeating: 0, count: found.worlds.count)
        for start in found.worlds.indices where marks[start] == 0 {
            var path: [Int] = []
            var current = start
            while marks[current] == 0 {
                marks[current] = 1
                path.append(current)
                guard let next = steps.next(from: found.worlds[current]) else {
                    report.settled += 1
                    report.violation = steps.violation(ofSettled: found.worlds[current])
                    break
                }
                guard let index = found.index(of: next) else {
                    report.violation = Violation(.progress, "a world was not explored")
                    break
                }
                if marks[index] == 1 {
                    report.violation = Violation(.progress, "it goes round in circles")
                    break
                }
                current = index
            }
            if report.violation != nil {
                let rest = path.drop { $0 != start }.dropFirst().compactMap { found.event(of: $0) }
                report.trace = found.trace(to: start, steps.machine) + ["then, left alone,"] + rest
                return
            }
            for index in path { marks[index] = 2 }
        }
    }
}

/// The worlds found so far, and how each was reached first.
private struct Found {
    private(set) var worlds: [World] = []
    private var indices: [World: Int32] = [:]
    private var parents: [Int32] = []
    private var events: [UInt8] = []

    mutating func add(_ world: World, from parent: Int, by event: Event?) {
        let new = Int32(worlds.count)
        let known = indices[world, default: new]
        guard known == new else { return }
        indices[world] = new
        worlds.append(world)
        parents.append(Int32(parent))
        events.append(event?.rawValue ?? .max)
    }

    func index(of world: World) -> Int? {
        indices[world].map(Int.init)
    }

    func event(of index: Int) -> String? {
        Event(rawValue: events[index]).map { "\($0)" }
    }

    /// The events that lead to a world, each decision with the phase it led to.
    func trace(to index: Int, _ machine: Machine) -> [String] {
        var trace: [String] = []
        var current = index
        while current >= 0, let event = Event(rawValue: events[current]) {
            let phase = machine.records[worlds[current].record].phase.name
            trace.append(event == .controllerDecides ? "\(event) -> \(phase)" : "\(event)")
            current = Int(parents[current])
        }
        return trace.reversed()
    }
}
