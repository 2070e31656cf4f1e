// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A change as a document like the one that is changed, as a merge patch is, but with lists that are merged element by element
/// where Kubernetes merges them: containers by their names, ports by their numbers. API servers apply such patches to their own
/// kinds only; this is for objects that are not sent yet.
///
/// The directives of Kubernetes count: `$patch` (`replace`, `delete`, `merge`), `$retainKeys`, `$deleteFromPrimitiveList/<list>`
/// and `$setElementOrder/<list>`.
public struct StrategicMergePatch: Sendable, Hashable {
    /// The document.
    public var document: JSONValue

    /// Creates a patch.
    public init(_ document: JSONValue) { self.document = document }

    /// What it makes of a document.
    ///
    /// - Parameter rules: How the lists of the document are merged.
    /// - Throws: `JSONError` if it is no object, or one of its directives or list elements makes no sense.
    public func applied(to target: JSONValue, _ rules: MergeRules) throws(JSONError) -> JSONValue {
        guard case .object(let changes) = document else { throw JSONError("is no object") }
        return .object(try Self.merge(target.object ?? [:], changes, rules))
    }

    private typealias Members = [String: JSONValue]

    private static func merge(_ target: Members, _ patch: Members, _ rules: MergeRules) throws(JSONError) -> Members {
        var changes = patch
        switch changes.removeValue(forKey: "$patch") {
        case nil, "merge"?: break
        case "replace"?: return changes
        case "delete"?: return [:]
        case let other?: throw JSONError("is '\(other)', none of replace, delete and merge").inside("$patch")
        }
        var result = target
        try retain(&changes, in: &result)
        var orders: [String: [JSONValue]] = [:]
        for (name, change) in changes where name.hasPrefix("$") {
            let list = String(name.drop { $0 != "/" }.dropFirst())
            guard !list.isEmpty, let elements = change.array else {
                throw JSONError("is no directive with a list").inside(name)
            }
            if name.hasPrefix("$deleteFromPrimitiveList/") {
                if let kept = result[list]?.array?.filter({ !elements.contains($0) }) { result[list] = .array(kept) }
            } else if name.hasPrefix("$setElementOrder/") {
                orders[list] = elements
            } else {
                throw JSONError("is no directive that is known").inside(name)
            }
        }
        for (name, change) in changes where !name.hasPrefix("$") {
            do {
                result[name] = try merged(result[name], change, rules.members[name] ?? .plain)
            } catch {
                throw error.inside(name)
            }
        }
        for (name, order) in orders {
            guard let elements = result[name]?.array else { continue }
            result[name] = .array(ordered(elements, as: order, rules.members[name] ?? .plain))
        }
        return result
    }

    /// Drops all members but those that the patch names, if it names any.
    private static func retain(_ changes: inout Members, in target: inout Members) throws(JSONError) {
        guard let directive = changes.removeValue(forKey: "$retainKeys") else { return }
        guard let names = directive.array?.compactMap(\.string) else {
            throw JSONError("is no list of names").inside("$retainKeys")
        }
        for (name, change) in changes where !name.hasPrefix("$") && change != .null && !names.contains(name) {
            throw JSONError("does not name '\(name)', which is set beside it").inside("$retainKeys")
        }
        target = target.filter { names.contains($0.key) }
    }

    /// What becomes of one member; `nil` if it goes.
    private static func merged(_ old: JSONValue?, _ change: JSONValue, _ rules: MergeRules) throws(JSONError)
        -> JSONValue?
    {
        switch change {
        case .null: return nil
        // Also if there is nothing to merge with: what says that something goes must not stay.
        case .object(let changes): return .object(try merge(old?.object ?? [:], changes, rules))
        case .array(let changes):
            switch rules.list {
            case .atomic: return change
            case .set:
                let elements = old?.array ?? []
                return .array(
                    elements
                        + changes.enumerated().filter { index, element in
                            !elements.contains(element) && !changes[..<index].contains(element)
                        }.map(\.element)
                )
            case .map(let key): return .array(try merge(old?.array ?? [], changes, by: key, rules))
            }
        default: return change
        }
    }

    private static func merge(
        _ target: [JSONValue],
        _ changes: [JSONValue],
        by key: String,
        _ rules: MergeRules
    ) throws(JSONError) -> [JSONValue] {
        // An element that only says so replaces the whole list with the others.
        let isReplaced = changes.contains { $0["$patch"] == "replace" && $0.object?.count == 1 }
        var result = isReplaced ? [] : target
        for (index, change) in changes.enumerated() {
            do throws(JSONError) {
                if isReplaced, change["$patch"] == "replace" { continue }
                guard case .object(let members) = change else { throw JSONError("is no object") }
                guard let name = members[key] else { throw JSONError("has no '\(key)' to be merged by") }
                let place = result.firstIndex { $0[key] == name }
                if members["$patch"] == "delete" {
                    result.removeAll { $0[key] == name }
                } else if let place {
                    result[place] = .object(try merge(result[place].object ?? [:], members, rules))
                } else {
                    result.append(.object(try merge([:], members, rules)))
                }
            } catch {
                throw error.inside(String(index))
            }
        }
        return result
    }

    /// The elements in the order of those that are listed; the others stay behind the ones that they came after.
    private static func ordered(_ elements: [JSONValue], as order: [JSONValue], _ rules: MergeRules) -> [JSONValue] {
        func name(_ element: JSONValue) -> JSONValue? {
            if case .map(let key) = rules.list { return element[key] }
            return element
        }
        let places = Dictionary(
            order.enumerated().map { (name($1) ?? .null, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var place = -1
        let keyed = elements.enumerated().map { index, element in
            if let listed = places[name(element) ?? .null] {
                place = listed
                return (place: listed, isListed: 0, index: index, element: element)
            }
            return (place: place, isListed: 1, index: index, element: element)
        }
        return keyed.sorted { ($0.place, $0.isListed, $0.index) < ($1.place, $1.isListed, $1.index) }.map(\.element)
    }
}
