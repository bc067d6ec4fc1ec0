import Testing

/// What only real processes can show: how the program behaves when it is killed, stopped, started twice or started
/// wrongly.
///
/// One test at a time: each runs several processes, and some measure how long one of them takes to end.
@Suite(.serialized) struct CrashTests {}
