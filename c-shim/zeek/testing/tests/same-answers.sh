# The same surprises, scores and synthetic packets as `foreshadow run`, over every kind of capture that is
# bundled. Left out are captures that libpcap, through which Zeek reads, takes otherwise: records without
# bytes, and times that no clock shows.
#
# @TEST-REQUIRES: test -x $FORESHADOW
# @TEST-EXEC: ls $CAPTURES/demo.pcap $CAPTURES/agree/* >captures
# @TEST-EXEC: xargs $TESTING/same-answers --foreshadow $FORESHADOW <captures >output
