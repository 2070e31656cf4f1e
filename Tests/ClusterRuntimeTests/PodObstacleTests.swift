// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels
import Testing

@testable import ClusterRuntime

@Suite struct PodObstacleTests {
    @Test func aPodThatNoNodeTakes() throws {
        let pod = try self.pod(
            """
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: \
            1 Insufficient memory."}]}
            """
        )
        let obstacle = try #require(PodObstacle(pod))
        #expect(obstacle.text == "Unschedulable: 0/1 nodes: 1 Insufficient memory.")
        #expect(!obstacle.isOfNodeLabels)
    }

    @Test(arguments: ["1 node(s) didn't match node selector.", "1 node(s) didn't match Pod's node affinity/selector."])
    func aPlatformThatNoNodeHas(message: String) throws {
        let pod = try self.pod(
            #"{"conditions": [{"type": "PodScheduled", "status": "False", "message": "\#(message)"}]}"#
        )
        #expect(PodObstacle(pod)?.isOfNodeLabels == true)
    }

    @Test func aContainerThatDoesNotStart() throws {
        let pod = try self.pod(
            """
            {"conditions": [{"type": "PodScheduled", "status": "True"}],
             "initContainerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 0}}}],
             "containerStatuses": [{"name": "b", "state": {"waiting": {"reason": "PodInitializing"}}},
             {"name": "c", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]}
            """
        )
        #expect(PodObstacle(pod)?.text == "ErrImagePull: no such image")
    }

    @Test(arguments: [
        "{}", #"{"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ContainerCreating"}}}]}"#,
    ])
    func nothingIsSaid(status: String) throws {
        #expect(PodObstacle(try pod(status)) == nil)
        #expect(PodObstacle(Pod()) == nil)
    }

    @Test func moreIsAskedForThanMayBeUsed() throws {
        let error = #expect(throws: SandboxError.self) {
            try PodResources.requirements(limits: ["memory": "64Mi"], requests: ["memory": "65Mi"])
        }
        #expect(error?.code == .invalidParameter)
        let allowed = try PodResources.requirements(
            limits: ["memory": "64Mi"],
            requests: ["memory": "64Mi", "cpu": "1"]
        )
        #expect(allowed?.requests["cpu"] == Quantity(1))
    }

    private func pod(_ status: String) throws -> Pod {
        try JSONValue(json: #"{"metadata": {"name": "pod"}, "status": \#(status)}"#).decoded()
    }
}
