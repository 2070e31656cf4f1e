// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@testable import LocalRuntime

@Suite("Users and groups of an image")
struct ContainerUserTests {
    private static let accounts = AccountFiles(
        passwd: """
            root:x:0:0:root:/root:/bin/sh
            # a comment
            app:x:1000:1001:App:/home/app:/bin/sh
            broken:x:many:1:::
            1234:x:77:78::/:
            short:x:5
            big:x:4294967294:4294967294::/:
            """,
        group: """
            root:x:0:
            daemon:x:1:root,app
            app:x:1001:
            video:x:44:app,other
            twice:x:44:app
            broken:x:no:app
            """
    )

    @Test(
        "the forms of the image specification",
        arguments: [
            ("", 0, 0, [1]), ("root", 0, 0, [1]), ("0", 0, 0, [1]), ("app", 1000, 1001, [1, 44]),
            ("1000", 1000, 1001, [1, 44]), ("app:", 1000, 1001, [1, 44]), ("app:video", 1000, 44, []),
            ("app:0", 1000, 0, []), ("2000", 2000, 0, []), ("2000:3000", 2000, 3000, []), ("1000:app", 1000, 1001, []),
            (":app", 0, 1001, []), ("1234", 77, 78, []), ("big", 4_294_967_294, 4_294_967_294, []),
        ] as [(String, UInt32, UInt32, [UInt32])]
    )
    func resolves(text: String, uid: UInt32, gid: UInt32, groups: [UInt32]) throws {
        let user = try ContainerUser(text, accounts: Self.accounts)
        #expect(user.uid == uid)
        #expect(user.gid == gid)
        #expect(user.additionalGroups == groups)
    }

    @Test(
        "what is not in the image is refused by name",
        arguments: [
            ("nobody", "`nobody`"), ("broken", "`broken`"), ("short", "`short`"), ("app:staff", "`staff`"),
            ("-1", "`-1`"), ("4294967296", "`4294967296`"), ("app:app:app", "`app:app`"),
        ]
    )
    func refused(text: String, name: String) throws {
        let error = try #require(throws: SandboxError.self) { try ContainerUser(text, accounts: Self.accounts) }
        #expect(error.code == .imageUnavailable)
        #expect(error.message.contains(name))
    }

    @Test("an image without the files takes numbers only")
    func noFiles() throws {
        let none = AccountFiles(passwd: "", group: "")
        #expect(try ContainerUser("", accounts: none) == ContainerUser("0:0", accounts: none))
        #expect(try ContainerUser("7:8", accounts: none).gid == 8)
        #expect(throws: SandboxError.self) { try ContainerUser("root", accounts: none) }
    }
}
