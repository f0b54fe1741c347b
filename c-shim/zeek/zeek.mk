# The Zeek plugin. Included by the Makefile, which sets TARGET_DIR.

# Where Zeek is installed; empty: the one whose zeek-config is on the path.
ZEEK_PREFIX ?=
export ZEEK_PREFIX
ZEEK_PATH = $(if $(ZEEK_PREFIX),$(abspath $(ZEEK_PREFIX))/bin:)$(PATH)
ZEEK_HAVE = PATH="$(ZEEK_PATH)" command -v zeek-config >/dev/null
# A libforeshadow.so that is built already; empty: cargo builds it.
ZEEK_LIBRARY ?=
ZEEK_BUILD = c-shim/zeek/build

.PHONY: zeek test-zeek install-zeek packages-zeek

zeek: ## the Zeek plugin, for the Zeek of zeek-config or ZEEK_PREFIX=folder
	@$(ZEEK_HAVE) || { echo "make zeek: there is no zeek-config on the path; name Zeek's folder: make zeek ZEEK_PREFIX=/opt/zeek" >&2; exit 1; }
	@$(MAKE) --no-print-directory packages-zeek
	@PATH="$(ZEEK_PATH)" c-shim/zeek/configure $(if $(ZEEK_LIBRARY),--with-library=$(abspath $(ZEEK_LIBRARY))) >/dev/null
	@cmake --build $(ZEEK_BUILD)

test-zeek: ## the plugin's tests in a real Zeek, where there is one
	@if ! $(ZEEK_HAVE); then \
		echo "SKIPPED: the tests of the Zeek plugin, for there is no zeek-config on the path and ZEEK_PREFIX names no Zeek"; \
	else \
		$(MAKE) --no-print-directory zeek && cargo build --release && \
		cd c-shim/zeek/testing && PATH="$(ZEEK_PATH)" btest -c btest.cfg -d; \
	fi

install-zeek: zeek ## install plugin and scripts into that Zeek
	@PATH="$(ZEEK_PATH)"; \
	plugins=$$(zeek-config --plugin_dir)/Foreshadow_Sensor; scripts=$$(zeek-config --site_dir)/foreshadow; \
	rm -rf "$$plugins" && mkdir -p "$$plugins" "$$scripts" && \
	cp -RL $(ZEEK_BUILD)/__zeek_plugin__ $(ZEEK_BUILD)/lib $(ZEEK_BUILD)/scripts "$$plugins" && \
	cp zeek-scripts/*.zeek "$$scripts" && \
	echo "installed $$plugins and $$scripts; add '@load foreshadow' to local.zeek"

packages-zeek:
	@.ci/packages build zeek
