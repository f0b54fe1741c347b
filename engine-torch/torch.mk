# libtorch and the library of engine-torch. Included by the Makefile, which sets TARGET_DIR.

# Where libtorch is or goes; name another copy of 2.11 (its folder with lib and include) to use that.
LIBTORCH_HOME ?= $(abspath $(TARGET_DIR))/torch/torch
# The C++ half of torch-sys only hands calls on: unoptimised it builds in three quarters of the time.
TORCH_BUILD = LIBTORCH=$(LIBTORCH_HOME) CXXFLAGS="-O0 -g0"

.PHONY: torch test-torch clippy-torch bench-torch torch-fetch packages-torch

torch: torch-fetch ## libtorch (540 MB, once) and the library that trains with it
	@$(TORCH_BUILD) cargo build --profile torch -p foreshadow-torch

torch-fetch: packages-torch
ifeq ($(LIBTORCH_HOME),$(abspath $(TARGET_DIR))/torch/torch)
	@engine-torch/fetch $(TARGET_DIR)/torch
endif

test-torch: torch ## the tests of training and of the reference engine
	@FORESHADOW_TORCH=$(abspath $(TARGET_DIR))/torch FORESHADOW_LIBTORCH=$(LIBTORCH_HOME) \
		cargo test --features torch --test torch_missing --test torch_engine --test torch_training --test torch_forecast --test torch_models

clippy-torch: torch-fetch
	@$(TORCH_BUILD) cargo clippy --profile torch -p foreshadow-torch -- -D warnings

bench-torch: torch
	@FORESHADOW_TORCH=$(abspath $(TARGET_DIR))/torch FORESHADOW_LIBTORCH=$(LIBTORCH_HOME) \
		cargo bench --features torch --bench torch

packages-torch:
	@.ci/packages build torch
