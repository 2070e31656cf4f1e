// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a container is run, as far as an image of it may tell: what a restore needs that has nothing but the image.
///
/// No value of an environment variable is in here unless whoever runs Stasis has allowed it, and never one that comes from
/// a Secret, a ConfigMap or a field.
public struct ContainerExecution: Sendable, Hashable, Codable {
    /// What replaces the image's entry point, as the pod's template has it; nil: the image's own is run.
    public var command: [String]?
    /// What replaces the image's arguments; nil: the image's own, unless there is a command.
    public var arguments: [String]?
    /// Where it is run; nil: where the image says.
    public var workingDirectory: String?
    /// As whom, `user[:group]` in numbers; nil: as the image says.
    public var user: String?
    /// The names of the variables that the container has besides those of the image.
    public var environmentNames: [String]
    /// The values of some of them, by name.
    public var environment: [String: String]
    /// The ports it says to listen on: `8080/tcp`.
    public var ports: [String]
    /// What it may use, by resource name in Kubernetes' quantities.
    public var limits: [String: String]
    /// What is set aside for it.
    public var requests: [String: String]
    /// Where something is mounted in it: nothing beneath is in the image.
    public var mounts: [String]

    /// The most bytes that a description of one container may have as JSON. It is written into an object's annotation.
    public static let sizeLimit = 16 << 10

    /// Creates one of which nothing is known.
    public init() {
        environmentNames = []
        environment = [:]
        ports = []
        limits = [:]
        requests = [:]
        mounts = []
    }

    /// Reads one, also of another version.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        command = try values.decodeIfPresent([String].self, forKey: .command)
        arguments = try values.decodeIfPresent([String].self, forKey: .arguments)
        workingDirectory = try values.decodeIfPresent(String.self, forKey: .workingDirectory)
        user = try values.decodeIfPresent(String.self, forKey: .user)
        environmentNames = try values.decodeIfPresent([String].self, forKey: .environmentNames) ?? []
        environment = try values.decodeIfPresent([String: String].self, forKey: .environment) ?? [:]
        ports = try values.decodeIfPresent([String].self, forKey: .ports) ?? []
        limits = try values.decodeIfPresent([String: String].self, forKey: .limits) ?? [:]
        requests = try values.decodeIfPresent([String: String].self, forKey: .requests) ?? [:]
        mounts = try values.decodeIfPresent([String].self, forKey: .mounts) ?? []
    }
}

/// What an image tells of the environment of its container.
public enum EnvironmentDetail: String, Sendable, Hashable, CaseIterable {
    /// The names of its variables.
    case names
    /// Their values, too, where the sandbox's own definition has them as they are.
    case values
}
