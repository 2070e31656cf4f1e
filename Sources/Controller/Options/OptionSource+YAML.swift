// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Yams

extension OptionSource {
    /// A file of YAML: the flags' names, and their values as on the command line. Of several values a list may be made.
    init(yaml text: String, path: String) {
        self.init(arguments: [])
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            problems.append("\(path) is no YAML: \(error)")
            return
        }
        // Nothing at all, or comments only.
        guard let root, root.null == nil else { return }
        guard case .mapping(let members) = root else {
            problems.append("\(path) is no list of names with values, such as 'leader-elect: true'.")
            return
        }
        for (key, value) in members {
            guard let name = key.scalar?.string else {
                problems.append("\(path) has a key that is no text.")
                continue
            }
            guard let flag = ControllerFlag.named[name], name != ControllerFlag.configName else {
                problems.append("\(path): there is no '\(name)'.\(Self.hint(name) { "'\($0)'" })")
                continue
            }
            guard let text = Self.text(of: value) else {
                problems.append("\(path): '\(flag.name)' is neither a value nor a list of values.")
                continue
            }
            settings[name] = OptionSetting(text: text, place: "'\(name)' of \(path)")
        }
    }

    private static func text(of node: Yams.Node) -> String? {
        switch node {
        case .scalar(let scalar): return node.null == nil ? scalar.string : ""
        case .sequence(let elements):
            let words = elements.compactMap { $0.scalar?.string }
            return words.count == elements.count ? words.joined(separator: ",") : nil
        case .mapping, .alias: return nil
        }
    }
}
