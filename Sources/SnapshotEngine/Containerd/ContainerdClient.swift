// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRPCCore
public import Logging

/// A client of the containerd on this machine.
///
/// A client is a small value: `with(namespace:)` and `with(lease:)` give others that share its connection. Its methods,
/// grouped by containerd's services in the files beside this one, throw `ContainerdError`, and `CancellationError` when
/// the calling task was cancelled. They were checked against containerd 1.6; later versions speak the same protocol.
public struct ContainerdClient: Sendable {
    /// The containerd namespace of every call (`k8s.io` is the kubelet's).
    public let namespace: String
    /// The lease that owns what the calls make, so that garbage collection leaves it alone.
    public let lease: String?

    let connection: ContainerdConnection

    /// The unix socket that containerd listens on.
    public var socket: String { connection.socket }

    /// Where the client's messages go.
    public var logger: Logger { connection.logger }

    /// Creates a client whose connection somebody keeps by `run()`. `withClient` does both.
    ///
    /// - Parameters:
    ///   - socket: The path of containerd's socket, at most 107 bytes.
    ///   - namespace: The containerd namespace of the calls.
    ///   - logger: Where messages go.
    public init(socket: String, namespace: String, logger: Logger) throws(ContainerdError) {
        let connection = try ContainerdConnection(socket: socket, logger: logger)
        self.init(connection: connection, namespace: namespace, lease: nil)
    }

    init(connection: ContainerdConnection, namespace: String, lease: String?) {
        self.connection = connection
        self.namespace = namespace
        self.lease = lease
    }

    /// A client of the same connection in another namespace, without a lease.
    public func with(namespace: String) -> ContainerdClient {
        ContainerdClient(connection: connection, namespace: namespace, lease: nil)
    }

    /// A client of the same connection whose calls make things under a lease.
    public func with(lease: String) -> ContainerdClient {
        ContainerdClient(connection: connection, namespace: namespace, lease: lease)
    }

    /// Keeps the connection until `shutDown()`, for use as a long-lived service.
    ///
    /// Cancelling it ends the calls under way.
    public func run() async throws {
        try await connection.run()
    }

    /// Refuses new calls and lets `run()` return when the calls under way are done.
    public func shutDown() {
        connection.shutDown()
    }

    /// Opens a connection for as long as `body` runs.
    ///
    /// Cancelling the calling task cancels the calls that `body` makes, but not the connection: what `body` does to clean
    /// up afterwards still reaches containerd.
    ///
    /// - Parameters:
    ///   - socket: The path of containerd's socket, at most 107 bytes.
    ///   - namespace: The containerd namespace of the calls.
    ///   - logger: Where messages go.
    ///   - body: What to do with the client.
    /// - Throws: What `body` throws; a `ContainerdError` that says what to do if there is no socket or nobody listens.
    public static func withClient<Result: Sendable>(
        socket: String,
        namespace: String,
        logger: Logger,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ContainerdClient) async throws -> Result
    ) async throws -> Result {
        if let advice = SocketDiagnosis(socket: socket).advice {
            throw ContainerdError(
                .unavailable,
                operation: "connection",
                subject: socket,
                message: "containerd cannot be reached",
                advice: advice
            )
        }
        let client = try ContainerdClient(
            socket: socket,
            namespace: namespace,
            logger: logger
        )
        // Not a child task: it would be cancelled together with the caller, and clean-up could no longer call anybody.
        // It is owned all the same: every way out of this function ends it and waits for it.
        let connection = Task {
            try await client.run()
        }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(client))
        } catch {
            outcome = .failure(error)
        }
        client.shutDown()
        _ = await connection.result
        return try outcome.get()
    }
}

extension ContainerdClient {
    /// Why nobody can be connected to at the socket now, and what to do about it; nil if somebody listens. Calls wait for
    /// a containerd that is just being started again: who had better be told at once asks this first.
    public var obstacle: String? { SocketDiagnosis(socket: socket).advice }

    /// What goes along with every call.
    var metadata: Metadata {
        var metadata: Metadata = ["containerd-namespace": "\(namespace)"]
        if let lease {
            metadata.addString(lease, forKey: "containerd-lease")
        }
        return metadata
    }

    private static let readAttempts = 6

    /// Makes a call that changes nothing, again if the connection breaks.
    func read<Result>(
        _ operation: String,
        _ subject: String,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async throws -> Result {
        var pause = Duration.milliseconds(25)
        for _ in 1..<Self.readAttempts {
            do {
                return try await call(operation, subject, body)
            } catch let error as ContainerdError where error.code == .unavailable {
                try await Task.sleep(for: pause)
                pause *= 2
            }
        }
        return try await call(operation, subject, body)
    }

    /// Makes a call, once, and turns gRPC's errors into ours. What changes something is not repeated: nobody knows whether
    /// a call whose answer was lost was carried out.
    func call<Result>(
        _ operation: String,
        _ subject: String,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch let error as RPCError {
            if Task.isCancelled {
                throw CancellationError()
            }
            throw ContainerdError(error, operation: operation, subject: subject, socket: socket)
        } catch let error as RuntimeError {
            throw ContainerdError(
                .unavailable,
                operation: operation,
                subject: subject,
                message: error.message,
                advice: SocketDiagnosis(socket: socket).advice ?? "The client is shut down, or was never run",
                cause: error
            )
        }
    }
}
