// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One thing wrong with a request, in the form in which upstream's framework tells it: an entry of `detail` in a 422.
///
/// Upstream adds the offending input; this server does not, because the input may be a password.
struct ValidationIssue: Sendable, Equatable, Encodable {
    /// A step on the way to the value: a member's name or an element's index.
    enum Step: Sendable, Equatable, Encodable, ExpressibleByStringLiteral {
        case name(String)
        case index(Int)

        init(stringLiteral name: String) {
            self = .name(name)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .name(let name): try container.encode(name)
            case .index(let index): try container.encode(index)
            }
        }
    }

    /// The kind, one of pydantic's words.
    var type: String
    /// The way to the value, beginning with `body`, `query` or `path`.
    var loc: [Step]
    /// A sentence for people.
    var msg: String
    /// What explains the sentence, such as the parser's own words.
    var ctx: [String: String]?

    init(_ type: String, at location: [Step], _ message: String, context: [String: String]? = nil) {
        self.type = type
        self.loc = location
        self.msg = message
        self.ctx = context
    }
}

/// Everything that is wrong with one request.
struct ValidationError: Error, Equatable {
    var issues: [ValidationIssue]
}
