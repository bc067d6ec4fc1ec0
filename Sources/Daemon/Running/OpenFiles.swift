import Glibc

/// How many files, sockets among them, the process may have open at once: RLIMIT_NOFILE, see getrlimit(2).
///
/// systemd and most shells give 1,024, for programs that call select(2), and a hard limit of half a million for those that don't and ask for more
/// (systemd.exec(5), LimitNOFILE=). Programs that this one starts inherit what it asked for.
enum OpenFiles {
    /// What is kept for all else than deliveries: the database and its log by several connections, the lock, archives, watches, control connections,
    /// pipes and sockets of resolvers. Some 40 were counted; a hundred control connections come on top where there are many.
    static let reserve = 256

    /// Asks for `wanted` where fewer are allowed now, or for as many as may be.
    ///
    /// - Returns: how many are allowed then.
    static func allow(_ wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        guard limit.rlim_cur < rlim_t(wanted) else { return wanted }
        var raised = limit
        raised.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 else {
            return Int(clamping: limit.rlim_cur)
        }
        return Int(clamping: raised.rlim_cur)
    }

    /// What `inFlight` connections at once may need: themselves, others that are kept for later, and the reserve.
    static func needed(inFlight: Int, kept: Int) -> Int { reserve + inFlight + kept }

    /// How many connections may be under way where so many files are allowed: all of `inFlight` where there is room for them and those that are kept,
    /// else half of what there is beside the reserve, and one at least.
    static func inFlight(_ inFlight: Int, kept: Int, allowed: Int) -> Int {
        if needed(inFlight: inFlight, kept: kept) <= allowed { return inFlight }
        return max(1, min(inFlight, (allowed - reserve) / 2))
    }
}
