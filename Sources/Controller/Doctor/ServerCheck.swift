// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// Whether the API server answers, and is one that the controller can work with.
struct ServerCheck: Sendable {
    /// The oldest one that the controller was tried with.
    private static let oldest = (major: 1, minor: 20)

    let client: KubeClient

    func findings() async throws -> [DoctorFinding] {
        let address = client.configuration.server.address
        do {
            return [Self.judge(version: try await client.serverVersion(), at: address)]
        } catch let error as KubeError {
            return [
                .fault(
                    .apiServerUnreachable,
                    address,
                    "\(error)",
                    do:
                        "See that the address and the credentials are right (--kubeconfig, --context), and that the API server runs."
                )
            ]
        }
    }

    static func judge(version: String, at address: String) -> DoctorFinding {
        // v1.20.2, v1.33.1+k3s1, v1.30.0-gke.100
        let numbers = version.drop { !$0.isNumber }.split(separator: ".").prefix(2)
            .map { Int($0.prefix { $0.isNumber }) ?? 0 }
        let isOld = numbers.count == 2 && (numbers[0], numbers[1]) < (oldest.major, oldest.minor)
        guard isOld else { return .ok(.server, address, "it answers, and is Kubernetes \(version)") }
        return .fault(
            .apiServerOld,
            address,
            "it is Kubernetes \(version)",
            do: "Upgrade it: nothing before v\(oldest.major).\(oldest.minor) was tried."
        )
    }
}
