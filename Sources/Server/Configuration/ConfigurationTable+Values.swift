// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// Values of particular forms.
extension ConfigurationTable {
    /// Reads one of the words of an enumeration.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        of type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let word = text(key) else { return nil }
        if let choice = Choice(rawValue: word) { return choice }
        let words = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        refuse(key, "is '\(word)' but must be one of \(words).")
        return nil
    }

    /// Reads an absolute path, or one that begins with `~/`.
    mutating func path(_ key: String, home: String?, mayBeBlank: Bool = false) -> String? {
        guard let text = mayBeBlank ? string(key) : text(key), !text.trimmed.isEmpty else { return nil }
        switch ServerConfiguration.absolute(text, home: home) {
        case .success(let path): return path
        case .failure(let reason):
            refuse(key, reason.text)
            return nil
        }
    }

    /// Reads absolute paths without parts that lead elsewhere.
    mutating func hostPaths(_ key: String, home: String?) -> [String] {
        var paths: [String] = []
        for text in strings(key) ?? [] {
            switch ServerConfiguration.absolute(text, home: home) {
            case .success(let path) where !path.split(separator: "/").contains(where: { $0 == ".." || $0 == "." }):
                paths.append(path)
            case .success(let path): refuse(key, "has '\(path)', which has a part '.' or '..'.")
            case .failure(let reason): refuse(key, "has a path that \(reason.text)")
            }
        }
        return paths
    }

    /// Reads a name that keeps one of Kubernetes' rules.
    mutating func name(_ key: String, _ rule: NameRule) -> String? {
        guard let name = text(key) else { return nil }
        if let problem = rule.problem(with: name) {
            refuse(key, "is '\(name)', which \(problem).")
            return nil
        }
        return name
    }

    /// Reads how often something may happen: 0 a second is no limit, and a burst of 0 is what comes in a second.
    mutating func requestLimit(_ rateKey: String, _ burstKey: String) -> ServerConfiguration.RequestLimit? {
        let rate = number(rateKey, in: 0...1_000_000) ?? 0
        let burst = integer(burstKey, in: 0...1_000_000) ?? 0
        guard rate > 0 else { return nil }
        return ServerConfiguration.RequestLimit(
            requestsPerSecond: rate,
            burst: burst > 0 ? burst : max(1, Int(rate))
        )
    }
}
