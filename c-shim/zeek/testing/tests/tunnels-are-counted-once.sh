# The sensor opens tunnels: the inner connection is scored, the carrier is not, whatever Zeek does with
# Packet pointers on the way.
#
# @TEST-EXEC: for capture in tunnels__vxlan-encapsulated-http tunnels__geneve-many-options gtp-u; do mkdir $capture && (cd $capture && zeek -C -r $CAPTURES/agree/$capture.pcap foreshadow && columns proto id.resp_p orig_pkts resp_pkts tunnel_parents fs_packets_scored <conn.log | awk -F '\t' -v OFS='\t' '{ print $1, $2, $3 + $4, $5 == "-" ? "outer" : "inner", $6 }' | sort -u); done >output
# @TEST-EXEC: btest-diff output
