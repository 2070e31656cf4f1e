// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

extension KubernetesTestbed {
    /// Once for a process: two that apply a definition which is not there yet disturb each other.
    private static let kruiseDefinitions = Task {
        for plural in DeployedDefinition.kruise {
            let definition = try DeployedDefinition(plural).definition
            try await find().kubectl("apply", "--filename", "-", input: definition.jsonText)
        }
    }

    /// Has the cluster know the kinds of the Kruise dialect as they are deployed; it serves them a moment later. They are
    /// left in place: others use them at the same time.
    public static func defineKruise() async throws {
        try await kruiseDefinitions.value
    }
}
