// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "TinyOperator",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "stasis", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "TinyOperator",
            dependencies: [
                .product(name: "KubeModels", package: "stasis"),
                .product(name: "KubeClient", package: "stasis"),
                .product(name: "KubeRuntime", package: "stasis"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
