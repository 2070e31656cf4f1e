// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Who a process runs as, in numbers.
struct ContainerUser: Sendable, Hashable {
    /// The user's number.
    var uid: UInt32
    /// The primary group's number.
    var gid: UInt32
    /// The supplementary groups' numbers, ascending.
    var additionalGroups: [UInt32]

    /// Resolves what an image's config says in `User`, by the rules of the OCI image specification: `user`, `uid`,
    /// `user:group`, `uid:gid` and the mixed forms. Empty is root. Without a group the user's groups are those of
    /// `/etc/passwd` and `/etc/group`; with one there are no supplementary groups.
    ///
    /// - Throws: `SandboxError` with the code `imageUnavailable` if a name is not in the image's files.
    init(_ text: String, accounts: AccountFiles) throws(SandboxError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map(String.init) ?? ""
        let account = accounts.account(name.isEmpty ? "0" : name)
        guard let uid = account?.uid ?? (name.isEmpty ? 0 : UInt32(name)) else {
            throw SandboxError(
                .imageUnavailable,
                "The image runs as the user `\(name)`, but its /etc/passwd has no such user. "
                    + "Give the image's user by number or add the user to the image."
            )
        }
        self.uid = uid

        if parts.count == 2, !parts[1].isEmpty {
            let group = String(parts[1])
            guard let gid = accounts.group(group) ?? UInt32(group) else {
                throw SandboxError(
                    .imageUnavailable,
                    "The image runs as the group `\(group)`, but its /etc/group has no such group. "
                        + "Give the image's group by number or add the group to the image."
                )
            }
            self.gid = gid
            additionalGroups = []
        } else {
            gid = account?.gid ?? 0
            additionalGroups = account.map { accounts.memberships(of: $0.name) } ?? []
        }
    }
}

/// The users and groups of an image, read from the texts of its `/etc/passwd` and `/etc/group`.
///
/// The texts come from the image and may be anything: lines that do not parse are passed over.
struct AccountFiles: Sendable {
    /// One user.
    struct Account: Sendable, Hashable {
        var name: String
        var uid: UInt32
        var gid: UInt32
    }

    /// One group.
    struct Group: Sendable, Hashable {
        var name: String
        var gid: UInt32
        var members: [String]
    }

    private var accounts: [Account]
    private var groups: [Group]

    /// Reads the two texts; an image without a file has an empty one.
    init(passwd: String, group: String) {
        accounts = Self.lines(passwd).compactMap { fields in
            guard fields.count >= 4, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { return nil }
            return Account(name: fields[0], uid: uid, gid: gid)
        }
        groups = Self.lines(group).compactMap { fields in
            guard fields.count >= 3, let gid = UInt32(fields[2]) else { return nil }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            return Group(name: fields[0], gid: gid, members: members)
        }
    }

    /// The user of this name, else of this number.
    func account(_ nameOrNumber: String) -> Account? {
        if let account = accounts.first(where: { $0.name == nameOrNumber }) { return account }
        guard let uid = UInt32(nameOrNumber) else { return nil }
        return accounts.first { $0.uid == uid }
    }

    /// The number of the group of this name.
    func group(_ name: String) -> UInt32? {
        groups.first { $0.name == name }?.gid
    }

    /// The groups that name the user as a member, ascending.
    func memberships(of name: String) -> [UInt32] {
        Set(groups.lazy.filter { $0.members.contains(name) }.map(\.gid)).sorted()
    }

    private static func lines(_ text: String) -> [[String]] {
        text.split(whereSeparator: \.isNewline).map { line in
            line.split(separator: ":", omittingEmptySubsequences: false).map {
                String($0.trimmingPrefix(while: \.isWhitespace))
            }
        }
    }
}
