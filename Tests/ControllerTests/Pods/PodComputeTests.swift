// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Controller

@Suite("What a pod is to the state machine")
struct PodComputeTests {
    private let now = Date(timeIntervalSince1970: 1000)

    private func pod(
        _ phase: String?,
        ready: Bool = false,
        age: Double = 3600,
        _ states: [ContainerState] = []
    ) -> Pod {
        Pod.with {
            $0.metadata.name = "box-0"
            $0.spec.containers = [.with { $0.name = "main" }]
            guard let phase else { return }
            $0.status = .with {
                $0.phase = phase
                $0.startTime = Timestamp(now.addingTimeInterval(-age))
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

    private func waiting(_ reason: String, _ message: String = "back-off pulling image") -> ContainerState {
        .with {
            $0.waiting = .with {
                $0.reason = reason
                $0.message = message
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
        #expect(pod(nil).compute(attempt: 3, wasUp: false, now: now) == .starting(3))
        #expect(pod("Pending").compute(attempt: 3, wasUp: false, now: now) == .starting(3))
    }

    @Test("A pod is up when it is ready")
    func ready() {
        #expect(pod("Running", ready: true, [running]).compute(attempt: 1, wasUp: false, now: now) == .running(1))
        #expect(pod("Running", ready: false, [running]).compute(attempt: 1, wasUp: false, now: now) == .starting(1))
    }

    @Test("A pod that was up stays so while its containers run: frozen, they answer no probe")
    func frozen() {
        #expect(pod("Running", ready: false, [running]).compute(attempt: 1, wasUp: true, now: now) == .running(1))
        #expect(
            pod("Running", ready: false, [terminated(1, reason: "Error")]).compute(attempt: 1, wasUp: true, now: now)
                == .starting(1)
        )
        #expect(pod("Running", ready: false, []).compute(attempt: 1, wasUp: true, now: now) == .starting(1))
    }

    @Test(
        "A container that cannot start ends the compute, with its reason",
        arguments: [
            "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError",
        ]
    )
    func failing(reason: String) throws {
        let compute = pod("Pending", [waiting(reason)]).compute(attempt: 2, wasUp: false, now: now)
        guard case .ended(2, let problem) = compute else { throw Unexpected(compute: compute) }
        #expect(problem.reason == reason)
        #expect(problem.message.contains("box-0"))
        #expect(problem.message.contains("back-off pulling image"))
        #expect(
            pod("Pending", [waiting("ContainerCreating")]).compute(attempt: 2, wasUp: false, now: now) == .starting(2)
        )
    }

    @Test("A kubelet that pulls no more images for now tries again by itself, and a back-off says nothing at first")
    func throttled() throws {
        func compute(_ reason: String, _ message: String, age: Double) -> Observation.Compute {
            pod("Pending", age: age, [waiting(reason, message)]).compute(attempt: 2, wasUp: false, now: now)
        }
        #expect(compute("ErrImagePull", "pull QPS exceeded", age: 1) == .starting(2))
        #expect(compute("ErrImagePull", "pull QPS exceeded", age: 100) == .starting(2))
        let newer = "Back-off pulling image \"i\": ErrImagePull: pull QPS exceeded"
        #expect(compute("ImagePullBackOff", newer, age: 100) == .starting(2))
        #expect(compute("ImagePullBackOff", "Back-off pulling image", age: 59) == .starting(2))
        let others = [("ImagePullBackOff", "Back-off pulling image", 60.0), ("ErrImagePull", "not found", 1)]
        for (reason, message, age) in others {
            guard case .ended(2, _) = compute(reason, message, age: age) else {
                throw Unexpected(compute: compute(reason, message, age: age))
            }
        }
    }

    @Test("A pod that has ended tells how")
    func ended() throws {
        let compute = pod("Failed", [terminated(137, reason: "OOMKilled")]).compute(attempt: 1, wasUp: true, now: now)
        guard case .ended(1, let problem) = compute else { throw Unexpected(compute: compute) }
        #expect(problem.reason == "OOMKilled")
        #expect(problem.message.contains("137"))
    }

    @Test("A pod that is being deleted is going away, whatever else it is")
    func stopping() {
        var pod = pod("Running", ready: true, [running])
        pod.metadata.deletionTimestamp = Timestamp(seconds: 0)
        #expect(pod.compute(attempt: 4, wasUp: true, now: now) == .stopping(4))
    }

    private struct Unexpected: Error {
        let compute: Observation.Compute
    }
}
