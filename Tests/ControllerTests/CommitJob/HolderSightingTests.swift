// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider
import Testing

@testable import Controller

@Suite("Where the holder of a freeze is")
struct HolderSightingTests {
    private let uid = "4f0c-2"

    private func pod(phase: String = "Running", _ configure: (inout ContainerState) -> Void) -> Pod {
        .with { pod in
            pod.metadata.name = "box-pause-commit-x7"
            pod.status = .with { status in
                status.phase = phase
                status.containerStatuses = [
                    .with { $0.name = "commit" },
                    .with {
                        $0.name = "hold"
                        var state = ContainerState()
                        configure(&state)
                        $0.state = state
                    },
                ]
            }
        }
    }

    private func ended(_ code: Int, _ message: String?) -> Pod {
        pod { state in
            state.terminated = .with {
                $0.exitCode = code
                $0.message = message
            }
        }
    }

    @Test("One that runs is asked")
    func running() {
        #expect(HolderSighting(pod { $0.running = .with { _ in } }, of: uid) == .running("box-pause-commit-x7"))
    }

    @Test("One that has not started is waited for, unless its pod is over")
    func starting() {
        #expect(HolderSighting(pod { $0.waiting = .with { $0.reason = "ContainerCreating" } }, of: uid) == .starting)
        #expect(HolderSighting(.with { $0.status = .with { $0.phase = "Pending" } }, of: uid) == .starting)
        #expect(HolderSighting(pod(phase: "Failed") { _ in }, of: uid) == .ended(nil))
    }

    @Test("One that has ended has said how", arguments: ["thawed", "killed", "sealed", "held"])
    func said(state: String) throws {
        let line = #"{"deadline":"2026-01-31T12:00:00Z","frozenMilliseconds":8,"id":"4f0c-2","state":"\#(state)"}"#
        let told = try #require(FreezeAnswer.State(rawValue: state))
        #expect(HolderSighting(ended(0, "warning\n" + line + "\n"), of: uid) == .ended(told))
    }

    @Test("One that ended well without a word has frozen nothing; one that did not is lost")
    func silent() {
        #expect(HolderSighting(ended(0, nil), of: uid) == .ended(nil))
        #expect(HolderSighting(ended(137, nil), of: uid) == .lost)
        #expect(HolderSighting(ended(1, "no JSON {"), of: uid) == .lost)
        #expect(HolderSighting(nil, of: uid) == .lost)
    }

    @Test("What is said of another freeze is no answer")
    func another() {
        let line = #"{"frozenMilliseconds":8,"id":"4f0c-1","state":"thawed"}"#
        #expect(FreezeAnswer(line, of: uid) == nil)
        #expect(HolderSighting(ended(137, line), of: uid) == .lost)
        #expect(FreezeAnswer(#"{"id":"4f0c-2","state":"boiling"}"#, of: uid) == nil)
    }
}
