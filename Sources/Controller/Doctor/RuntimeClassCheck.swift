// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels

/// What sandboxes are run by: some runtimes keep what is written where the node cannot see it.
struct RuntimeClassCheck: Sendable {
    let context: DoctorContext

    func findings() async throws -> [DoctorFinding] {
        let users = Dictionary(grouping: context.survey.entries.filter { $0.runtimeClass != nil }) {
            $0.runtimeClass ?? ""
        }
        guard !users.isEmpty else {
            return [.ok(.runtimeClasses, "sandboxes and pools", "all run by the nodes' usual runtime")]
        }
        var findings: [DoctorFinding] = []
        for (name, users) in users.sorted(by: { $0.key < $1.key }) {
            let names = users.map(\.name).sorted()
            do {
                let found = try await context.client.resource(RuntimeClass.self).find(name)
                findings.append(Self.judge(name, found?.handler, usedBy: names))
            } catch let error as KubeError where error.kind == .forbidden {
                // Its name says something, too.
                if let opaque = Self.judge(opaque: name, handler: nil, usedBy: names) {
                    findings.append(opaque)
                } else {
                    findings.append(.unchecked(.runtimeClasses, name, "it may not be read: \(error)"))
                }
            }
        }
        return findings
    }

    /// - Parameter handler: Its handler; nil if there is no such class.
    static func judge(_ name: String, _ handler: String?, usedBy users: [String]) -> DoctorFinding {
        guard let handler else {
            return .fault(
                .runtimeClassMissing,
                name,
                "there is no such RuntimeClass, and pods that name it are refused: \(users.told())",
                do: "Define it, or take runtimeClassName out of their templates."
            )
        }
        if let opaque = judge(opaque: name, handler: handler, usedBy: users) { return opaque }
        return .ok(.runtimeClasses, name, "its handler is \(handler), used by \(users.told())")
    }

    private static func judge(opaque name: String, handler: String?, usedBy users: [String]) -> DoctorFinding? {
        guard let runtime = CommitPreflight.opaqueRuntime(in: [name, handler ?? ""]) else { return nil }
        return .fault(
            .runtimeClassOpaque,
            name,
            "it is of \(runtime), which keeps what is written where the node cannot see it: these cannot be paused: \(users.told())",
            do: "Use a runtime class of runc, or a provider that can capture this one."
        )
    }
}
