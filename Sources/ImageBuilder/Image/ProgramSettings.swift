// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a program is to run in a container.
public struct ProgramSettings: Sendable, Hashable {
    /// Who a container's process is, in numbers, because Kubernetes can tell only of numbers that they are not root.
    public enum User: Sendable, Hashable {
        /// Root.
        case root
        /// 65532, the number that other minimal images use, too.
        case nonroot

        /// The user and the group as an image's configuration has them.
        public var identity: String {
            switch self {
            case .root: "0:0"
            case .nonroot: "65532:65532"
            }
        }
    }

    /// The program's name, and its file's.
    public var name: String
    /// Who it is in a container.
    public var user: User
    /// One sentence about it.
    public var summary: String?
    /// Other names of its file, which others start it by.
    public var aliases: [String]
    /// Ports that it listens on, as an image's configuration has them.
    public var ports: Set<String>

    /// Creates settings; by default of a program that needs nothing of its machine.
    public init(
        name: String,
        user: User = .nonroot,
        summary: String? = nil,
        aliases: [String] = [],
        ports: Set<String> = []
    ) {
        self.name = name
        self.user = user
        self.summary = summary
        self.aliases = aliases
        self.ports = ports
    }

    /// The programs of this package that run in containers: the one list of them.
    public static let published = [
        ProgramSettings(name: "stasis-controller", summary: "Pauses and resumes sandboxes on a Kubernetes cluster."),
        ProgramSettings(
            name: "stasis-server",
            summary: "Serves the OpenSandbox Lifecycle API.",
            ports: ["8080/tcp"]
        ),
        // containerd's socket is root's. OpenSandbox's controllers start the committer by its other name.
        ProgramSettings(
            name: "stasis-committer",
            user: .root,
            summary: "Commits containers of a pod on their node to images.",
            aliases: ["image-committer"]
        ),
        ProgramSettings(
            name: "stasis-task-executor",
            summary: "Runs the tasks of a sandbox inside its pod.",
            ports: ["5758/tcp"]
        ),
    ]

    /// The settings of one of the published programs; those of another program by default.
    public static func of(_ name: String) -> ProgramSettings {
        published.first { $0.name == name } ?? ProgramSettings(name: name)
    }
}
