# Zeek starts and logs as ever where the library is missing, is something else, or has another ABI
# version, and says so once.
#
# @TEST-EXEC: mkdir missing other older
# @TEST-EXEC: for kind in missing other older; do cp -rL $PLUGIN/__zeek_plugin__ $PLUGIN/scripts $kind/ && mkdir $kind/lib && cp -r $PLUGIN/lib/bif $PLUGIN/lib/Foreshadow-*.so $kind/lib/; done
# @TEST-EXEC: echo 'int nothing;' >other.c && cc -shared -fPIC -o other/lib/libforeshadow.so other.c
# @TEST-EXEC: echo 'unsigned foreshadow_abi_version(void) { return 999; }' >older.c && cc -shared -fPIC -o older/lib/libforeshadow.so older.c
# @TEST-EXEC: for kind in missing other older; do mkdir run-$kind && (cd run-$kind && ZEEK_PLUGIN_PATH=../$kind zeek -C -r $CAPTURES/demo.pcap foreshadow %INPUT >out 2>err && test -s conn.log && test ! -e foreshadow_stats.log); done
# @TEST-EXEC: for kind in missing other older; do echo "== $kind"; cat run-$kind/out; sed "s|[^ :]*/lib/|LIB/|g; s/^[0-9.]* //" run-$kind/err; done >output
# @TEST-EXEC: btest-diff output

event zeek_done()
	{
	print "active", Foreshadow::is_active(), "release", Foreshadow::version();
	}
