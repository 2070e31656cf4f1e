// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// A flag of the controller. The same names are keys of its file and, in capitals and with a prefix, variables of its
/// environment.
struct ControllerFlag: Sendable {
    /// Why a value cannot be used: the rest of a sentence that begins with it.
    struct Fault: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    enum Effect: Sendable {
        /// It is part of the options.
        case option(@Sendable (inout ControllerOptions, String) throws(Fault) -> Void)
        /// It is accepted, and nothing comes of it.
        case none(because: String, check: @Sendable (String) throws(Fault) -> Void)
    }

    let name: String
    /// What stands for its value in the help; nil if it is true or false, and `--name` alone means true.
    let placeholder: String?
    /// What it is if nobody says anything, as it is written.
    let standard: String
    let help: String
    let effect: Effect

    var isToggle: Bool { placeholder == nil }
    /// The variable of the environment that says the same.
    var variable: String {
        Self.variablePrefix + String(name.map { $0 == "-" ? "_" : $0 }).uppercased()
    }

    static let variablePrefix = "STASIS_CONTROLLER_"
}

extension ControllerFlag {
    typealias Place<Value> = WritableKeyPath<ControllerOptions, Value> & Sendable

    /// Any value, as `read` reads it.
    static func value<Value>(
        _ name: String,
        _ placeholder: String?,
        _ standard: String,
        _ place: any Place<Value>,
        _ help: String,
        read: @escaping @Sendable (String) throws(Fault) -> Value
    ) -> ControllerFlag {
        ControllerFlag(
            name: name,
            placeholder: placeholder,
            standard: standard,
            help: help,
            effect: .option { (options, text) throws(Fault) in options[keyPath: place] = try read(text) }
        )
    }

    static func toggle(_ name: String, _ place: any Place<Bool>, standard: Bool = false, _ help: String)
        -> ControllerFlag
    {
        value(name, nil, "\(standard)", place, help, read: readBool)
    }

    static func text(
        _ name: String,
        _ placeholder: String,
        _ place: any Place<String>,
        standard: String = "",
        _ help: String,
        check: @escaping @Sendable (String) throws(Fault) -> Void = { (_) throws(Fault) in }
    ) -> ControllerFlag {
        value(name, placeholder, standard, place, help) { (text) throws(Fault) in
            try check(text)
            return text
        }
    }

    /// A text of which `""` means that there is none.
    static func optionalText(
        _ name: String,
        _ placeholder: String,
        _ place: any Place<String?>,
        standard: String = "",
        _ help: String,
        check: @escaping @Sendable (String) throws(Fault) -> Void = { (_) throws(Fault) in }
    ) -> ControllerFlag {
        value(name, placeholder, standard, place, help) { (text) throws(Fault) in
            guard !text.isEmpty else { return nil }
            try check(text)
            return text
        }
    }

    static func number(
        _ name: String,
        _ place: any Place<Int>,
        standard: Int,
        atLeast least: Int,
        _ help: String
    ) -> ControllerFlag {
        value(name, "NUMBER", "\(standard)", place, help) { (text) throws(Fault) in
            try readNumber(text, atLeast: least)
        }
    }

    static func address(
        _ name: String,
        _ place: any Place<ListenAddress?>,
        standard: String,
        _ help: String
    ) -> ControllerFlag {
        value(name, "ADDRESS", standard, place, help) { (text) throws(Fault) in
            if text.isEmpty || text == "0" { return nil }
            guard let address = ListenAddress(text) else {
                throw Fault("is no address; write it as ':8081' or '127.0.0.1:8081', or '0' for none")
            }
            return address
        }
    }

    static func choice<Value: RawRepresentable & CaseIterable & SendableMetatype>(
        _ name: String,
        _ place: any Place<Value>,
        standard: Value,
        _ help: String
    ) -> ControllerFlag where Value.RawValue == String, Value.AllCases: SendableMetatype {
        let words = Value.allCases.map(\.rawValue)
        return value(name, words.joined(separator: "|"), standard.rawValue, place, help) { (text) throws(Fault) in
            guard let found = Value.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else {
                throw Fault("is not \(words.joined(separator: " or "))")
            }
            return found
        }
    }

    /// One that others have, and that means nothing here.
    static func ignored(
        _ name: String,
        _ placeholder: String?,
        standard: String,
        because reason: String,
        check: @escaping @Sendable (String) throws(Fault) -> Void = { (_) throws(Fault) in }
    ) -> ControllerFlag {
        ControllerFlag(
            name: name,
            placeholder: placeholder,
            standard: standard,
            help: "No effect: \(reason)",
            effect: .none(because: reason, check: check)
        )
    }

    // MARK: Values

    /// As Go's `flag` reads it.
    static let readBool: @Sendable (String) throws(Fault) -> Bool = { (text) throws(Fault) in
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": return true
        case "0", "f", "F", "false", "FALSE", "False": return false
        default: throw Fault("is neither true nor false")
        }
    }

    static func readNumber(_ text: String, atLeast least: Int) throws(Fault) -> Int {
        guard let number = Int(text) else { throw Fault("is no whole number") }
        guard number >= least else { throw Fault("is less than \(least)") }
        return number
    }

    /// Whole seconds, rounded up, of a span as Go writes it.
    static func readSeconds(_ text: String) throws(Fault) -> Int {
        guard let duration = GoDuration(text) else { throw Fault("is no duration; write it as '10m' or '1h30m'") }
        let seconds = duration.nanoseconds / 1_000_000_000 + (duration.nanoseconds % 1_000_000_000 > 0 ? 1 : 0)
        guard seconds >= 1 else { throw Fault("is less than a second") }
        // Kubernetes' seconds have 32 bits.
        guard seconds <= Int32.max else { throw Fault("is more than \(Int32.max) seconds") }
        return Int(seconds)
    }
}
