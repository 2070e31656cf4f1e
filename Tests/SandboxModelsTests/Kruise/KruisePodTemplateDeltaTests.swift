// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

@Suite("How a pod differs from its template")
struct KruisePodTemplateDeltaTests {
    private func template(_ json: String) throws -> PodTemplateSpec { try PodTemplateSpec(json: json) }
    private func pod(_ json: String) throws -> Pod { try Pod(json: json) }

    @Test("is nothing where it was made as it says, however quantities are spelled and completed")
    func nothing() throws {
        let template = try template(
            #"{"spec":{"containers":[{"name":"a","image":"x:1","resources":{"limits":{"cpu":"1","memory":"64Mi"}}},{"name":"b"}]}}"#
        )
        let pod = try pod(
            #"{"metadata":{"labels":{"injected":"yes"},"annotations":{"x":"y"}},"spec":{"containers":[{"name":"b"},"#
                + #"{"name":"a","image":"x@sha256:0","resources":{"limits":{"cpu":"1000m","memory":"65536Ki"},"#
                + #""requests":{"cpu":"1","memory":"64Mi"}}}]}}"#
        )
        #expect(KruisePodTemplateDelta(of: pod, from: template) == nil)
    }

    @Test("is the resources that were changed, and what was put beside its containers, in the order of the pod")
    func changes() throws {
        let template = try template(
            #"{"spec":{"initContainers":[{"name":"first"}],"containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}},{"name":"b"}]}}"#
        )
        let pod = try pod(
            #"{"spec":{"initContainers":[{"name":"mesh-init","image":"m:1","x":1},{"name":"first"}],"#
                + #""containers":[{"name":"mesh","image":"m:2","args":["-v"]},"#
                + #"{"name":"a","image":"y","resources":{"requests":{"cpu":"2"}}},{"name":"b","image":"other"}]}}"#
        )
        let delta = try #require(KruisePodTemplateDelta(of: pod, from: template))
        let expected = try JSONValue(
            json: #"{"spec":{"$setElementOrder/containers":[{"name":"mesh"},{"name":"a"},{"name":"b"}],"#
                + #""$setElementOrder/initContainers":[{"name":"mesh-init"},{"name":"first"}],"#
                + #""containers":[{"name":"mesh","image":"m:2","args":["-v"]},{"name":"a","resources":{"requests":{"cpu":"2"}}}],"#
                + #""initContainers":[{"name":"mesh-init","image":"m:1","x":1}]}}"#
        )
        #expect(delta.patch == expected, "\(delta.patch.jsonText)")
    }
}
