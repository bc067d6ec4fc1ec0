/// Addresses at which a cloud's host answers its guests with their credentials or settings. Some are link-local or
/// private and refused for that already; here they get the name that tells what was reached for.
///
/// Sources: the vendors' documentation of instance metadata, and for the IPv6 ones cloud-init's data sources and the vendors'
/// own SDKs.
enum CloudService {
    static let addresses: [CIDR] = [
        // AWS, Google, Azure, DigitalOcean, Oracle, OpenStack, Hetzner, IBM, Linode, Vultr, Exoscale, Huawei.
        CIDR(known: "169.254.169.254/32"),
        // AWS: resolver and clock; task credentials of ECS; pod identities of EKS.
        CIDR(known: "169.254.169.253/32"),
        CIDR(known: "169.254.169.123/32"),
        CIDR(known: "169.254.170.2/32"),
        CIDR(known: "169.254.170.23/32"),
        CIDR(known: "fd00:ec2::/32"),
        // Tencent (metadata.tencentyun.com), Scaleway.
        CIDR(known: "169.254.0.23/32"),
        CIDR(known: "169.254.42.42/32"),
        CIDR(known: "fd00:42::42/128"),
        // Azure's platform address, which is a public one ("What is IP address 168.63.129.16?").
        CIDR(known: "168.63.129.16/32"),
        // Alibaba: metadata, and resolvers; in carriers' shared space.
        CIDR(known: "100.100.100.200/32"),
        CIDR(known: "100.100.2.136/32"),
        CIDR(known: "100.100.2.138/32"),
        CIDR(known: "fd00:100::100:200/128"),
        // Volcano Engine, in the same space.
        CIDR(known: "100.96.0.96/32"),
        // Oracle Cloud Classic, and Oracle over IPv6.
        CIDR(known: "192.0.0.192/32"),
        CIDR(known: "fd00:c1::a9fe:a9fe/128"),
        // Google, Linode and OpenStack over IPv6.
        CIDR(known: "fd20:ce::254/128"),
        CIDR(known: "fd00:a9fe:a9fe::1/128"),
        CIDR(known: "fe80::a9fe:a9fe/128"),
        // IBM: services of the platform under public numbers that only its own guests reach.
        CIDR(known: "161.26.0.0/16"),
        CIDR(known: "166.8.0.0/14"),
    ]

    static func contains(_ address: IPAddress) -> Bool {
        addresses.contains { $0.contains(address) }
    }
}
