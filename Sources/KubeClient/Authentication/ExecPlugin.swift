// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import Subprocess
import SystemPackage

/// A program that gives credentials (client-go's exec plugins, `client.authentication.k8s.io`): a question in
/// `KUBERNETES_EXEC_INFO`, an `ExecCredential` on its standard output.
public struct ExecPlugin: Sendable, Hashable {
    /// The version of the question and of the answer: `client.authentication.k8s.io/v1` or `v1beta1`.
    public var apiVersion: String
    /// The program: a name in `PATH`, or a path.
    public var command: String
    /// Its arguments.
    public var arguments: [String]
    /// Variables that it gets besides those of the environment.
    public var variables: [String: String]
    /// The environment.
    public var environment: [String: String]
    /// What to tell people who do not have it.
    public var installHint: String?
    /// What it is told of the server, if it wants to know.
    public var clusterInfo: JSONValue?
    /// How long it may take. Some ask a cloud's metadata service.
    public var timeLimit: Duration

    /// The most that is read of an answer, in bytes.
    private static let answerLimit = 1 << 20

    /// Creates a plugin.
    public init(
        apiVersion: String,
        command: String,
        arguments: [String] = [],
        variables: [String: String] = [:],
        environment: [String: String] = [:],
        installHint: String? = nil,
        clusterInfo: JSONValue? = nil,
        timeLimit: Duration = .seconds(60)
    ) {
        self.apiVersion = apiVersion
        self.command = command
        self.arguments = arguments
        self.variables = variables
        self.environment = environment
        self.installHint = installHint
        self.clusterInfo = clusterInfo
        self.timeLimit = timeLimit
    }

    /// Asks for credentials.
    ///
    /// - Throws: `KubeError` of kind `credentials`, or `CancellationError`; the program is dead then.
    func ask() async throws -> ExecCredentialStatus {
        let timeLimit = timeLimit
        let (output, errors, isSuccess) = try await withThrowingTaskGroup(
            of: (output: String, errors: String, isSuccess: Bool).self
        ) { group in
            group.addTask { try await run() }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                throw fault("it did not answer within \(timeLimit) and was ended")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
        guard isSuccess else {
            let words = errors.onOneLine(limit: 300)
            throw fault("it failed" + (words.isEmpty ? "" : ": \(words)"), advice: installHint)
        }
        return try parse(output)
    }

    /// Reads an answer. Nothing of it may get into an error.
    func parse(_ output: String) throws(KubeError) -> ExecCredentialStatus {
        let credential: ExecCredential
        do {
            credential = try ExecCredential(json: output)
        } catch {
            throw fault("it did not answer with an ExecCredential: \(error)")
        }
        guard credential.kind == "ExecCredential", credential.apiVersion == apiVersion else {
            throw fault(
                "it answered with a \(credential.kind.prefix(80)) of \(credential.apiVersion.prefix(80)) instead of an "
                    + "ExecCredential of \(apiVersion)",
                advice: "use a version of the program that speaks \(apiVersion), or name its own in the kubeconfig"
            )
        }
        guard let status = credential.status else { throw fault("it answered without credentials") }
        let hasCertificate = status.clientCertificateData?.isEmpty == false
        guard status.token?.isEmpty == false || hasCertificate else {
            throw fault("it answered with neither a token nor a certificate")
        }
        guard hasCertificate == (status.clientKeyData?.isEmpty == false) else {
            throw fault("it answered with a certificate or a key without the other")
        }
        return status
    }

    /// What the program is told.
    var question: JSONValue {
        var spec: JSONValue = ["interactive": false]
        if let clusterInfo { spec["cluster"] = clusterInfo }
        return ["apiVersion": .string(apiVersion), "kind": "ExecCredential", "spec": spec]
    }

    private func run() async throws -> (output: String, errors: String, isSuccess: Bool) {
        var all = environment.merging(variables) { $1 }
        all["KUBERNETES_EXEC_INFO"] = question.jsonText
        var options = PlatformOptions()
        // A session of its own, so that whatever it has started ends with it.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        do {
            let result = try await Subprocess.run(
                command.contains("/") ? .path(FilePath(command)) : .name(command),
                arguments: Arguments(arguments),
                environment: .custom(
                    Dictionary(uniqueKeysWithValues: all.map { (Environment.Key(stringLiteral: $0), $1) })
                ),
                platformOptions: options,
                output: .string(limit: Self.answerLimit),
                error: .string(limit: Self.answerLimit)
            )
            try Task.checkCancellation()
            return (result.standardOutput, result.standardError, result.terminationStatus.isSuccess)
        } catch {
            try Task.checkCancellation()
            throw fault("it could not be run", advice: installHint ?? "install it", cause: error)
        }
    }

    private func fault(_ reason: String, advice: String? = nil, cause: (any Error)? = nil) -> KubeError {
        KubeError(
            .credentials,
            operation: "get credentials from",
            subject: "the program \(command.prefix(200))",
            reason: reason,
            advice: advice?.onOneLine(limit: 500),
            cause: cause
        )
    }
}
