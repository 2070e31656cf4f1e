// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension HTTPField.Name {
    /// A value that is constant and known to be a token.
    static func known(_ name: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is no header name") }
        return name
    }

    static let requestID = known("X-Request-ID")
    static let apiKey = known("OPEN-SANDBOX-API-KEY")
    static let deprecation = known("Deprecation")
}

/// The name that stands in a request's response and in every line that is logged about it.
enum RequestName {
    /// A longer name would only serve to fill the log.
    static let maximumLength = 128

    /// The client's own `X-Request-ID`, or a new one.
    static func of(_ request: Request) -> String {
        usable(request.headers[.requestID]) ?? make()
    }

    /// A client's name, if it is one that can be repeated: visible ASCII of a bounded length.
    static func usable(_ name: String?) -> String? {
        guard let name = name?.trimmed, (1...maximumLength).contains(name.utf8.count),
            name.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        return name
    }

    /// 32 hexadecimal digits.
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        let random = (generator.next() as UInt64, generator.next() as UInt64)
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for (part, word) in [random.0, random.1].enumerated() {
                for place in 0..<16 {
                    let digit = UInt8(truncatingIfNeeded: word >> UInt64(4 * place)) & 15
                    buffer[part * 16 + place] = digit < 10 ? 48 + digit : 87 + digit
                }
            }
            return 32
        }
    }
}
