# Targets for the Makefile of a build job: diff repos, an upgrade tarball, its report.
#
#   include /usr/share/fuel-upgrade/build/fuel-upgrade.mk
#
# The variables, the artifacts and the folders in them have the names of the 6.0 build system;
# docs/build.rst describes all. No path may have blanks.

PRODUCT_VERSION ?=
CURRENT_VERSION ?= $(PRODUCT_VERSION)
# The version of which the repos of the current one are diffs; the full repos are in DEPS_DIR.
BASE_VERSION ?=
# The openstack bundles of the tarball: NEW:BASE is a diff, NEW is full.
UPGRADE_VERSIONS ?= $(CURRENT_VERSION)$(addprefix :,$(BASE_VERSION))
# The versions that a master may have; by default all that UPGRADE_VERSIONS names.
UPGRADE_FROM ?=
SYSTEMS ?= centos ubuntu

BUILD_DIR ?= build
ARTS_DIR ?= $(BUILD_DIR)/artifacts
DEPS_DIR ?= deps
LOCAL_MIRROR ?= local_mirror
CENTOS_REPO ?= $(LOCAL_MIRROR)/centos/os/x86_64
UBUNTU_REPO ?= $(LOCAL_MIRROR)/ubuntu
OPENSTACK_YAML ?= openstack.yaml
# A folder with modules and manifests, or empty.
PUPPET_DIR ?=

# version.yaml: a file, or else made of these; the SHAs are left out where they are empty.
VERSION_YAML ?=
FEATURE_GROUPS ?=
PRODUCTION ?= docker
API_VERSION ?= 1.0
BUILD_NUMBER ?=
BUILD_ID ?=
NAILGUN_SHA ?=
ASTUTE_SHA ?=
FUELLIB_SHA ?=
OSTF_SHA ?=
FUELMAIN_SHA ?=

# .tar for masters without zstd.
UPGRADE_SUFFIX ?= .tar.zst
UPGRADE_TARBALL ?= $(ARTS_DIR)/fuel-$(CURRENT_VERSION)-upgrade$(UPGRADE_SUFFIX)
UPGRADE_ISO ?= $(basename $(patsubst %.zst,%,$(UPGRADE_TARBALL))).iso
FUEL_UPGRADE ?= fuel-upgrade
# The time of all files in archives, in seconds.
SOURCE_DATE_EPOCH ?= 0
export FUEL_UPGRADE SOURCE_DATE_EPOCH

fuel_upgrade_scripts := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))/
fuel_upgrade_bases := $(sort $(BASE_VERSION) \
  $(patsubst $(CURRENT_VERSION):%,%,$(filter $(CURRENT_VERSION):%,$(UPGRADE_VERSIONS))))
# The full repo of a version: unpacked, or as the artifact of its build.
fuel_upgrade_full = $(firstword $(wildcard $(DEPS_DIR)/$(2)/$(1)-repo) $(DEPS_DIR)/$(2)/$(1)-repo.tar)
fuel_upgrade_diff = $(ARTS_DIR)/diff-$(1)-repo-$(CURRENT_VERSION)-$(2).tar

.PHONY: centos-repo ubuntu-repo centos-diff-repo ubuntu-diff-repo openstack-yaml version-yaml upgrade iso report \
  current-version upgrade-versions fuel-upgrade-force

current-version: ; @echo $(CURRENT_VERSION)
upgrade-versions: ; @echo $(UPGRADE_VERSIONS)

# Whether an artifact can stay is decided by its content, not by times: mirrors keep the times of others.
# So these recipes always run, and leave an artifact with the same content untouched.
fuel-upgrade-force:

openstack-yaml: $(ARTS_DIR)/openstack.yaml
$(ARTS_DIR)/openstack.yaml: $(OPENSTACK_YAML) fuel-upgrade-force
	$(fuel_upgrade_scripts)replace $@ cat $<

version-yaml: $(ARTS_DIR)/version.yaml
ifneq ($(VERSION_YAML),)
$(ARTS_DIR)/version.yaml: $(VERSION_YAML) fuel-upgrade-force
	$(fuel_upgrade_scripts)replace $@ cat $<
else
$(ARTS_DIR)/version.yaml: fuel-upgrade-force
	$(fuel_upgrade_scripts)replace $@ printf '%s\n' 'VERSION:' \
	  '  feature_groups: [$(FEATURE_GROUPS)]' '  production: "$(PRODUCTION)"' \
	  '  release: "$(CURRENT_VERSION)"' '  api: "$(API_VERSION)"' \
	  '  build_number: "$(BUILD_NUMBER)"' '  build_id: "$(BUILD_ID)"' \
	  $(if $(NAILGUN_SHA),'  nailgun_sha: "$(NAILGUN_SHA)"') $(if $(ASTUTE_SHA),'  astute_sha: "$(ASTUTE_SHA)"') \
	  $(if $(FUELLIB_SHA),'  fuellib_sha: "$(FUELLIB_SHA)"') $(if $(OSTF_SHA),'  ostf_sha: "$(OSTF_SHA)"') \
	  $(if $(FUELMAIN_SHA),'  fuelmain_sha: "$(FUELMAIN_SHA)"')
endif

$(ARTS_DIR)/puppet.tgz: $(PUPPET_DIR) fuel-upgrade-force
	$(fuel_upgrade_scripts)replace $@ $(fuel_upgrade_scripts)pack $(PUPPET_DIR) puppet --use-compress-program='gzip -9n'

centos-repo: $(ARTS_DIR)/centos-repo.tar
ubuntu-repo: $(ARTS_DIR)/ubuntu-repo.tar
$(ARTS_DIR)/centos-repo.tar: $(CENTOS_REPO) fuel-upgrade-force
	$(fuel_upgrade_scripts)replace $@ $(fuel_upgrade_scripts)pack $(CENTOS_REPO) centos-repo
$(ARTS_DIR)/ubuntu-repo.tar: $(UBUNTU_REPO) fuel-upgrade-force
	$(fuel_upgrade_scripts)replace $@ $(fuel_upgrade_scripts)pack $(UBUNTU_REPO) ubuntu-repo

ifneq ($(BASE_VERSION),)
centos-diff-repo: $(call fuel_upgrade_diff,centos,$(BASE_VERSION))
ubuntu-diff-repo: $(call fuel_upgrade_diff,ubuntu,$(BASE_VERSION))
else
centos-diff-repo ubuntu-diff-repo:
	@echo "$@: BASE_VERSION is empty; set it to the version of which the repo is a diff" >&2; exit 2
endif

define fuel_upgrade_diff_rule
$(call fuel_upgrade_diff,$(1),$(3)): $(2) $(call fuel_upgrade_full,$(1),$(3)) fuel-upgrade-force
	$$(fuel_upgrade_scripts)diff-repo $(call fuel_upgrade_full,$(1),$(3)) $(2) $$@ \
	  $(1)_updates-$(CURRENT_VERSION)-$(3) $(DEPS_DIR)/$(CURRENT_VERSION)/$$(@F)
endef
$(foreach base,$(fuel_upgrade_bases),\
  $(eval $(call fuel_upgrade_diff_rule,centos,$(CENTOS_REPO),$(base)))\
  $(eval $(call fuel_upgrade_diff_rule,ubuntu,$(UBUNTU_REPO),$(base))))

# The artifacts of the current version that the tarball has; those of others are in DEPS_DIR.
fuel_upgrade_current := $(filter $(CURRENT_VERSION) $(CURRENT_VERSION):%,$(UPGRADE_VERSIONS))
fuel_upgrade_parts := $(ARTS_DIR)/version.yaml $(if $(fuel_upgrade_current),$(ARTS_DIR)/openstack.yaml \
  $(if $(PUPPET_DIR),$(ARTS_DIR)/puppet.tgz) $(foreach system,$(SYSTEMS),$(foreach version,$(fuel_upgrade_current),\
    $(if $(findstring :,$(version)),$(call fuel_upgrade_diff,$(system),$(patsubst $(CURRENT_VERSION):%,%,$(version))),\
      $(ARTS_DIR)/$(system)-repo.tar))))
fuel_upgrade_only := $(if $(filter-out $(SYSTEMS),centos ubuntu),$(addprefix --only ,$(SYSTEMS)))

upgrade: $(UPGRADE_TARBALL)
$(ARTS_DIR)/bundle.yaml: $(fuel_upgrade_parts) fuel-upgrade-force
	$(FUEL_UPGRADE) bundle spec $(UPGRADE_VERSIONS) --current $(CURRENT_VERSION) --artifacts $(ARTS_DIR) \
	  --deps $(DEPS_DIR) $(addprefix --upgrade-from ,$(UPGRADE_FROM)) $(fuel_upgrade_only) -o $(@D)/.bundle.yaml
	$(fuel_upgrade_scripts)replace $@ cat $(@D)/.bundle.yaml
$(UPGRADE_TARBALL): $(ARTS_DIR)/bundle.yaml fuel-upgrade-force
	$(fuel_upgrade_scripts)build-whole $@ $(FUEL_UPGRADE) bundle build $<

iso: $(UPGRADE_ISO)
$(UPGRADE_ISO): $(UPGRADE_TARBALL)
	$(fuel_upgrade_scripts)build-whole $@ $(FUEL_UPGRADE) bundle iso $<

report: $(ARTS_DIR)/report-$(CURRENT_VERSION).html $(ARTS_DIR)/report-$(CURRENT_VERSION).json
$(ARTS_DIR)/report-$(CURRENT_VERSION).%: $(UPGRADE_TARBALL)
	$(fuel_upgrade_scripts)replace $@ $(FUEL_UPGRADE) bundle report $< --format $*
