import Foundation
import Storage
import Systemd

/// Asks a running daemon for something and waits for its answer.
package struct ControlClient: Sendable {
    /// Why there is no answer.
    package struct Failure: Error, Hashable, CustomStringConvertible {
        /// What the asking process is to end with: 75, or 77 where a daemon may be there but not be asked.
        package let status: Int32
        /// Where it looked and what it found there, a line each, and what to do.
        package let lines: [String]

        package var description: String { lines.joined(separator: "\n") }
    }

    private let candidates: [ControlAddress]
    private let timeout: Duration

    /// - Parameters:
    ///   - candidates: see `ControlAddress.candidates`; the first at which somebody listens is asked.
    ///   - timeout: for all of it.
    package init(_ candidates: [ControlAddress], timeout: Duration) {
        self.candidates = candidates
        self.timeout = timeout
    }

    package func ask(_ command: ControlRequest.Command) async throws(Failure) -> ControlReply {
        let deadline = MonotonicClock.nanoseconds() + UInt64(max(0, timeout / .nanoseconds(1)))
        var tried: [ControlError] = []
        for candidate in candidates {
            do throws(ControlError) {
                let socket = try await connect(candidate.path, deadline)
                defer { close(socket) }
                let reply = try await exchange(command, candidate, socket, deadline)
                guard reply.status != ControlReply.anotherDatabase else {
                    tried.append(
                        ControlError(path: candidate.path, errno: 0, cause: reply.lines.joined(separator: " ")))
                    continue
                }
                return reply
            } catch {
                tried.append(error)
            }
        }
        throw Self.failure(tried)
    }

    private func connect(_ path: String, _ deadline: UInt64) async throws(ControlError) -> Int32 {
        let reachable = try ControlPath(path)
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard socket >= 0 else { throw ControlError.system(path, errno) }
        while reachable.address.withSocketAddress({ Foundation.connect(socket, $0, $1) }) != 0 {
            let code = errno
            // The listener's queue is full.
            if code == EAGAIN, MonotonicClock.nanoseconds() < deadline, !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(20))
                continue
            }
            close(socket)
            throw code == EAGAIN ? Self.silence(path) : ControlError.system(path, code)
        }
        return socket
    }

    private func exchange(
        _ command: ControlRequest.Command, _ candidate: ControlAddress, _ socket: Int32, _ deadline: UInt64
    ) async throws(ControlError) -> ControlReply {
        let path = candidate.path
        let answer: [UInt8]
        do throws(ControlLine.Failure) {
            let request = ControlRequest(command, database: candidate.confirming)
            guard let line = try? request.line(), line.count <= ControlLine.limit else { throw .tooLong }
            try await ControlLine.write(line, to: socket, until: deadline)
            answer = try await ControlLine.read(socket, until: deadline)
        } catch {
            switch error {
            case .tooLate: throw Self.silence(path)
            case .closed: throw ControlError(path: path, errno: ECONNRESET, cause: "it hung up without an answer")
            case .tooLong: throw ControlError(path: path, errno: EMSGSIZE, cause: "the line is longer than 64 KiB")
            case .failed(let code): throw ControlError.system(path, code)
            }
        }
        guard let reply = ControlReply(line: answer) else {
            throw ControlError(
                path: path, errno: EPROTO,
                cause: "its answer is none that this tallyd understands; use the tallyd that the daemon runs")
        }
        return reply
    }

    private static func silence(_ path: String) -> ControlError {
        ControlError(path: path, errno: ETIMEDOUT, cause: "it did not answer in time; --timeout waits longer")
    }

    private static func failure(_ tried: [ControlError]) -> Failure {
        let isForbidden = tried.contains { $0.errno == EACCES || $0.errno == EPERM }
        let lines = tried.map { error in
            switch error.errno {
            case ENOENT: "\(error.path): there is no such socket"
            case ECONNREFUSED: "\(error.path): nobody listens there; it is a dead daemon's"
            default: "\(error.path): \(error.cause)"
            }
        }
        let advice =
            isForbidden
            ? "Ask as root, as tallyd's user, or as a member of the database's group."
            : "If a daemon runs, name its database with --database, or its folder in RUNTIME_DIRECTORY (/run/tallyd); "
                + "else start it: systemctl start tallyd."
        return Failure(status: isForbidden ? 77 : 75, lines: ["no daemon answers"] + lines + [advice])
    }
}
