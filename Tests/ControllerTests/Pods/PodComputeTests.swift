// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

@testable import Controller

@Suite("What a pod is to the state machine")
struct PodComputeTests {
    private func pod(
        _ phase: String?,
        ready: Bool = false,
        _ states: [ContainerState] = []
    ) -> Pod {
        Pod.with {
            $0.metadata.name = "box-0"
            $0.spec.containers = [.with { $0.name = "main" }]
            guard let phase else { return }
            $0.status = .with {
                $0.phase = phase
                $0.conditions = [
                    .with {
                        $0.type = "Ready"
                        $0.status = ready ? "True" : "False"
                    }
                ]
                $0.containerStatuses = states.map { state in
                    .with {
                        $0.name = "main"
                        $0.state = state
                    }
                }
            }
        }
    }

    private let running = ContainerState.with { $0.running = ContainerStateRunning() }

    private func waiting(_ reason: String) -> ContainerState {
        .with {
            $0.waiting = .with {
                $0.reason = reason
                $0.message = "back-off pulling image"
            }
        }
    }

    private func terminated(_ code: Int, reason: String) -> ContainerState {
        .with {
            $0.terminated = .with {
                $0.exitCode = code
                $0.reason = reason
            }
        }
    }

    @Test("A pod that nobody has looked at yet is starting")
    func new() {
        #expect(pod(nil).compute(attempt: 3, wasUp: false) == .starting(3))
        #expect(pod("Pending").compute(attempt: 3, wasUp: false) == .starting(3))
    }

    @Test("A pod is up when it is ready")
    func ready() {
        #expect(pod("Running", ready: true, [running]).compute(attempt: 1, wasUp: false) == .running(1))
        #expect(pod("Running", ready: false, [running]).compute(attempt: 1, wasUp: false) == .starting(1))
    }

    @Test("A pod that was up stays so while its containers run: frozen, they answer no probe")
    func frozen() {
        #expect(pod("Running", ready: false, [running]).compute(attempt: 1, wasUp: true) == .running(1))
        #expect(
            pod("Running", ready: false, [terminated(1, reason: "Error")]).compute(attempt: 1, wasUp: true)
                == .starting(1)
        )
        #expect(pod("Running", ready: false, []).compute(attempt: 1, wasUp: true) == .starting(1))
    }

    @Test(
        "A container that cannot start ends the compute, with its reason",
        arguments: [
            "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError",
        ]
    )
    func failing(reason: String) throws {
        let compute = pod("Pending", [waiting(reason)]).compute(attempt: 2, wasUp: false)
        guard case .ended(2, let problem) = compute else { throw Unexpected(compute: compute) }
        #expect(problem.reason == reason)
        #expect(problem.message.contains("box-0"))
        #expect(problem.message.contains("back-off pulling image"))
        #expect(pod("Pending", [waiting("ContainerCreating")]).compute(attempt: 2, wasUp: false) == .starting(2))
    }

    @Test("A pod that has ended tells how")
    func ended() throws {
        let compute = pod("Failed", [terminated(137, reason: "OOMKilled")]).compute(attempt: 1, wasUp: true)
        guard case .ended(1, let problem) = compute else { throw Unexpected(compute: compute) }
        #expect(problem.reason == "OOMKilled")
        #expect(problem.message.contains("137"))
    }

    @Test("A pod that is being deleted is going away, whatever else it is")
    func stopping() {
        var pod = pod("Running", ready: true, [running])
        pod.metadata.deletionTimestamp = Timestamp(seconds: 0)
        #expect(pod.compute(attempt: 4, wasUp: true) == .stopping(4))
    }

    private struct Unexpected: Error {
        let compute: Observation.Compute
    }
}
