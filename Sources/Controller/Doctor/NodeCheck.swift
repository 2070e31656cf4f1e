// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels

/// The nodes, as Kubernetes tells of them.
struct NodeCheck: Sendable {
    /// The oldest containerd that the committer was tried with.
    private static let oldest = (major: 1, minor: 6)

    let client: KubeClient

    func findings() async throws -> [DoctorFinding] {
        let nodes = try await client.resource(Node.self).pages().collect().items
        guard !nodes.isEmpty else { return [.unchecked(.nodes, "nodes", "there are none")] }
        return nodes.sorted { $0.metadata.name < $1.metadata.name }.map(Self.judge)
    }

    static func judge(_ node: Node) -> DoctorFinding {
        let subject = "node \(node.metadata.name)"
        guard let info = node.status?.nodeInfo, !info.containerRuntimeVersion.isEmpty else {
            return .unchecked(.nodes, subject, "no kubelet has told of it")
        }
        let told =
            "\(info.containerRuntimeVersion), \(info.operatingSystem)/\(info.architecture), kernel \(info.kernelVersion)"
        guard node.canBeCommittedOn else {
            return .fault(
                .nodeUnsupported,
                subject,
                "it has \(told): sandboxes that run there cannot be paused",
                do: "Keep sandboxes off it (nodeSelector, taints): the committer needs containerd on Linux."
            )
        }
        guard node.isReady else {
            return .fault(
                .nodeNotReady,
                subject,
                "it is not ready: captures there do not begin or do not end",
                do: "See kubectl describe node \(node.metadata.name)."
            )
        }
        let numbers = info.containerRuntimeVersion.drop { !$0.isNumber }.split(separator: ".").prefix(2)
            .map { Int($0.prefix { $0.isNumber }) ?? 0 }
        if numbers.count == 2, (numbers[0], numbers[1]) < (oldest.major, oldest.minor) {
            return .fault(
                .nodeRuntimeOld,
                subject,
                "it has \(told)",
                do: "Upgrade containerd: nothing before \(oldest.major).\(oldest.minor) was tried."
            )
        }
        return .ok(.nodes, subject, told)
    }
}

extension Node {
    /// Whether its kubelet works.
    var isReady: Bool { status?.conditions.isTrue("Ready") == true }

    /// Whether it is of the kind that the committer works on.
    var canBeCommittedOn: Bool {
        guard let info = status?.nodeInfo else { return false }
        return info.operatingSystem == "linux" && info.containerRuntimeVersion.hasPrefix("containerd://")
    }
}
