// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A namespace of the testbed that only one test uses.
public struct TestNamespace: Sendable {
    /// The testbed.
    public let testbed: KubernetesTestbed
    /// The namespace's name.
    public let name: String

    /// Runs kubectl in this namespace, as `KubernetesTestbed.kubectl` does.
    @discardableResult
    public func kubectl(_ arguments: String..., input: String = "") async throws -> String {
        try await testbed.kubectl(["--namespace", name] + arguments, input: input)
    }

    /// Applies a manifest, YAML or JSON, in this namespace.
    ///
    /// - Returns: What kubectl said of each object.
    @discardableResult
    public func apply(_ manifest: String) async throws -> String {
        try await kubectl("apply", "--filename", "-", input: manifest)
    }

    /// The value of an object's field, "" if it has none.
    ///
    /// - Parameters:
    ///   - path: The field as a JSONPath expression, such as `.status.phase`.
    ///   - object: `<kind>/<name>`.
    public func field(_ path: String, of object: String) async throws -> String {
        try await kubectl("get", object, "--output", "jsonpath={\(path)}")
    }

    /// Runs a shell script in the first container of a pod.
    ///
    /// - Returns: What it printed to its standard output.
    /// - Throws: `Failure` if its exit code is not 0.
    @discardableResult
    public func shell(_ pod: String, _ script: String, input: String = "") async throws -> String {
        try await kubectl("exec", pod, "--stdin", "--", "sh", "-c", script, input: input)
    }

    /// Waits until a condition of an object is true.
    ///
    /// - Parameters:
    ///   - condition: Its type: `Ready`, `Complete`.
    ///   - object: `<kind>/<name>`.
    ///   - seconds: How long, at most. It is there to end a test that has failed: be generous.
    public func wait(for condition: String, of object: String, seconds: Int = 180) async throws {
        do {
            try await kubectl("wait", "--for=condition=\(condition)", object, "--timeout=\(seconds)s")
        } catch {
            let state = try? await kubectl("describe", object)
            throw KubernetesTestbed.Failure(description: "\(error)\n\(state ?? "")")
        }
    }

    /// Waits until an object's field has a value that is wanted, at once if it has it already.
    ///
    /// - Parameters:
    ///   - path: The field as a JSONPath expression, such as `.status.phase`.
    ///   - object: `<kind>/<name>`.
    ///   - seconds: How long, at most.
    ///   - isWanted: Says of each value whether it is the one.
    /// - Returns: The value.
    @discardableResult
    public func wait(
        for path: String,
        of object: String,
        seconds: Int = 180,
        until isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            do {
                return try await testbed.firstLine(
                    of: [
                        "--namespace", name, "--request-timeout=\(seconds)s",
                        "get", object, "--watch", "--output", "jsonpath={\(path)}{\"\\n\"}",
                    ],
                    where: isWanted
                )
            } catch let failure as KubernetesTestbed.Failure where ContinuousClock.now < deadline {
                // An API server ends the watches of a kind whose definition it has just taken up anew.
                guard failure.isEarlyEnd else { throw failure }
            }
        }
    }

    /// Makes a pull secret for the registry that wants a login.
    ///
    /// - Parameter secret: Its name.
    public func makePullSecret(_ secret: String) async throws {
        try await kubectl(
            "create",
            "secret",
            "generic",
            secret,
            "--type=kubernetes.io/dockerconfigjson",
            "--from-file=.dockerconfigjson=\(testbed.login)"
        )
    }
}

extension KubernetesTestbed {
    /// Makes a namespace, runs `body` in it, and deletes it with all that is in it.
    ///
    /// Its pods are ended at once, without waiting for them; the cluster deletes the rest in its own time.
    public func withNamespace<Result: Sendable>(
        _ body: (TestNamespace) async throws -> Result
    ) async throws -> Result {
        let name = "test-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        try await kubectl("create", "namespace", name)
        let namespace = TestNamespace(testbed: self, name: name)
        let outcome: Swift.Result<Result, any Error>
        do {
            // Pods are refused before the service account that they run as is there.
            try await awaitServiceAccount(in: namespace)
            outcome = .success(try await body(namespace))
        } catch {
            outcome = .failure(error)
        }
        // In a task of its own, so that it is done for a cancelled test too.
        try? await Task {
            try await kubectl("delete", "namespace", name, "--wait=false")
            try await namespace.kubectl("delete", "pod", "--all", "--grace-period=0", "--force", "--wait=false")
        }.value
        return try outcome.get()
    }

    private func awaitServiceAccount(in namespace: TestNamespace) async throws {
        _ = try await firstLine(
            of: [
                "--namespace", namespace.name, "--request-timeout=60s", "get", "serviceaccount", "--watch",
                "--output", "name",
            ],
            where: { $0 == "serviceaccount/default" }
        )
    }
}
