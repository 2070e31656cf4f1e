// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A question about labels: whether an object has them. In addresses and on command lines it is a text:
/// `app=web,tier in (a,b),!old`.
public struct LabelQuery: Sendable, Hashable {
    /// What must be true. All of it must be; if there is nothing, every object is selected.
    public var requirements: [LabelRequirement]

    /// Asks for all of some requirements.
    public init(_ requirements: [LabelRequirement] = []) { self.requirements = requirements }

    /// Selects everything.
    public static let everything = LabelQuery()

    /// Asks for labels with certain values.
    ///
    /// - Throws: `LabelError` if a key or a value cannot be one.
    public init(matching labels: [String: String]) throws(LabelError) {
        requirements = []
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            requirements.append(try LabelRequirement(key, .equals(value)))
        }
    }

    /// What a selector in an object asks for.
    ///
    /// - Throws: `LabelError` if the API server would not take it.
    public init(_ selector: LabelSelector) throws(LabelError) {
        try self.init(matching: selector.matchLabels)
        for expression in selector.matchExpressions {
            requirements.append(try LabelRequirement(expression))
        }
    }

    /// Whether labels are what is asked for.
    public func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }
}

extension LabelQuery: CustomStringConvertible {
    /// The text, ordered by keys as the API server prints it.
    public var description: String {
        requirements.sorted { $0.key < $1.key }.map(\.description).joined(separator: ",")
    }
}

/// Something that must be true of an object's labels.
public struct LabelRequirement: Sendable, Hashable {
    /// What must be true of one label.
    public enum Condition: Sendable, Hashable {
        /// It has this value.
        case equals(String)
        /// It is not there, or has another value.
        case notEquals(String)
        /// It has one of these values.
        case among(Set<String>)
        /// It is not there, or has none of these values.
        case notAmong(Set<String>)
        /// It is there.
        case exists
        /// It is not there.
        case doesNotExist
        /// It is a whole number greater than this one.
        case greater(Int)
        /// It is a whole number less than this one.
        case less(Int)
    }

    /// The label.
    public let key: String
    /// What must be true of it.
    public let condition: Condition

    /// Creates a requirement.
    ///
    /// - Throws: `LabelError` if the key or a value cannot be one, or there are no values.
    public init(_ key: String, _ condition: Condition) throws(LabelError) {
        try LabelError.check(key, .qualifiedName, "the label")
        switch condition {
        case .equals(let value), .notEquals(let value):
            try LabelError.check(value, .labelValue, "the value of '\(key)'")
        case .among(let values), .notAmong(let values):
            if values.isEmpty { throw LabelError("'\(key)' must have one of no values") }
            for value in values { try LabelError.check(value, .labelValue, "the value of '\(key)'") }
        case .exists, .doesNotExist, .greater, .less: break
        }
        self.key = key
        self.condition = condition
    }

    /// What an expression of a selector in an object asks for.
    ///
    /// - Throws: `LabelError` if the API server would not take it.
    public init(_ expression: LabelSelectorRequirement) throws(LabelError) {
        let values = Set(expression.values)
        switch expression.operator {
        case "In": try self.init(expression.key, .among(values))
        case "NotIn": try self.init(expression.key, .notAmong(values))
        case "Exists" where values.isEmpty: try self.init(expression.key, .exists)
        case "DoesNotExist" where values.isEmpty: try self.init(expression.key, .doesNotExist)
        case "Exists", "DoesNotExist":
            throw LabelError("'\(expression.key)' has values for \(expression.operator), which takes none")
        default: throw LabelError("'\(expression.operator.prefix(80))' is no operator of a label selector")
        }
    }

    /// Whether it is true of some labels.
    public func matches(_ labels: [String: String]) -> Bool {
        let value = labels[key]
        return switch condition {
        case .equals(let wanted): value == wanted
        case .notEquals(let other): value != other
        case .among(let values): value.map { values.contains($0) } ?? false
        case .notAmong(let values): value.map { !values.contains($0) } ?? true
        case .exists: value != nil
        case .doesNotExist: value == nil
        case .greater(let bound): value.flatMap { Int($0) }.map { $0 > bound } ?? false
        case .less(let bound): value.flatMap { Int($0) }.map { $0 < bound } ?? false
        }
    }
}

extension LabelRequirement: CustomStringConvertible {
    /// As the API server prints it, values in order.
    public var description: String {
        switch condition {
        case .equals(let value): "\(key)=\(value)"
        case .notEquals(let value): "\(key)!=\(value)"
        case .among(let values): "\(key) in (\(Self.list(values)))"
        case .notAmong(let values): "\(key) notin (\(Self.list(values)))"
        case .exists: key
        case .doesNotExist: "!\(key)"
        case .greater(let bound): "\(key)>\(bound)"
        case .less(let bound): "\(key)<\(bound)"
        }
    }

    /// An empty value alone has a comma, because nothing at all in the parentheses would be no value.
    private static func list(_ values: Set<String>) -> String {
        values == [""] ? "," : values.sorted().joined(separator: ",")
    }
}

/// What is wrong with a label selector.
public struct LabelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    init(_ description: String) { self.description = description }

    static func check(_ text: String, _ rule: NameRule, _ what: String) throws(LabelError) {
        if let problem = rule.problem(with: text) { throw LabelError("\(what) '\(text.prefix(80))' \(problem)") }
    }
}
