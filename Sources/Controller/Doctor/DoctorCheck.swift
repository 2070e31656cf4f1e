// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What is looked at. The raw values are for programs, and headings in what people read.
enum DoctorCheck: String, Sendable, Hashable, CaseIterable {
    /// The API server answers, and is one that the controller can work with.
    case server = "api-server"
    /// All clocks tell the same time.
    case clocks
    /// The kinds are defined.
    case definitions
    /// The controller's account may do what the controller does.
    case permissions
    /// Who works, and that it is one at a time.
    case controllers
    /// The Secrets with the logins, and the keys.
    case secrets
    /// The registry that snapshots go to.
    case registry
    /// What sandboxes are run by.
    case runtimeClasses = "runtime-classes"
    /// How long sandboxes' probes let them be frozen.
    case probes
    /// The nodes, as Kubernetes tells of them.
    case nodes
    /// What commit Jobs find on the nodes.
    case nodeAccess = "node-access"
    /// The image of commit Jobs.
    case committerImage = "committer-image"
    /// Captures and deletions that do not end.
    case leftovers
    /// Whether the snapshots' images are still there.
    case artifacts
}
