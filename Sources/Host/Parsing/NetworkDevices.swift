/// What network interfaces have carried, from `/proc/self/net/dev` (proc_pid_net(5)): those of the process's own network
/// namespace, which under PrivateNetwork= isn't the host's.
///
/// All but the loopback `lo` are kept.
package struct NetworkDevices: Sendable, Equatable {
    /// One direction of one interface.
    package struct Flow: Sendable, Equatable {
        package var bytes: UInt64
        package var errors: UInt64
        package var dropped: UInt64
    }

    package struct Interface: Sendable, Equatable {
        package var name: String
        package var received: Flow
        package var transmitted: Flow
    }

    package var interfaces: [Interface]

    /// Nil where no line is that of an interface, `lo` included.
    init?(_ text: Span<UInt8>) {
        var interfaces: [Interface] = []
        var isAny = false
        text.forEachLine { line in
            // The name ends at the last colon (an alias such as eth0:1 holds one), and figures may follow at once.
            guard let colon = (0..<line.count).last(where: { line[$0] == UInt8(ascii: ":") }) else { return }
            var before = FieldWalk()
            guard let name = before.next(in: line), name.lowerBound < colon else { return }
            var walk = FieldWalk(from: colon + 1)
            guard let received = walk.flow(in: line) else { return }
            walk.skip(4, in: line)  // fifo, frame, compressed, multicast
            guard let transmitted = walk.flow(in: line) else { return }
            isAny = true
            let word = line.text(name.lowerBound..<colon)
            guard word != "lo" else { return }
            interfaces.append(Interface(name: word, received: received, transmitted: transmitted))
        }
        guard isAny else { return nil }
        self.interfaces = interfaces
    }

    private static let madeOfSoftware = [
        "veth", "docker", "br-", "virbr", "vnet", "tap", "tun", "ifb", "dummy", "cni", "flannel", "cali", "cilium",
        "lxc",
        "kube-", "nodelocaldns", "sit", "ip6tnl", "gre", "vxlan", "wg",
    ]

    /// By its name, since asking /sys would cost a look for each of what may be hundreds.
    static func isLikelyHardware(_ name: String) -> Bool {
        !madeOfSoftware.contains(where: name.hasPrefix)
    }
}

extension FieldWalk {
    fileprivate mutating func flow(in line: Span<UInt8>) -> NetworkDevices.Flow? {
        guard let bytes = number(in: line), number(in: line) != nil, let errors = number(in: line),
            let dropped = number(in: line)
        else { return nil }
        return NetworkDevices.Flow(bytes: bytes, errors: errors, dropped: dropped)
    }
}
