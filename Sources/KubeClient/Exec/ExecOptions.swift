// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// How a command is run in a container.
public struct ExecOptions: Sendable, Hashable {
    /// The container; `nil` if the pod has only one.
    public var container: String?
    /// Whether the command has a standard input.
    public var hasInput: Bool
    /// Whether the command has a terminal; its errors are then part of its output.
    public var hasTerminal: Bool

    /// Creates options.
    public init(container: String? = nil, hasInput: Bool = false, hasTerminal: Bool = false) {
        self.container = container
        self.hasInput = hasInput
        self.hasTerminal = hasTerminal
    }

    func apply(_ command: [String], to request: inout KubeRequest) {
        for word in command { request.add("command", word) }
        request.add("container", container)
        request.add("stdin", hasInput ? "true" : nil)
        request.add("stdout", "true")
        request.add("stderr", hasTerminal ? nil : "true")
        request.add("tty", hasTerminal ? "true" : nil)
    }
}
