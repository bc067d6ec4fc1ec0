import Foundation
import TestSupport

/// A way from a child to the test.
struct ChildPipe {
    let outlet: Int32
    let inlet: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        // A pair of sockets, since Glibc's module has no pipe2: were the ends marked close-on-exec a moment later, a
        // process that another test starts in between would inherit them, and this one's end would not be seen before
        // that one's.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemFailure("make a pipe", code: errno) }
        (outlet, inlet) = (ends[0], ends[1])
    }

    func closeInlet() {
        close(inlet)
    }
}
