// Package release holds what a release delivers: archives, deb and rpm. Its test builds one,
// installs, upgrades and removes the packages in clean roots, and runs the installed
// worker there. make release-test runs it, as root.
//
// It is a module of its own, because nfpm brings 60 modules that no worker needs.
package release
