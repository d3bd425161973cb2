#!/usr/bin/env bash
# Builds a release of HEAD, from a clean clone, into dist/: for each platform an archive with the binary, manual pages and
# completion, for Linux also a deb and an rpm; an SBOM, the release notes, and checksums.
# Usage: release.sh [PLATFORM…], such as linux/amd64. make release calls it at the top.
#
# The version is the tag of HEAD. Without one this is a snapshot, which sorts below
# every release: 0.0.0-snapshot.TIME.COMMIT.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

platforms=("$@")
tag=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null || true)
SOURCE_DATE_EPOCH=$(git show -s --format=%ct HEAD) # of the files in archives and packages
VERSION=${RELEASE_VERSION:-${tag#v}}
: "${VERSION:=0.0.0-snapshot.$SOURCE_DATE_EPOCH.$(git rev-parse --short HEAD)}"
export VERSION SOURCE_DATE_EPOCH
nfpm=$PWD/bin/tools/nfpm
dist=$PWD/dist
stage=$dist/stage
source=$stage/source

# pack FOLDER ARCHIVE makes the same bytes of the same files.
pack() {
	tar --create --directory "$(dirname "$1")" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner "$(basename "$1")" |
		gzip --no-name --best >"$2"
}

rm -rf "$dist"
mkdir -p "$stage/completion" "$stage/man" bin/tools
(cd tools/release && go build -o "$nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm)
commit=$(git rev-parse HEAD)
git clone --quiet . "$source"
cd "$source"
git checkout --quiet --detach "$commit"

echo "==> pushworker $VERSION: manual pages, completion, notes, SBOM"
go test -count=1 -tags "$TAGS" -run '^TestManPages$' ./internal/cli -args -man "$stage/man" >/dev/null
gzip --no-name --best "$stage"/man/*.1
go build -tags "$TAGS" -o "$stage/host" ./cmd/pushworker
"$stage/host" completion bash >"$stage/completion/pushworker.bash"
"$stage/host" completion fish >"$stage/completion/pushworker.fish"
"$stage/host" completion zsh >"$stage/completion/_pushworker"
# The worker of a package has a folder of its own, which its commands must know, too.
sed 's|^#PUSHWORKER_DATA_DIR=.*|PUSHWORKER_DATA_DIR=/var/lib/pushworker|' .env.example >"$stage/env"
grep -q ^PUSHWORKER_DATA_DIR= "$stage/env"
tools/release/notes.sh "$VERSION" >"$dist/release-notes.md"
make --no-print-directory --silent sbom
mv dist/pushworker.cdx.json "$dist"

for platform in "${platforms[@]}"; do
	os=${platform%/*} ARCH=${platform#*/}
	export ARCH
	built=$stage/$os-$ARCH
	name=pushworker_${VERSION}_${os}_$ARCH
	echo "==> $name"
	mkdir -p "$built/$name"
	CGO_ENABLED=0 GOOS=$os GOARCH=$ARCH go build -trimpath -tags "$TAGS" \
		-ldflags "-s -w -X main.version=v$VERSION" -o "$built/pushworker" ./cmd/pushworker
	cp -r "$stage/man" "$stage/completion" "$stage/env" "$built"
	cp -r "$built/pushworker" "$built/man" "$built/completion" LICENSE README.md CHANGELOG.md .env.example deploy "$built/$name"
	pack "$built/$name" "$dist/$name.tar.gz"
	if [[ $os = linux ]]; then
		ln -sfn "$built" stage
		for format in deb rpm; do
			"$nfpm" package --config deploy/packages/nfpm.yaml --packager "$format" --target "$dist"
		done
	fi
done
rm -rf "$stage"
(cd "$dist" && sha256sum -- * >sha256sums.txt && cat sha256sums.txt)
