// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The Kubernetes that `make testbed` has started on this machine: where its things are.
///
/// It has one node and two registries. docs/testbed.md tells more.
public struct KubernetesTestbed: Sendable {
    /// The testbed is not there, or does not do what a test needs of it.
    public struct Failure: Error, CustomStringConvertible {
        /// What is wrong, and what to do.
        public let description: String
        /// Whether a watch ended before what was awaited came.
        public var isEarlyEnd = false
    }

    /// The folder of its state.
    public let folder: String
    /// The path of the administrator's kubeconfig.
    public let kubeconfig: String
    /// The API server's URL, `https://<address>:<port>`.
    public let api: String
    /// The path of the certificate of the authority that everybody's certificate is from, PEM.
    public let authority: String
    /// The path of the file with the administrator's bearer token.
    public let tokenFile: String
    /// The path of the administrator's client certificate, PEM.
    public let certificate: String
    /// The path of that certificate's key, PEM.
    public let key: String
    /// The path of a kubectl of the cluster's own version.
    public let kubectlProgram: String
    /// The name of the one node.
    public let node: String
    /// The path of the socket of the node's containerd, on this machine and on the node, which are one.
    public let containerdSocket: String
    /// `<address>:<port>` of the registry that is open to everybody, for this machine and for pods. It speaks HTTP.
    public let registry: String
    /// `<address>:<port>` of the registry that wants a login. It speaks HTTP.
    public let loginRegistry: String
    /// The path of a file in the format of Docker's config.json, with that login.
    public let login: String
    /// The address by which pods reach this machine.
    public let hostAddress: String

    /// The folder in which containerd has the containers' filesystems.
    public var containerdRoot: String { "\(folder)/cluster/containerd/root" }

    /// An image with busybox, in both registries. Its command is a web server; give it another one.
    public var busybox: String { "\(registry)/stasis/busybox:1" }

    /// Finds the testbed that is up, by this process's environment.
    ///
    /// - Throws: `Failure` if it is not up.
    public static func find() throws -> KubernetesTestbed {
        try find(environment: ProcessInfo.processInfo.environment)
    }

    /// Finds the testbed that is up.
    ///
    /// - Parameter environment: Where `STASIS_TESTBED`, `STASIS_CACHE_DIR` or `HOME` tell its folder.
    /// - Throws: `Failure` if it is not up.
    public static func find(environment: [String: String]) throws -> KubernetesTestbed {
        let caches = environment["STASIS_CACHE_DIR"] ?? "\(environment["HOME"] ?? "/root")/.cache/stasis"
        let folder = environment["STASIS_TESTBED"] ?? "\(caches)/testbed"
        // testbed/up writes it when everything answers, and testbed/down deletes it.
        let file = "\(folder)/run/environment"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Failure(
                description:
                    "This test needs the testbed, but there is no \(file): run `make testbed` (docs/testbed.md)."
            )
        }
        return try KubernetesTestbed(folder: folder, text: text, file: file)
    }

    private init(folder: String, text: String, file: String) throws {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        func value(_ name: String) throws -> String {
            guard let value = values[name[...]] else {
                throw Failure(
                    description: "\(file) does not tell \(name): run `make testbed-down`, then `make testbed`."
                )
            }
            return String(value)
        }
        self.folder = folder
        kubeconfig = try value("KUBECONFIG")
        api = try value("STASIS_TESTBED_API")
        authority = try value("STASIS_TESTBED_AUTHORITY")
        tokenFile = try value("STASIS_TESTBED_TOKEN")
        certificate = try value("STASIS_TESTBED_CERTIFICATE")
        key = try value("STASIS_TESTBED_KEY")
        kubectlProgram = try value("STASIS_TESTBED_KUBECTL")
        node = try value("STASIS_TESTBED_NODE")
        containerdSocket = try value("STASIS_TESTBED_CONTAINERD")
        registry = try value("STASIS_TESTBED_REGISTRY")
        loginRegistry = try value("STASIS_TESTBED_LOGIN_REGISTRY")
        login = try value("STASIS_TESTBED_LOGIN")
        hostAddress = try value("STASIS_TESTBED_HOST_ADDRESS")
    }
}
