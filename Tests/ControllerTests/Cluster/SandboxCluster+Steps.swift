// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import NIOCore
import Subprocess
import SystemPackage
import TestSupport

import class Foundation.FileManager
import struct Foundation.UUID

/// Controllers that end at one of their writes.
extension SandboxCluster {
    /// Runs `body` while a controller works, until a write of the controller's.
    ///
    /// - Parameters:
    ///   - stepped: A client whose writes are steps.
    ///   - plan: At which of them the controller ends, and whether the API server has got that one.
    /// - Returns: Whether it came to that.
    func control(
        _ stepped: KubeClient,
        until plan: (step: Int, isAfter: Bool),
        of steps: Steps,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Bool {
        try await steps.interrupt(at: plan) { try await control(stepped, body) }
    }

    /// Runs `body` with a client whose writes are steps.
    func withSteps(_ steps: Steps, _ body: @escaping @Sendable (KubeClient) async throws -> Void) async throws {
        let socket = "/tmp/steps-\(UUID().uuidString.prefix(8)).sock"
        // Who is killed removes nothing.
        defer { try? FileManager.default.removeItem(atPath: socket) }
        // It takes the API server's TLS off.
        _ = try await Subprocess.run(
            .path(FilePath(testbed.kubectlProgram)),
            arguments: ["--kubeconfig", testbed.kubeconfig, "proxy", "--unix-socket", socket],
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            for try await line in execution.standardOutput.strings() where line.contains("Starting to serve") { break }
            try await SteppingProxy.run(before: .socket(socket), at: .port(0), steps: steps, isStep: Self.isWrite) {
                port in
                let configuration = KubeClientConfiguration(server: try ServerEndpoint("http://127.0.0.1:\(port)"))
                let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                try await withKubeClient(configuration, logger: logger) { try await body($0) }
            }
            try execution.send(signal: .kill)
        }
    }

    /// Runs `body` while pods that are being deleted are gone at once: kubelets take up to ten seconds longer.
    func withHastyPods(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let informer = Informer(pods, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run() }
            group.addTask {
                for await change in informer.changes {
                    let pod = change.object.metadata
                    if case .deleted = change { continue }
                    guard pod.deletionTimestamp != nil, pod.deletionGracePeriodSeconds != 0 else { continue }
                    do {
                        _ = try await pods.delete(pod.name, DeleteOptions(uid: pod.uid, gracePeriodSeconds: 0))
                    } catch let error as KubeError where error.isNotFound || error.isConflict {
                        continue
                    }
                }
            }
            group.addTask { try await body() }
            // The others go on for ever.
            try await group.next()
            group.cancelAll()
        }
    }

    private static let isWrite: @Sendable (ByteBuffer) -> Bool = { bytes in
        ["POST ", "PATCH ", "DELETE "].contains { bytes.readableBytesView.starts(with: $0.utf8) }
    }
}

extension Steps {
    /// Does some work until it has come to a step.
    ///
    /// - Parameter plan: At which step it ends, and whether the API server has got that one.
    /// - Returns: Whether it came to that.
    func interrupt(
        at plan: (step: Int, isAfter: Bool),
        _ work: @escaping @Sendable () async throws -> Void
    ) async throws -> Bool {
        let (crashed, crash) = AsyncStream<Void>.makeStream()
        begin(Plan(at: plan.step, isAfter: plan.isAfter) { crash.yield() })
        defer { begin() }
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await work()
                return false
            }
            group.addTask {
                for await _ in crashed { return true }
                return true
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }
}
