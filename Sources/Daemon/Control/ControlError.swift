import Foundation

/// Why a control socket can't be used, without what was to be done with it.
struct ControlError: Error, Hashable {
    let path: String
    let errno: Int32
    let cause: String

    static func system(_ path: String, _ code: Int32) -> ControlError {
        ControlError(path: path, errno: code, cause: String(cString: strerror(code)))
    }
}
