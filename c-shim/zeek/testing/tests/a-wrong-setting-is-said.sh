# A setting that the sensor refuses is one warning with key and reason; Zeek goes on.
#
# @TEST-EXEC: zeek -C -r $CAPTURES/demo.pcap foreshadow -e 'redef Foreshadow::settings += { ["score.bananas"] = "4" };' 2>err
# @TEST-EXEC: test -s conn.log -a ! -e foreshadow_stats.log
# @TEST-EXEC: zeek -C -r $CAPTURES/demo.pcap foreshadow -e 'redef Foreshadow::config_file = "/nowhere/at/all.toml";' 2>>err
# @TEST-EXEC: sed 's/^[0-9.]* //; s/ in <[^>]*>, line [0-9]*//; s/, expected one of.*/, expected .../' err >output
# @TEST-EXEC: btest-diff output
#
# And one that it takes has its effect.
# @TEST-EXEC: rm -f *.log && zeek -C -r $CAPTURES/demo.pcap foreshadow -e 'redef Foreshadow::settings += { ["sensor.stats_interval"] = "10s" };'
# @TEST-EXEC: test $(columns ts <foreshadow_stats.log | wc -l) -ge 5
# @TEST-EXEC: printf '[sensor]\nstats_interval = "20s"\n' >some.toml
# @TEST-EXEC: rm -f *.log && zeek -C -r $CAPTURES/demo.pcap foreshadow -e 'redef Foreshadow::config_file = "some.toml";'
# @TEST-EXEC: test $(columns ts <foreshadow_stats.log | wc -l) -eq 3
#
# Switched off, there is nothing of it.
# @TEST-EXEC: rm -f *.log && zeek -C -r $CAPTURES/demo.pcap foreshadow -e 'redef Foreshadow::enabled = F;'
# @TEST-EXEC: test -s conn.log -a ! -e foreshadow_stats.log
