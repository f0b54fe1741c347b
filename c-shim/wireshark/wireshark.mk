# The Wireshark plugin, its profile and its tests. Included by the Makefile, which sets TARGET_DIR.
#
# A plugin loads into the minor version of Wireshark it was built for only, so that is in its path.
# Another copy of the headers: make wireshark PKG_CONFIG_PATH=... WIRESHARK_OUT=...

WIRESHARK_OUT ?= $(TARGET_DIR)/wireshark

# As c-shim/wireshark/install takes it: user (yourself) or system (everybody; needs root).
FOR ?= user

.PHONY: wireshark wireshark-core install-wireshark uninstall-wireshark test-wireshark corpus-wireshark \
	valgrind-wireshark bench-wireshark screenshots packages-wireshark packages-wireshark-gui

wireshark: packages-wireshark wireshark-core ## the Wireshark and tshark plugin, in target/wireshark
	@c-shim/wireshark/build $(WIRESHARK_OUT) $(TARGET_DIR)/release/libforeshadow.a

# The core as a static library: the plugin is one file, and nothing of it is seen by other plugins.
wireshark-core: packages-build
	@cargo rustc --release --lib --no-default-features --crate-type staticlib

install-wireshark: wireshark build ## plugin, profile and extcap helper, for you or with FOR=system
	@c-shim/wireshark/install --for $(FOR) $(WIRESHARK_OUT) $(TARGET_DIR)/release/foreshadow

uninstall-wireshark: ## takes them away again
	@c-shim/wireshark/install --for $(FOR) --remove

test-wireshark: wireshark build packages-test ## the plugin in tshark and sharkd, as an ordinary user
	@tests/wireshark/run $(WIRESHARK_OUT) $(TARGET_DIR)/release/foreshadow

corpus-wireshark: wireshark build ## tshark with the plugin over every capture under DIR=folder
	@if [ -z "$(DIR)" ]; then echo "usage: make corpus-wireshark DIR=folder"; exit 2; fi
	@tests/wireshark/run $(WIRESHARK_OUT) $(TARGET_DIR)/release/foreshadow --corpus "$(DIR)"

valgrind-wireshark: wireshark build packages-test ## tshark with the plugin under valgrind, on captures under DIR=folder
	@if [ -z "$(DIR)" ]; then echo "usage: make valgrind-wireshark DIR=folder"; exit 2; fi
	@tests/wireshark/run $(WIRESHARK_OUT) $(TARGET_DIR)/release/foreshadow --valgrind "$(DIR)"

bench-wireshark: wireshark build ## user CPU and memory beside plain tshark, on the captures under DIR=folder
	@if [ -z "$(DIR)" ]; then echo "usage: make bench-wireshark DIR=folder"; exit 2; fi
	@tests/wireshark/run $(WIRESHARK_OUT) $(TARGET_DIR)/release/foreshadow --bench "$(DIR)"

packages-wireshark:
	@.ci/packages build wireshark

screenshots: wireshark build packages-wireshark-gui ## the pictures of docs/wireshark.md, under Xvfb
	@tests/wireshark/run $(WIRESHARK_OUT) $(TARGET_DIR)/release/foreshadow --pictures docs/images

packages-wireshark-gui:
	@.ci/packages wireshark wireshark-gui
