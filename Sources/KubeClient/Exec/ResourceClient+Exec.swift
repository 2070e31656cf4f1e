// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
public import NIOCore
import WebSockets

/// What has come of a command.
public struct ExecResult: Sendable, Hashable {
    /// How it ended.
    public var exit: ExecExit
    /// What it wrote to its standard output.
    public var output: ByteBuffer
    /// What it wrote to its standard error.
    public var error: ByteBuffer
}

extension ResourceClient where Object == Pod {
    /// Runs a command in a container, and `body` with it. When `body` is done the connection is closed, which does not end a
    /// command that still runs.
    ///
    /// - Parameter command: the program and its arguments; there is no shell.
    /// - Throws: what `body` throws; `KubeError` if the command cannot be begun.
    public func exec<Result: Sendable>(
        in pod: String,
        _ command: [String],
        _ options: ExecOptions = ExecOptions(),
        _ body: (ExecSession) async throws -> Result
    ) async throws -> Result {
        var request = try request("run a command in", name: pod, subresource: "exec")
        // Servers answer 406 to those who want JSON.
        request.accept = "*/*"
        options.apply(command, to: &request)
        let prepared = request
        return try await transport.openWebSocket(prepared, subprotocols: ExecChannel.subprotocols) { socket in
            try await body(ExecSession(socket: socket, request: prepared))
        }
    }

    /// Runs a command in a container to its end.
    ///
    /// - Parameter outputLimit: how many bytes it may write.
    /// - Throws: `KubeError`, of kind `tooLarge` if it writes more. An exit code other than 0 is none.
    public func exec(
        in pod: String,
        _ command: [String],
        container: String? = nil,
        outputLimit: Int = 1 << 20
    ) async throws -> ExecResult {
        try await exec(in: pod, command, ExecOptions(container: container)) { session in
            var result = ExecResult(exit: ExecExit(code: 0), output: ByteBuffer(), error: ByteBuffer())
            for try await event in session.events {
                switch event {
                case .output(let bytes): result.output.writeImmutableBuffer(bytes)
                case .error(let bytes): result.error.writeImmutableBuffer(bytes)
                case .exited(let exit): result.exit = exit
                }
                if result.output.readableBytes + result.error.readableBytes > outputLimit {
                    throw session.request.fault(.tooLarge, "the command writes more than \(outputLimit) bytes")
                }
            }
            return result
        }
    }
}
