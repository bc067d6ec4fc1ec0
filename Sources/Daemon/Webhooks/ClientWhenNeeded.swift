import Synchronization
import WebhookClient
import Webhooks

/// The client, made at the first message: with it come TLS, the authorities that the system trusts and threads, 6 MB that a daemon without webhooks
/// has no use for (measured).
final class ClientWhenNeeded: Sendable {
    private let client = Mutex<WebhookClient?>(nil)
    private let make: @Sendable () throws(Defect) -> WebhookClient

    init(_ make: @escaping @Sendable () throws(Defect) -> WebhookClient) {
        self.make = make
    }

    func get() throws(Defect) -> WebhookClient {
        try client.withLock { client throws(Defect) in
            if let client { return client }
            let made = try make()
            client = made
            return made
        }
    }

    func shutdown() async {
        await client.withLock { $0 }?.shutdown()
    }
}
