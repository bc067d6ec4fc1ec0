import Foundation

/// The programs under test.
enum Binary: String {
    case tallyd
    case gateway = "gateway-sim"

    /// The variable that names another build of it, such as the release one.
    private var variable: String {
        switch self {
        case .tallyd: "TALLYD_TEST_BINARY"
        case .gateway: "TALLYD_TEST_GATEWAY"
        }
    }

    /// Where it stands: as its variable says, else beside the test bundle, where the build puts it.
    ///
    /// - Throws: `Missing`, which says how to have it built.
    var path: String {
        get throws {
            let named = ProcessInfo.processInfo.environment[variable]
            // Not arguments[0]: that may be a helper's path, or relative to a folder that has been left.
            let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
            let path = named ?? URL(filePath: bundle).deletingLastPathComponent().appending(path: rawValue).path
            guard FileManager.default.isExecutableFile(atPath: path) else {
                throw Missing(
                    description: "there is no program at \(path): run `swift build --build-tests`, or set \(variable)")
            }
            return path
        }
    }

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }
}
