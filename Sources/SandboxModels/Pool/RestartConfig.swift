// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// How the containers of a pool's pods are started again, as the annotation `sandbox.opensandbox.io/restart-config` of the `Pool`
/// says: `{"blacklist":["proxy"],"retryInterval":"30s","maxRetries":3,"restartCommand":["kill","1"]}`.
public struct RestartConfig: Sendable, Hashable {
    /// The containers that run on.
    public var blacklist: Set<String> = []
    /// How long a restart may take before it is tried again. At least a second: containers need some time.
    public var retryInterval = Duration.seconds(30)
    /// How often it is tried.
    public var maxRetries = 3
    /// What is run in a container so that it ends.
    public var restartCommand = ["kill", "1"]

    /// Creates the defaults, which are upstream's.
    public init() {}

    /// Reads the annotation. What is not there, or not as it must be, has its default, as it has upstream.
    ///
    /// - Parameter text: The annotation, nil if there is none.
    public init(_ text: String?) {
        self.init()
        guard let text, let written = try? JSONValue(json: text) else { return }
        if let names = written["blacklist"]?.array { blacklist = Set(names.compactMap(\.string)) }
        if let interval = written["retryInterval"]?.string.flatMap({ GoDuration($0) }) {
            retryInterval = max(.seconds(1), interval.duration)
        }
        if let retries = written["maxRetries"]?.integer, retries > 0 { maxRetries = retries }
        if let words = written["restartCommand"]?.array?.compactMap(\.string), !words.isEmpty { restartCommand = words }
    }
}
