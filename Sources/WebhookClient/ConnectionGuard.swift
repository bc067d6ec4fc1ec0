enum ConnectionGuard {
    static let mostUnread = 256 * 1_024
}
