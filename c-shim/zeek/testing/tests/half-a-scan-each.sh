# A cluster of manager and two workers, each of which sees half of a scan: neither sees enough, and there is
# one target of the network, though one worker is killed on the way and comes back. For both backends
# that Zeek has.
#
# @TEST-PORT: PORT_MANAGER
# @TEST-PORT: PORT_ONE
# @TEST-PORT: PORT_TWO
# @TEST-PORT: PORT_XPUB
# @TEST-PORT: PORT_XSUB
# @TEST-REQUIRES: command -v python3
# @TEST-EXEC: mkdir broker && cd broker && bash %INPUT broker
# @TEST-EXEC: mkdir zeromq && cd zeromq && bash %INPUT zeromq
# @TEST-EXEC: cat broker/output zeromq/output >output
# @TEST-EXEC: btest-diff output

set -u
python3 - <<'PY'
import struct

def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF

def udp(source, destination, sport, dport, payload):
    body = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0, bytes(source), bytes(destination))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return bytes(12) + b"\x08\x00" + head + body

def capture(path, half):
    packets = []
    scanner = (198, 51, 100, 7)
    for number in range(50):
        server, when = (203, 0, 113, half * 100 + number), 1 + number * 0.5
        packets.append((when, udp(scanner, server, 40000 + number, 53, b"q" * 24)))
        packets.append((when + 0.02, udp(server, scanner, 53, 40000 + number, b"a" * 48)))
    for second in range(120):
        packets.append((second, udp((192, 0, 2, 1 + half), (192, 0, 2, 9), 5000, 123, b"t" * 48)))
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for when, data in sorted(packets):
            micros = round(when * 1e6)
            # At an even minute, so that rounds begin with the capture.
            file.write(struct.pack("<IIII", 1700000040 + micros // 1000000, micros % 1000000, len(data), len(data)) + data)

capture("one.pcap", 0)
capture("two.pcap", 1)
PY

cat >cluster-layout.zeek <<EOF
redef Cluster::manager_is_logger = T;
redef Cluster::nodes = {
    ["manager"] = [\$node_type=Cluster::MANAGER, \$ip=127.0.0.1, \$p=$PORT_MANAGER],
    ["worker-1"] = [\$node_type=Cluster::WORKER, \$ip=127.0.0.1, \$p=$PORT_ONE, \$manager="manager"],
    ["worker-2"] = [\$node_type=Cluster::WORKER, \$ip=127.0.0.1, \$p=$PORT_TWO, \$manager="manager"],
};
EOF
cat >site.zeek <<'EOF'
@load foreshadow
redef Log::default_rotation_interval = 0sec;
redef Foreshadow::settings += {
    ["bloom.federation_key"] = "00112233445566778899aabbccddeeff",
    ["bloom.interval"] = "10s",
    ["bloom.warm_up"] = "0",
    ["bloom.threshold"] = "0.5",
};
EOF
if [ "$1" = zeromq ]; then
    if ! [ -d "$(zeek-config --script_dir)/policy/frameworks/cluster/backend/zeromq" ]; then
        echo "SKIPPED: this Zeek has no ZeroMQ backend"
        cp ../broker/output output
        exit 0
    fi
    cat >>site.zeek <<EOF
@load frameworks/cluster/backend/zeromq/connect
redef Cluster::Backend::ZeroMQ::listen_xpub_endpoint = "tcp://127.0.0.1:${PORT_XPUB%/*}";
redef Cluster::Backend::ZeroMQ::listen_xsub_endpoint = "tcp://127.0.0.1:${PORT_XSUB%/*}";
redef Cluster::Backend::ZeroMQ::connect_xpub_endpoint = "tcp://127.0.0.1:${PORT_XSUB%/*}";
redef Cluster::Backend::ZeroMQ::connect_xsub_endpoint = "tcp://127.0.0.1:${PORT_XPUB%/*}";
EOF
fi
export ZEEKPATH=$PWD:$ZEEKPATH
node() { # node NAME ARGUMENTS...: becomes one of the cluster, in a folder of its own
    mkdir -p "$1"
    cd "$1" || exit 1
    CLUSTER_NODE=$1 exec zeek -C "${@:2}" ../site.zeek >>out 2>>err
}

node manager &
manager=$!
sleep 2
node worker-1 --pseudo-realtime=5 -r ../one.pcap &
one=$!
node worker-2 --pseudo-realtime=5 -r ../two.pcap &
two=$!
sleep 8
kill -KILL $two
node worker-2 --pseudo-realtime=5 -r ../two.pcap &
two=$!
wait $one $two
sleep 1
kill -TERM $manager
wait $manager
columns target sensors categories <manager/foreshadow_target.log >output
columns note src <manager/notice.log | grep Foreshadow::Target >>output
