// swift-tools-version: 6.2
import PackageDescription

/// The language rules of the whole tree. Generated code (ContainerdAPI) is the only exception.
let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grpcCore = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let swiftProtobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "stasis",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "SandboxModels", targets: ["SandboxModels"]),
        .library(name: "OCIRegistry", targets: ["OCIRegistry"]),
        .library(name: "SnapshotProvider", targets: ["SnapshotProvider"]),
        .library(name: "SnapshotEngine", targets: ["SnapshotEngine"]),
        .library(name: "LocalRuntime", targets: ["LocalRuntime"]),
        .library(name: "Server", targets: ["Server"]),
        .library(name: "Committer", targets: ["Committer"]),
        .executable(name: "stasis-server", targets: ["stasis-server"]),
        .executable(name: "stasis-committer", targets: ["stasis-committer"]),
    ],
    traits: [
        .trait(name: "ISAL", description: "gzip by Intel's ISA-L (Debian: libisal-dev) instead of zlib"),
        .default(enabledTraits: ["ISAL"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // Values only.
        .target(name: "SandboxModels", swiftSettings: house),
        .target(name: "SnapshotProvider", dependencies: ["SandboxModels"], swiftSettings: house),

        // Clients that know nothing of sandboxes.
        .target(
            name: "OCIRegistry",
            dependencies: [
                asyncHTTPClient, crypto, logging, nioCore, nioHTTP1, nioPosix, subprocess, systemPackage,
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "ContainerdAPI",
            dependencies: [
                grpcCore, swiftProtobuf,
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
            ]
        ),

        // Capturing.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(
            name: "SnapshotEngine",
            dependencies: [
                "CLinux", "ContainerdAPI", "CZlib", "CZstd", "OCIRegistry", "SandboxModels", "SnapshotProvider",
                .target(name: "CISAL", condition: .when(traits: ["ISAL"])),
                crypto, grpcCore, logging, nioCore, nioPosix, swiftProtobuf, unixSignals,
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "Committer",
            dependencies: ["OCIRegistry", "SandboxModels", "SnapshotEngine", "SnapshotProvider", logging, nioCore],
            swiftSettings: house
        ),

        // One machine as a runtime, and the APIs in front of it.
        .target(
            name: "LocalRuntime",
            dependencies: [
                "CLinux", "OCIRegistry", "SandboxModels", "SnapshotEngine", "SnapshotProvider",
                logging, nioCore, nioPosix, serviceLifecycle, subprocess, systemPackage,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "Server",
            dependencies: [
                "LocalRuntime", "SandboxModels", httpTypes, hummingbird, logging, nioCore, serviceLifecycle,
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ],
            swiftSettings: house
        ),

        // Thin executables.
        .executableTarget(
            name: "stasis-server",
            dependencies: [
                "Server", "SnapshotEngine", logging, serviceLifecycle, unixSignals,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Executables/stasis-server",
            swiftSettings: house
        ),
        .executableTarget(
            name: "stasis-committer",
            dependencies: [
                "Committer", "SnapshotEngine", logging, unixSignals,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Executables/stasis-committer",
            swiftSettings: house
        ),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                "OCIRegistry", "SnapshotEngine", logging, nioCore, nioHTTP1, nioPosix, subprocess,
            ],
            swiftSettings: house
        ),
        .target(name: "Exploration", dependencies: ["SandboxModels"], swiftSettings: house),
        .executableTarget(name: "explore", dependencies: ["Exploration"], path: "Tests/Explore", swiftSettings: house),
        .testTarget(
            name: "SandboxModelsTests",
            dependencies: ["Exploration", "SandboxModels"],
            swiftSettings: house
        ),
        .testTarget(
            name: "OCIRegistryTests",
            dependencies: ["OCIRegistry", "TestSupport", asyncHTTPClient, crypto, nioCore, nioHTTP1, nioPosix],
            swiftSettings: house
        ),
        .testTarget(
            name: "SnapshotEngineTests",
            dependencies: [
                "stasis-committer", "OCIRegistry", "SnapshotEngine", "SnapshotProvider", "TestSupport", logging,
                nioCore,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "CommitterTests",
            dependencies: [
                "Committer", "stasis-committer", "OCIRegistry", "SandboxModels", "SnapshotEngine", "SnapshotProvider",
                "TestSupport", logging, subprocess, systemPackage,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "LocalRuntimeTests",
            dependencies: [
                "LocalRuntime", "stasis-committer", "OCIRegistry", "SandboxModels", "SnapshotEngine",
                "TestSupport", logging, subprocess,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "LocalRuntime", "SandboxModels", "TestSupport", httpTypes, hummingbird, logging, nioCore,
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "stasis-server", "LocalRuntime", "OCIRegistry", "SandboxModels", "SnapshotEngine", "TestSupport",
                asyncHTTPClient, logging, nioCore, nioHTTP1,
            ],
            path: "Tests/EndToEnd",
            // Compiled by the tests, into a library that the server is started with.
            exclude: ["CrashPoints"],
            swiftSettings: house
        ),
    ],
    swiftLanguageModes: [.v6]
)
