import Foundation
import Storage

/// A place where a daemon's control socket may be.
package struct ControlAddress: Hashable, Sendable {
    /// Absolute.
    package let path: String
    /// Set where the daemon that listens may be another database's: it has to confirm this one.
    package let confirming: String?

    /// Where the shipped tallyd.service puts it.
    static let unitPath = "/run/tallyd/control.sock"

    /// The one place where a daemon listens: in its runtime folder, which systemd makes and removes with it, else beside
    /// its database.
    package static func listening(environment: [String: String], database: String) -> ControlAddress {
        ControlAddress(path: runtimePath(environment) ?? besideDatabase(database), confirming: nil)
    }

    /// Where to look for it, most certain first.
    ///
    /// Within a unit there is no doubt. From a shell it may stand beside the database or in tallyd.service's folder; the
    /// latter is one for all databases.
    ///
    /// - Parameter database: nil when it is not known.
    package static func candidates(environment: [String: String], database: String?) -> [ControlAddress] {
        if let path = runtimePath(environment) { return [ControlAddress(path: path, confirming: nil)] }
        let shared = ControlAddress(path: unitPath, confirming: database.map(absolute))
        guard let database else { return [shared] }
        return [ControlAddress(path: besideDatabase(database), confirming: nil), shared]
    }

    /// systemd lists several folders with colons between; the first is the unit's own.
    private static func runtimePath(_ environment: [String: String]) -> String? {
        environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first.map { absolute("\($0)/control.sock") }
    }

    private static func besideDatabase(_ database: String) -> String { absolute(database) + "-tallyd.sock" }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
