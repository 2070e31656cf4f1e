// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One value of a request together with its place. Reading it as a type either gives the value or adds an issue.
///
/// The conversions are those of upstream's framework: `60.0` and `"60"` are integers, `"yes"` is a boolean, and a number
/// is never a string.
struct RequestField {
    /// What was sent, or nil if nothing was.
    var value: JSONValue?
    /// The way to the value.
    var location: [ValidationIssue.Step]

    /// Whether a value may be left out.
    enum Presence {
        /// It must be there.
        case required
        /// It may be left out, but must not be null.
        case optional
        /// It may be left out or null.
        case nullable
    }

    /// Whether it was left out or null.
    var isBlank: Bool { value == nil || value == .null }

    /// What was sent, unless leaving it out is fine; its absence is an issue if it is required.
    private func present(_ presence: Presence, _ issues: inout [ValidationIssue]) -> JSONValue? {
        switch (value, presence) {
        case (nil, .required):
            issues.append(ValidationIssue("missing", at: location, "Field required"))
            return nil
        case (.null?, .nullable), (nil, _):
            return nil
        case (let value?, _):
            return value
        }
    }

    /// A string.
    func string(_ presence: Presence, _ issues: inout [ValidationIssue]) -> String? {
        guard let value = present(presence, &issues) else { return nil }
        guard case .string(let string) = value else {
            issues.append(ValidationIssue("string_type", at: location, "Input should be a valid string"))
            return nil
        }
        return string
    }

    /// An integer within bounds.
    func integer(
        _ presence: Presence,
        in bounds: ClosedRange<Int>,
        _ issues: inout [ValidationIssue]
    ) -> Int? {
        guard let value = present(presence, &issues) else { return nil }
        func refuse(_ type: String, _ message: String) -> Int? {
            issues.append(ValidationIssue(type, at: location, message))
            return nil
        }
        let number: Int
        switch value {
        case .integer(let integer):
            number = integer
        case .number(let double):
            guard double == double.rounded() else {
                return refuse(
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part"
                )
            }
            guard let integer = Int(exactly: double) else {
                return refuse("int_parsing_size", "Input should be an integer of 64 bits")
            }
            number = integer
        case .string(let string):
            guard let integer = Int(string.trimmed) else {
                return refuse(
                    "int_parsing",
                    "Input should be a valid integer, unable to parse string as an integer"
                )
            }
            number = integer
        case .null, .bool, .array, .object:
            return refuse("int_type", "Input should be a valid integer")
        }
        if number < bounds.lowerBound {
            return refuse("greater_than_equal", "Input should be greater than or equal to \(bounds.lowerBound)")
        }
        if number > bounds.upperBound {
            return refuse("less_than_equal", "Input should be less than or equal to \(bounds.upperBound)")
        }
        return number
    }

    /// A boolean, also as one of the words that people write for one.
    func bool(_ presence: Presence, _ issues: inout [ValidationIssue]) -> Bool? {
        guard let value = present(presence, &issues) else { return nil }
        switch value {
        case .bool(let bool): return bool
        case .integer(0): return false
        case .integer(1): return true
        case .string(let word):
            switch word.lowercased() {
            case "true", "t", "yes", "y", "on", "1": return true
            case "false", "f", "no", "n", "off", "0": return false
            default: break
            }
        case .integer, .number: break
        case .null, .array, .object:
            issues.append(ValidationIssue("bool_type", at: location, "Input should be a valid boolean"))
            return nil
        }
        issues.append(
            ValidationIssue(
                "bool_parsing",
                at: location,
                "Input should be a valid boolean, unable to interpret input"
            )
        )
        return nil
    }

    /// The elements of a list.
    func list(
        _ presence: Presence,
        atLeast minimum: Int = 0,
        _ issues: inout [ValidationIssue]
    ) -> [RequestField]? {
        guard let value = present(presence, &issues) else { return nil }
        guard case .array(let elements) = value else {
            issues.append(ValidationIssue("list_type", at: location, "Input should be a valid list"))
            return nil
        }
        guard elements.count >= minimum else {
            let noun = minimum == 1 ? "item" : "items"
            issues.append(
                ValidationIssue(
                    "too_short",
                    at: location,
                    "List should have at least \(minimum) \(noun) after validation, not \(elements.count)"
                )
            )
            return nil
        }
        return elements.enumerated().map { index, element in
            RequestField(value: element, location: location + [.index(index)])
        }
    }

    /// The strings of a list of strings.
    func strings(
        _ presence: Presence,
        atLeast minimum: Int = 0,
        _ issues: inout [ValidationIssue]
    ) -> [String]? {
        list(presence, atLeast: minimum, &issues)?.compactMap { $0.string(.required, &issues) }
    }

    /// An object whose members have names of their own.
    func object(_ presence: Presence, _ issues: inout [ValidationIssue]) -> RequestObject? {
        guard let value = present(presence, &issues) else { return nil }
        guard case .object(let members) = value else {
            issues.append(
                ValidationIssue(
                    "model_attributes_type",
                    at: location,
                    "Input should be a valid dictionary or object to extract fields from"
                )
            )
            return nil
        }
        return RequestObject(members: members, location: location)
    }

    /// An object that maps any names to strings. Members that are null are left out if they may be null.
    func map(
        _ presence: Presence,
        values: Presence = .required,
        _ issues: inout [ValidationIssue]
    ) -> [String: String]? {
        guard let value = present(presence, &issues) else { return nil }
        guard case .object(let members) = value else {
            issues.append(ValidationIssue("dict_type", at: location, "Input should be a valid dictionary"))
            return nil
        }
        var map: [String: String] = [:]
        for name in members.keys.sorted() {
            let member = RequestField(value: members[name], location: location + [.name(name)])
            map[name] = member.string(values, &issues)
        }
        return map
    }
}

/// The members of one object of a request.
struct RequestObject {
    var members: [String: JSONValue]
    var location: [ValidationIssue.Step]

    /// A member by its name; members that nobody asks for are ignored, as upstream does.
    subscript(_ name: String) -> RequestField {
        RequestField(value: members[name], location: location + [.name(name)])
    }
}
