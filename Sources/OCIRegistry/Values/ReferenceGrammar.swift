// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The grammar of image references, part by part, so that an error can say which part is wrong.
struct ReferenceGrammar {
    struct Parts {
        var domain: String
        var repository: String
        var tag: String?
        var digest: Digest?
    }

    let text: String

    func split() throws(RegistryError) -> Parts {
        guard !text.isEmpty else { throw fault("it is empty") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw fault("it has a space or a character outside ASCII")
        }
        var rest = text[...]
        let digest = try takeDigest(from: &rest)
        let tag = try takeTag(from: &rest)
        guard !rest.isEmpty else { throw fault("it has no repository") }
        let (domain, repository) = try splitDomain(rest)
        try check(repository: repository)
        guard domain.utf8.count + 1 + repository.utf8.count <= 255 else {
            throw fault("domain and repository are longer than 255 characters")
        }
        return Parts(domain: domain, repository: repository, tag: tag, digest: digest)
    }

    /// A tag: a word character, then at most 127 word characters, dots and dashes.
    func check(tag: String) throws(RegistryError) {
        guard let first = tag.utf8.first else { throw fault("the tag after ':' is empty") }
        guard tag.utf8.count <= 128 else { throw fault("the tag is longer than 128 characters") }
        guard first.isWord else { throw fault("the tag begins with '\(tag.prefix(1))'") }
        guard let bad = tag.first(where: { !$0.isTagCharacter }) else { return }
        throw fault("the tag has the character '\(bad)'; letters, digits, '_', '.' and '-' are allowed")
    }

    func fault(_ reason: String, cause: (any Error)? = nil) -> RegistryError {
        RegistryError(
            .invalidReference,
            operation: "read the image reference",
            subject: "'\(text.prefix(300))'",
            reason: reason,
            advice: "a reference looks like registry.example/team/app:tag or registry.example/team/app@sha256:...",
            cause: cause
        )
    }

    private func takeDigest(from rest: inout Substring) throws(RegistryError) -> Digest? {
        guard let at = rest.firstIndex(of: "@") else { return nil }
        let written = String(rest[rest.index(after: at)...])
        rest = rest[..<at]
        do {
            return try Digest(parsing: written)
        } catch {
            throw fault("the digest after '@' is wrong: \(error.reason)")
        }
    }

    /// A colon after the last slash begins the tag; an earlier one belongs to the domain's port.
    private func takeTag(from rest: inout Substring) throws(RegistryError) -> String? {
        let lastPart = rest.lastIndex(of: "/").map { rest[rest.index(after: $0)...] } ?? rest
        guard let colon = lastPart.firstIndex(of: ":") else { return nil }
        let tag = String(lastPart[lastPart.index(after: colon)...])
        rest = rest[..<colon]
        try check(tag: tag)
        return tag
    }

    /// The first part is a domain if it could not be a repository's: it has a dot, a colon or a capital, or is
    /// `localhost`.
    private func splitDomain(_ name: Substring) throws(RegistryError) -> (domain: String, repository: String) {
        if name.contains("://") {
            throw fault("it is a URL; leave out the scheme")
        }
        var domain = ImageReference.dockerHub
        var repository = String(name)
        if let slash = name.firstIndex(of: "/") {
            let first = name[..<slash]
            let isDomain =
                first == "localhost" || first.contains { $0 == "." || $0 == ":" || $0.isUppercase || $0 == "[" }
            if isDomain {
                domain = String(first)
                repository = String(name[name.index(after: slash)...])
                try check(domain: domain)
            } else if first.isEmpty {
                throw fault("it begins with '/'")
            }
        }
        if domain == "index.docker.io" { domain = ImageReference.dockerHub }
        if domain == ImageReference.dockerHub && !repository.contains("/") && !repository.isEmpty {
            repository = "library/" + repository
        }
        return (domain, repository)
    }

    private func check(domain: String) throws(RegistryError) {
        var host = domain[...]
        if domain.hasPrefix("[") {
            guard let end = domain.firstIndex(of: "]") else { throw fault("the address after '[' has no ']'") }
            let address = domain[domain.index(after: domain.startIndex)..<end]
            guard address.contains(":"), address.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                throw fault("'\(address)' is not an IPv6 address")
            }
            host = domain[domain.index(after: end)...]
            guard host.isEmpty || host.hasPrefix(":") else { throw fault("after ']' only a port can follow") }
            if !host.isEmpty { try check(port: host.dropFirst()) }
            return
        }
        if let colon = domain.firstIndex(of: ":") {
            try check(port: domain[domain.index(after: colon)...])
            host = domain[..<colon]
        }
        for label in host.split(separator: ".", omittingEmptySubsequences: false) {
            let isLabel =
                label.utf8.first?.isAlphanumeric == true && label.utf8.last?.isAlphanumeric == true
                && label.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") }
            guard isLabel else { throw fault("'\(host)' is not a host name") }
        }
    }

    private func check(port: Substring) throws(RegistryError) {
        guard !port.isEmpty, port.utf8.allSatisfy(\.isDigit), let number = UInt16(port), number > 0 else {
            throw fault("'\(port)' is not a port")
        }
    }

    /// Parts of lower-case letters and digits, joined within by `.`, `_`, `__` or any number of `-`.
    private func check(repository: String) throws(RegistryError) {
        guard !repository.isEmpty else { throw fault("it has no repository") }
        for part in repository.split(separator: "/", omittingEmptySubsequences: false) {
            if part.isEmpty { throw fault("the repository has an empty part") }
            if part.contains(where: \.isUppercase) {
                throw fault("the repository has capitals in '\(part)'; only lower case is allowed")
            }
            guard Self.isPathComponent(part) else {
                throw fault(
                    "'\(part)' in the repository is not lower-case letters and digits with single '.', '_', '__' or "
                        + "'-' between them"
                )
            }
        }
    }

    static func isPathComponent(_ part: Substring) -> Bool {
        var separator = ""
        for (offset, character) in part.enumerated() {
            guard let byte = character.asciiValue else { return false }
            if byte.isLowercase || byte.isDigit {
                guard separator.isEmpty || offset > separator.count else { return false }
                guard isSeparator(separator) else { return false }
                separator = ""
            } else {
                separator.append(character)
            }
        }
        return separator.isEmpty && !part.isEmpty
    }

    private static func isSeparator(_ text: String) -> Bool {
        text.isEmpty || text == "." || text == "_" || text == "__" || text.allSatisfy { $0 == "-" }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    fileprivate var isLowercase: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    fileprivate var isUppercase: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
    fileprivate var isAlphanumeric: Bool { isDigit || isLowercase || isUppercase }
    fileprivate var isWord: Bool { isAlphanumeric || self == UInt8(ascii: "_") }
}

extension Character {
    fileprivate var isTagCharacter: Bool {
        guard let byte = asciiValue else { return false }
        return byte.isWord || self == "." || self == "-"
    }
}
