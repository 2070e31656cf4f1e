// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a holder's process is started, and how it is treated.
public struct HolderCommand: Sendable, Hashable {
    /// The program. By default the one that runs: started from its own file, even if that was replaced meanwhile, it
    /// speaks the same protocol.
    public var executable: String
    /// What its subcommand is called; what it needs to know follows as options.
    public var arguments: [String]
    /// How long it may give no sign of life, while it is asked something or holds a freeze, until it is taken for lost. It
    /// is killed then, and what it had frozen is thawed.
    public var patience: Duration = .seconds(10)
    /// How long a task that was cancelled waits for a thaw that does not succeed. The holder then goes on alone.
    public var grace: Duration = .seconds(5)

    /// Creates a command.
    public init(executable: String = "/proc/self/exe", arguments: [String] = ["hold"]) {
        self.executable = executable
        self.arguments = arguments
    }

    /// The whole command, from the program's name on.
    func line(with options: [String]) -> [String] {
        let name = executable == "/proc/self/exe" ? CommandLine.arguments.first : nil
        return [name ?? executable] + arguments + options
    }
}
