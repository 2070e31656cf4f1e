// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import class Foundation.FileManager
import class Foundation.ProcessInfo

/// A process of the main container, among which tasks run when the executor is a sidecar that shares its process namespace.
struct SidecarTarget: Hashable {
    let number: Int
    /// `NAME=value`.
    let environment: [String]

    /// A variable that tasks have, whose other ones are those of the main container: they are not taken for it.
    static let taskVariable = "STASIS_TASK"

    /// The first process whose variable `SANDBOX_MAIN_CONTAINER` names a container.
    ///
    /// - Throws: `TaskExecutorError` if there is none.
    static func find(_ container: String) throws(TaskExecutorError) -> SidecarTarget {
        let wanted = "SANDBOX_MAIN_CONTAINER=\(container)"
        let own = Int(ProcessInfo.processInfo.processIdentifier)
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for number in numbers.compactMap({ Int($0) }).sorted() where number != own {
            guard let text = ProcessFile.contents("/proc/\(number)/environ") else { continue }
            let variables = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard variables.contains(wanted), !variables.contains(where: { $0.hasPrefix("\(taskVariable)=") }) else {
                continue
            }
            return SidecarTarget(number: number, environment: variables)
        }
        throw .failed(
            "failed to resolve target PID: no process found with environment variable \(wanted). Set it in the main container, "
                + "and let the pod share its process namespace"
        )
    }

    /// A command as it is run in the namespaces of the target, in a folder there.
    func command(_ command: [String], in folder: String?) -> [String] {
        let enter = ["nsenter", "-t", String(number), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        guard let folder else { return enter + command }
        return enter + ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, folder] + command
    }
}
