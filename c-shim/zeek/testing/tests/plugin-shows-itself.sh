# The plugin is there with its events, functions and types.
#
# @TEST-EXEC: zeek -NN Foreshadow::Sensor | sed 's/version [0-9.]*/version X/' >output
# @TEST-EXEC: btest-diff output
