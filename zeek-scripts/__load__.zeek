##! Foreshadow for Zeek: for every connection a forecast of its next packet, and what was due and did
##! not come, or came and was not expected. ``@load foreshadow`` loads all of it but the example of a
##! response, ``foreshadow/respond-netcontrol``.

@load ./main
@load ./conn-log
@load ./notices
@load ./respond
@load ./telemetry
@load ./cluster
