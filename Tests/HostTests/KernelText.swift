// What kernels print, shortened where more lines would say no more.

enum KernelText {
    /// Linux 6.1, four processors.
    static let stat = """
        cpu  10132153 290696 3084719 46828483 16683 0 25195 1200 175628 0
        cpu0 1393280 32966 572056 13343292 6130 0 17875 300 45268 0
        cpu1 1335123 31456 547328 13333532 5830 0 17875 300 45268 0
        cpu2 1393280 32966 572056 13343292 6130 0 17875 300 45268 0
        cpu3 1393280 32966 572056 13343292 6130 0 17875 300 45268 0
        intr 199292370 0 9 0 0 0 0 0 0 1 0 0 0 0 0 0 0
        ctxt 38014093
        btime 1795571016
        processes 26442
        procs_running 1
        procs_blocked 0
        softirq 5057579 250191 1481983 1647 211099 186066 0 1783454 622196 12499 508444

        """
    /// Linux 6.1 with swap.
    static let meminfo = """
        MemTotal:       16303428 kB
        MemFree:         1203004 kB
        MemAvailable:   11906616 kB
        Buffers:          800512 kB
        Cached:          9012316 kB
        SwapCached:         1024 kB
        Active(anon):    1548 kB
        SwapTotal:       2097148 kB
        SwapFree:        2000000 kB
        Dirty:               312 kB
        SReclaimable:     684212 kB
        SUnreclaim:       120364 kB
        HugePages_Total:       0
        DirectMap1G:     9437184 kB

        """
    static let vmstat = """
        nr_free_pages 300751
        pgpgin 1826471
        pgpgout 9283746
        pswpin 120
        pswpout 4096
        pgfault 88321456
        pgmajfault 10231
        unevictable_pgs_culled 100

        """
    static let loadavg = "0.67 12.76 100.41 2/93 6109\n"
    static let pressureCPU = """
        some avg10=1.19 avg60=1.64 avg300=5.14 total=36387239
        full avg10=0.00 avg60=0.00 avg300=0.00 total=0

        """
    static let pressureMemory = """
        some avg10=0.00 avg60=0.50 avg300=0.25 total=1500000
        full avg10=0.00 avg60=0.25 avg300=0.12 total=750000

        """
    /// Linux 5.5 and later, with all kinds of devices: 17 figures a line.
    static let diskstats = """
           7       0 loop0 52 0 2124 28 0 0 0 0 0 36 28 0 0 0 0 0 0
         259       0 nvme0n1 102938 5520 3322818 10546 69130 14374 9702080 113321 0 7404 124134 1932 0 517520 221 1230 44
         259       1 nvme0n1p1 300 0 12000 40 10 0 80 1 0 40 41 0 0 0 0 0 0
         259       2 nvme0n1p2 102638 5520 3310818 10506 69120 14374 9702000 113320 0 7364 124093 1932 0 517520 221 0 0
           8       0 sda 1000 10 64000 300 2000 20 128000 900 0 800 1200 0 0 0 0 0 0
           8       1 sda1 900 10 60000 290 1900 20 120000 890 0 790 1180 0 0 0 0 0 0
           8      16 sdb 10 0 80 1 0 0 0 0 0 1 1 0 0 0 0 0 0
           8      32 sdc 20 0 160 1 0 0 0 0 0 1 1 0 0 0 0 0 0
           8      48 sdd 30 0 240 1 5 0 40 1 0 1 1 0 0 0 0 0 0
         202       1 xvda1 70 0 560 1 7 0 56 1 0 1 1 0 0 0 0 0 0
         253       0 dm-0 103000 0 3310000 10600 84000 0 9702000 120000 0 7400 130600 0 0 0 0 0 0
           9       0 md0 10 0 80 0 0 0 0 0 0 0 0 0 0 0 0 0 0
          11       0 sr0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
         253       1 zram0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0

        """
    static let netDev = """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
            lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
          eth0: 15479391     378    1    2    0     0          0         0    20638     247    3    4    0     0       0          0
        eth1:1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0
        docker0:  500000    100    0    7    0     0          0         0   600000     100    0    0    0     0       0          0
        vethab12:  400000    100    0    0    0     0          0         0   300000     100    0    9    0     0       0          0

        """
    /// The command's name was chosen to mislead.
    static let selfStat =
        "812 (tally) d (x) S 1 812 812 0 -1 4194560 1533 0 17 0 4520 1310 0 0 20 0 7 0 1520 1073741824 "
        + "6200 18446744073709551615 1 1 0 0 0 0 0 4096 81920 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    static let selfStatus = """
        Name:\ttallyd
        Umask:\t0027
        State:\tS (sleeping)
        Pid:\t812
        VmPeak:\t 1050000 kB
        VmSize:\t 1048576 kB
        VmRSS:\t   24800 kB
        Threads:\t7
        Cpus_allowed:\t00000000,0000000f
        Cpus_allowed_list:\t0-3
        voluntary_ctxt_switches:\t15432
        nonvoluntary_ctxt_switches:\t211

        """
    static let mountinfo = """
        22 27 0:21 / /proc rw,relatime - proc proc rw
        27 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,discard
        31 27 0:28 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
        40 27 8:1 / /var/lib/my\\040data rw,noatime shared:20 master:3 - xfs /dev/sda1 rw
        41 40 8:16 /sub /var/lib/my\\040data/cold ro,relatime - ext4 /dev/sdb ro

        """
    static let cgroup = "0::/system.slice/tallyd.service\n"
    static let cpuStat = """
        usage_usec 5830000
        user_usec 4520000
        system_usec 1310000
        core_sched.force_idle_usec 0
        nr_periods 120
        nr_throttled 7
        throttled_usec 350000
        nr_bursts 0
        burst_usec 0

        """
    static let ioStat = """
        8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0
        253:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0
        7:0 
        259:0 rbytes=1000 wbytes=0 rios=3 wios=0 dbytes=0 dios=0

        """
}
