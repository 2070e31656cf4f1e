// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// The tasks that the sandboxes of a `BatchSandbox` run.
extension BatchSandbox {
    /// The name of the task at a place: `<name>-<index>`.
    public func taskName(_ index: Int) -> String { "\(metadata.name)-\(index)" }

    /// The task at a place, from the template and the patch for that place. The time limit is that of the template, whatever
    /// the patch says.
    ///
    /// - Throws: `TaskTemplateError` if there is no template, or it or the patch is broken.
    public func task(at index: Int) throws(TaskTemplateError) -> ExecutorTask {
        guard let raw = spec.taskTemplate else { throw .missing }
        let template: TaskTemplate
        do {
            template = try raw.decoded()
        } catch {
            throw .template(error)
        }
        var patched = template
        if spec.shardTaskPatches.indices.contains(index) {
            patched = try Self.patched(raw, by: spec.shardTaskPatches[index], index)
        }
        guard let process = patched.spec.process, !process.command.isEmpty else { throw .noCommand(index: index) }
        return .with {
            $0.name = taskName(index)
            $0.process = .with {
                $0.command = process.command
                $0.args = process.args
                $0.env = process.env
                $0.workingDir = process.workingDir
                $0.timeoutSeconds = template.spec.timeoutSeconds
                $0.unknownFields = process.unknownFields
            }
        }
    }

    private static func patched(
        _ template: RawJSON,
        by patch: RawJSON,
        _ index: Int
    ) throws(TaskTemplateError) -> TaskTemplate {
        do {
            let change = try patch.decoded(as: JSONValue.self)
            let document = try template.decoded(as: JSONValue.self)
            if change == .null { return try document.decoded() }
            return try StrategicMergePatch(change).applied(to: document, .taskTemplate).decoded()
        } catch {
            throw .patch(index: index, error)
        }
    }
}

extension MergeRules {
    /// Of a task template: its variables are told apart by their names.
    public static let taskTemplate = MergeRules(members: [
        "spec": MergeRules(members: ["process": MergeRules(members: ["env": map("name")])])
    ])
}

/// Why a task cannot be made.
public enum TaskTemplateError: Error, Sendable, Hashable {
    /// There is no template.
    case missing
    /// The template is none.
    case template(JSONError)
    /// The patch for a place is none, or does not fit.
    case patch(index: Int, JSONError)
    /// Nothing says what to run.
    case noCommand(index: Int)
}

extension TaskTemplateError: CustomStringConvertible {
    /// What is wrong with which field.
    public var description: String {
        switch self {
        case .missing: "spec.taskTemplate is missing"
        case .template(let error): "spec.taskTemplate is no template of tasks: \(error)"
        case .patch(let index, let error): "spec.shardTaskPatches[\(index)] cannot be applied: \(error)"
        case .noCommand(let index):
            "spec.taskTemplate.spec.process.command of task \(index) is missing; say what is to be run"
        }
    }
}
