import Foundation
package import Logging
import ServiceLifecycle
import Storage
import Synchronization

/// Answers requests over a Unix socket, one a connection, several connections at once.
///
/// Whoever may connect is asked for by the socket's mode and by its peer's credentials. A daemon that can't have its socket
/// counts on without: it says so, and SIGHUP still reloads.
package struct ControlServer: Service {
    /// So many are served at once; further ones wait in the kernel's queue.
    private static let limit = 16

    private let path: String
    private let database: String
    private let handlers: ControlHandlers
    private let logger: Logger
    private let patience: Duration
    private let standing: @Sendable () -> Void

    /// - Parameters:
    ///   - address: where to listen; see `ControlAddress.listening`.
    ///   - database: the daemon's, whose group may send requests.
    ///   - patience: for how long a request may take to arrive. It comes in one piece from a program of ours; who takes
    ///     longer has forgotten it.
    ///   - standing: called once, when it listens or can't.
    package init(
        _ address: ControlAddress, database: String, handlers: ControlHandlers, logger: Logger,
        patience: Duration = .seconds(5), standing: @escaping @Sendable () -> Void = {}
    ) {
        path = address.path
        self.database = database
        self.handlers = handlers
        self.logger = logger
        self.patience = patience
        self.standing = standing
    }

    package func run() async throws {
        var listener: ControlListener?
        do throws(ControlError) {
            listener = try listen()
            standing()
        } catch {
            logger.warning(
                "no control socket: settings are read again on SIGHUP only",
                metadata: [
                    "message_id": "\(MessageID.controlUnavailable)", "socket": "\(path)", "error": "\(error.cause)",
                ])
            standing()
            listener = await listenLater(after: error)
        }
        // Nil at the daemon's end alone: a service that returns would end the others.
        guard let listener else { return }
        let door = ControlDoor(listener, limit: Self.limit)
        await withDiscardingTaskGroup { group in
            await withTaskCancellationOrGracefulShutdownHandler {
                for await connection in door.connections {
                    group.addTask {
                        await serve(connection)
                        door.leave(connection)
                    }
                }
            } onCancelOrGracefulShutdown: {
                door.shut()
            }
            group.cancelAll()
        }
    }

    private func listen() throws(ControlError) -> ControlListener {
        try ControlListener(path: path, group: ControlPeer.group(of: database))
    }

    /// Another program that has the socket may be gone soon: the daemon that was stopped, and whose successor this one is. Nil once this one ends.
    private func listenLater(after failure: ControlError) async -> ControlListener? {
        let mayPass = failure.errno == EADDRINUSE || failure.errno == EWOULDBLOCK
        return await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: mayPass ? Self.laterLook : .seconds(86_400))
                if mayPass, let listener = try? listen() {
                    logger.notice("the control socket is free now", metadata: ["socket": "\(path)"])
                    return listener
                }
            }
            return nil
        }
    }

    /// A look is a connection to whoever has it.
    private static let laterLook = Duration.seconds(2)

    private func serve(_ connection: Int32) async {
        let line: Result<[UInt8], ControlLine.Failure>
        do throws(ControlLine.Failure) {
            line = .success(try await ControlLine.read(connection, until: deadline()))
        } catch {
            line = .failure(error)
        }
        let reply = await answer(line, to: ControlPeer(of: connection))
        // Who has gone needs no answer.
        if let bytes = try? reply.line() { try? await ControlLine.write(bytes, to: connection, until: deadline()) }
        shutdown(connection, Int32(SHUT_WR))
        await ControlLine.drain(connection, until: deadline())
    }

    private func answer(_ line: Result<[UInt8], ControlLine.Failure>, to peer: ControlPeer?) async -> ControlReply {
        guard let peer,
            peer.mayControl(
                owner: geteuid(), group: ControlPeer.group(of: database), nobody: ControlPeer.nobody())
        else {
            return ControlReply(
                status: 77,
                lines: ["this daemon takes requests from its own user, root, and members of its database's group"])
        }
        switch line {
        case .failure(.tooLong): return Self.misunderstood("is longer than 64 KiB")
        case .failure(.tooLate): return Self.misunderstood("did not come within \(patience / .seconds(1)) s")
        case .failure: return Self.misunderstood("ends before its line does")
        case .success(let bytes):
            do throws(ControlComplaint) {
                return await perform(try ControlRequest(line: bytes))
            } catch {
                return Self.misunderstood(error.sentence)
            }
        }
    }

    private func perform(_ request: ControlRequest) async -> ControlReply {
        if let wanted = request.database, !Self.isSameFile(wanted, database) {
            return ControlReply(
                status: ControlReply.anotherDatabase,
                lines: ["its daemon works on \(ControlAddress.absolute(database))"])
        }
        return switch request.command {
        case .reload: await handlers.reload()
        case .run(let job, let dryRun): await handlers.run(job, dryRun)
        case .wake: await handlers.wake()
        }
    }

    private static func misunderstood(_ sentence: String) -> ControlReply {
        ControlReply(status: 64, lines: ["the request \(sentence)"])
    }

    /// By device and inode, so that links and other spellings are the same.
    private static func isSameFile(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        guard stat(one, &first) == 0, stat(other, &second) == 0 else {
            return ControlAddress.absolute(one) == ControlAddress.absolute(other)
        }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }

    private func deadline() -> UInt64 {
        MonotonicClock.nanoseconds() + UInt64(patience / .nanoseconds(1))
    }
}
