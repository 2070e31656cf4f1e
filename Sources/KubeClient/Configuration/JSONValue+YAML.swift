// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import Yams

extension JSONValue {
    /// What is read from a YAML file at most, in bytes. A kubeconfig of a thousand clusters has a few MiB.
    static let yamlLimit = 16 << 20
    /// Aliases make much of little; a file that says more than so many values is refused.
    private static let yamlValueLimit = 1_000_000

    /// Reads a YAML document as the JSON that it stands for; of JSON that is the same.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration` that names the subject.
    public init(yaml text: String, subject: String) throws(KubeError) {
        func fault(_ reason: String, _ cause: (any Error)? = nil) -> KubeError {
            // The parser's own error quotes the line, which may be a secret.
            let place = (cause as? YamlError).flatMap { error -> String? in
                switch error {
                case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
                    " at line \(mark.line), column \(mark.column)"
                default: nil
                }
            }
            return KubeError(
                .invalidConfiguration,
                operation: "read",
                subject: subject,
                reason: reason + (place ?? "")
            )
        }
        guard text.utf8.count <= Self.yamlLimit else { throw fault("it has more than \(Self.yamlLimit) bytes") }
        let node: Yams.Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw fault("it is no YAML", error)
        }
        var left = Self.yamlValueLimit
        guard let value = Self.convert(node ?? "", depth: 0, left: &left) else {
            throw fault("it is nested too deeply, or says too much, or has a key that is no text")
        }
        self = value
    }

    private static func convert(_ node: Yams.Node, depth: Int, left: inout Int) -> JSONValue? {
        left -= 1
        guard left > 0, depth < 100 else { return nil }
        switch node {
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard let name = key.scalar?.string, let value = convert(value, depth: depth + 1, left: &left) else {
                    return nil
                }
                members[name] = value
            }
            return .object(members)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence {
                guard let value = convert(element, depth: depth + 1, left: &left) else { return nil }
                elements.append(value)
            }
            return .array(elements)
        case .scalar(let scalar):
            switch Resolver.default.resolveTag(of: node) {
            case .null: return .null
            case .bool: return Bool.construct(from: scalar).map { .bool($0) } ?? .string(scalar.string)
            case .int: return Int.construct(from: scalar).map { .number(JSONNumber($0)) } ?? .string(scalar.string)
            case .float:
                return Double.construct(from: scalar).flatMap { JSONNumber($0) }.map { .number($0) }
                    ?? .string(scalar.string)
            default: return .string(scalar.string)
            }
        case .alias: return nil
        }
    }
}
