// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Explores every world that can be reached, nearest first, so that the first trace that breaks a law is a shortest one.
struct Explorer<Explored: Model> {
    let model: Explored
    /// More worlds than this are not looked at; an exploration that stops there has shown nothing.
    var limit = 16_000_000

    func run() -> Report {
        var found = Found<Explored.State>()
        found.add(model.start, from: -1, by: .max)
        var report = Report()
        var events: Set<Explored.Label> = []
        var head = 0
        while head < found.count, report.violation == nil {
            guard found.count < limit else { return report }
            model.steps(from: found[head]) { step in
                report.transitions += 1
                events.insert(step.event)
                if report.violation == nil, let violation = step.violation {
                    report.violation = violation
                    report.trace = trace(to: head, found) + [model.label(step.event, to: step.world)]
                }
                found.add(step.world, from: head, by: step.event.rawValue)
            }
            head += 1
        }
        if report.violation == nil { settle(&found, &report) }
        report.isComplete = report.violation == nil
        report.states = found.count
        report.neverHappened = Explored.Label.allCases.filter { !events.contains($0) }.map { "\($0)" }
        return report
    }

    /// Follows every world to where it settles. Each world is passed once.
    private func settle(_ found: inout Found<Explored.State>, _ report: inout Report) {
        /// 0: not passed yet; 1: on the present path; 2: settles well.
        var marks = [UInt8](repeating: 0, count: found.count)
        for start in 0..<found.count where marks[start] == 0 {
            var path: [Int] = []
            var current = start
            while marks[current] == 0 {
                marks[current] = 1
                path.append(current)
                guard let next = model.next(from: found[current]) else {
                    report.settled += 1
                    report.violation = model.violation(ofSettled: found[current])
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
                report.trace = trace(to: start, found) + ["then it is left alone for \(path.count - 1) steps"]
                return
            }
            for index in path { marks[index] = 2 }
        }
    }

    private func trace(to index: Int, _ found: Found<Explored.State>) -> [String] {
        found.path(to: index).compactMap { step in
            Explored.Label(rawValue: step.event).map { model.label($0, to: step.world) }
        }
    }
}
