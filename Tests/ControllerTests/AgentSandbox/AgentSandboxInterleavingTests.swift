// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import Synchronization
import TestSupport
import Testing

/// Others write to the same objects all the time: upstream's controller its status, and users labels and specs. What they write, and in
/// which order, follows from a seed.
@Suite("A Sandbox of the AgentSandbox dialect that others write to")
struct AgentSandboxInterleavingTests {
    typealias Agents = AgentSandboxCluster<AgentSandboxV1Beta1>

    /// How many seeds; more by the environment variable.
    static let count = ProcessInfo.processInfo.environment["STASIS_AGENT_SANDBOX_SEEDS"].flatMap { Int($0) } ?? 20

    @Test(
        "is suspended and resumed all the same, and loses nothing of what they have written",
        .timeLimit(.minutes(20))
    )
    func interleavings() async throws {
        try await AgentSandboxTests.onPaper { agents in
            let sightings = Sightings()
            let watch = Informer(agents.sandboxes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await watch.run() }
                group.addTask {
                    for await change in watch.changes { sightings.note(change.object) }
                }
                group.addTask {
                    try await withThrowingTaskGroup(of: Void.self) { seeds in
                        var next = (1...Self.count).makeIterator()
                        let begin = { (seeds: inout ThrowingTaskGroup<Void, any Error>) in
                            guard let seed = next.next() else { return }
                            seeds.addTask { try await Self.live(UInt64(seed), in: agents) }
                        }
                        for _ in 0..<10 { begin(&seeds) }
                        while try await seeds.next() != nil { begin(&seeds) }
                    }
                }
                try await group.next()
                group.cancelAll()
            }
            // Each status that was ever seen is one that upstream's controller has written, with all of its conditions.
            let seen = sightings.all
            #expect(seen.count >= Self.count * 4)
            for (name, conditions) in seen {
                #expect(agents.upstream.written.contains(conditions, of: name), "\(name): \(conditions)")
            }
            #expect(agents.cluster.provider.mistakes.isEmpty)
        }
    }

    /// One sandbox, which is suspended and resumed twice while others write to it.
    private static func live(_ seed: UInt64, in agents: Agents) async throws {
        let name = "box-\(seed)"
        var script = Script(seed: seed)
        try await agents.createPaper(name)
        try await agents.waitUntilReady(name)
        for round in 1...2 {
            try await amid(script.edits(round), of: name, in: agents) {
                try await agents.setSuspend(true, of: name)
                try await agents.waitUntilSuspended(name)
            }
            let suspended = try await agents.sandboxes.get(name)
            #expect(suspended.image?.contains("@sha256:") == true, "\(name)")
            #expect(try await agents.cluster.pods.find(name) == nil, "\(name)")
            let isDirect = script.isDirect
            try await amid(script.edits(round + 2), of: name, in: agents) {
                if isDirect {
                    try await agents.setSuspendedDirectly(false, of: name)
                } else {
                    try await agents.setSuspend(false, of: name)
                }
                try await agents.waitUntilResumed(name)
            }
            let pod = try await agents.cluster.pods.get(name)
            #expect(pod.spec.containers.first?.image == suspended.image, "\(name)")
        }
        let last = try await agents.sandboxes.get(name)
        #expect(try await agents.isStatusUpstreams(of: name), "\(name)")
        // The last word about each is kept.
        #expect(last.metadata.labels["team"] == script.lastLabel, "\(name)")
        let environment = try last.podTemplate()?.spec.containers.first?.env.first { $0.name == "EDIT" }
        #expect(environment?.value == script.lastEdit, "\(name)")
        #expect(last.metadata.annotations["example.com/note"] == script.lastNote, "\(name)")
        #expect(last.originalImages == ["main": "none"], "\(name)")
    }

    /// Runs `body` while others write.
    private static func amid(
        _ edits: [Script.Edit],
        of name: String,
        in agents: Agents,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for edit in edits { try await perform(edit, on: name, in: agents) }
            }
            group.addTask { try await body() }
            try await group.waitForAll()
        }
    }

    private static func perform(_ edit: Script.Edit, on name: String, in agents: Agents) async throws {
        switch edit {
        case .label(let value): try await agents.edit(name, ["metadata": ["labels": ["team": .string(value)]]])
        case .note(let value):
            try await agents.edit(name, ["metadata": ["annotations": ["example.com/note": .string(value)]]])
        case .shutdown(let year):
            try await agents.edit(name, ["spec": ["shutdownTime": .string("\(year)-01-01T00:00:00Z")]])
        case .environment(let value):
            // As an editor does it: what was read, with a change, if nobody has written meanwhile.
            while true {
                let sandbox = try await agents.sandboxes.get(name)
                var changed = sandbox
                var template = try #require(try sandbox.podTemplate())
                template.spec.containers[0].env = [
                    .with {
                        $0.name = "EDIT"
                        $0.value = value
                    }
                ]
                changed.spec.podTemplate = RawJSON(template)
                let change = try MergePatch(from: sandbox, to: changed)
                    .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
                do {
                    _ = try await agents.sandboxes.patch(name, .merge(change), WriteOptions(fieldManager: "user"))
                    return
                } catch let error as KubeError where error.isConflict {
                    continue
                }
            }
        }
    }

    /// What others write, by a seed.
    private struct Script {
        enum Edit {
            case label(String), note(String), shutdown(Int), environment(String)
        }

        private var generator: SeededGenerator
        private(set) var lastLabel: String?
        private(set) var lastNote: String?
        private(set) var lastEdit: String?

        init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

        var isDirect: Bool { mutating get { Bool.random(using: &generator) } }

        mutating func edits(_ round: Int) -> [Edit] {
            (0..<Int.random(in: 2...8, using: &generator)).map { number in
                let value = "\(round)-\(number)"
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    lastLabel = value
                    return .label(value)
                case 1:
                    lastNote = value
                    return .note(value)
                case 2: return .shutdown(2090 + number)
                default:
                    lastEdit = value
                    return .environment(value)
                }
            }
        }
    }

    /// Which conditions were seen of which sandbox.
    private final class Sightings: Sendable {
        private let state = Mutex<[(name: String, conditions: [KubeModels.Condition])]>([])

        var all: [(name: String, conditions: [KubeModels.Condition])] { state.withLock { $0 } }

        func note(_ sandbox: AgentSandbox<AgentSandboxV1Beta1>) {
            guard let conditions = sandbox.status?.conditions else { return }
            state.withLock { $0.append((sandbox.metadata.name, conditions)) }
        }
    }
}
